//! Judging by rule alone: no model, no waiting, one call after the other on the caller's own thread.

use std::time::Instant;

use rewarden_record::{TaskFailure, Verdict};
use rewarden_types::{Reward, Task};

use crate::judge::{Judge, Observer, Stage};
use crate::rounds::{Next, Rounds};

impl Judge {
    /// Returns whether the pack asks a model. One that does not can be judged by [`judge_by_rule`](Judge::judge_by_rule).
    pub fn asks_a_model(&self) -> bool {
        self.pack.asks_model()
    }

    /// Judges one task with a pack of scorers and a policy, as [`judge`](Judge::judge) would, and blocks: tens of
    /// microseconds for the bundled plugins, up to the plugins' own limits for others. A policy that asks for samples fails
    /// the task, since there is nothing to draw them with.
    pub fn judge_by_rule(&self, task: &Task, observer: &dyn Observer) -> Verdict {
        Verdict { task: task.id.clone(), samples: Vec::new(), reward: self.rule(task, observer) }
    }

    fn rule(&self, task: &Task, observer: &dyn Observer) -> Result<Reward, TaskFailure> {
        let view = self.pack.view(task);
        let started = Instant::now();
        let signals = self.pack.signals(&view, &task.references());
        observer.stage(Stage::Score, started.elapsed());
        let mut rounds = Rounds::new(view, signals?.into(), self.terms(&task.id));
        let input = rounds.ask()?;
        let started = Instant::now();
        let step = self.pack.step(&input);
        observer.stage(Stage::Policy, started.elapsed());
        match rounds.answer(step?)? {
            Next::Finish(reward) => Ok(reward),
            // Without a template no sample is drawn, and without samples there is none to rate.
            Next::Draw(_) | Next::Rate(_) => Err(TaskFailure::host("a task that is judged by rule wants a model")),
        }
    }
}
