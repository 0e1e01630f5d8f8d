//! What a run holds of its tasks, however it is kept.

use std::sync::Arc;

use rewarden_types::{Reward, Sha256Digest, Task};

use crate::principles::PrinciplesRecord;
use crate::sample::SampleRecord;
use crate::verdict::{TaskFailure, Verdict};

/// A task within one run, by a number of that run. Keys ascend in the order in which tasks were begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskKey(pub i64);

/// What a run holds of a task that is begun.
#[derive(Clone, Debug, PartialEq)]
pub struct Begun {
    /// The task within the run.
    pub key: TaskKey,
    /// The samples that were drawn before, by id; there may be gaps where a run was killed.
    pub samples: Vec<SampleRecord>,
    /// The task's end, if it has been reached before.
    pub reward: Option<Result<Reward, TaskFailure>>,
}

/// A component that a run holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedComponent {
    /// The name that it was loaded under.
    pub name: String,
    /// Of `wasm`.
    pub digest: Sha256Digest,
    /// The component.
    pub wasm: Vec<u8>,
}

/// All that a run holds of one task.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The task within the run.
    pub key: TaskKey,
    /// The task.
    pub task: Task,
    /// What it was judged under; `None` in a pack without that stage, and before it.
    pub principles: Option<Arc<PrinciplesRecord>>,
    /// Its samples, by id.
    pub samples: Vec<SampleRecord>,
    /// Its end; `None` while it is unfinished, and in an import.
    pub reward: Option<Result<Reward, TaskFailure>>,
}

impl Recorded {
    /// Returns a task and samples that are in no run yet, to be replayed.
    pub fn of(task: Task, samples: Vec<SampleRecord>) -> Self {
        Self { key: TaskKey(0), task, samples, principles: None, reward: None }
    }

    /// Returns the task, and the verdict unless the task is unfinished.
    pub fn into_verdict(self) -> (Task, Option<Verdict>) {
        let id = self.task.id.clone();
        let verdict = self.reward.map(|reward| Verdict { task: id, samples: self.samples, reward });
        (self.task, verdict)
    }
}
