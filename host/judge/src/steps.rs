//! The calls into a pack's scorers and its policy, with the host's own checks around them. Everything here blocks.

use std::sync::Arc;

use rewarden_record::{TaskFailure, TaskFailureKind};
use rewarden_runtime::CallError;
use rewarden_types::{FailureKind, PolicyInput, Score, Signal, Step, TaskView};

use crate::calls::{call_kind, host_failure};
use crate::pack::Pack;
use crate::part::Part;

impl Pack {
    /// What the scorers say of the task. One that fails takes the task with it: a reward without a gate that should have
    /// held would be wrong without a trace.
    ///
    /// Of several `references` any one counts: a scorer is asked about each by itself, and each response has the highest of
    /// its scores. It has none if no reference gave one.
    pub(crate) fn signals(&self, task: &TaskView, references: &[Arc<str>]) -> Result<Vec<Signal>, TaskFailure> {
        let best = |(name, part): (&Arc<str>, &Part)| -> Result<Signal, TaskFailure> {
            let [first, others @ ..] = references else { return self.signal(task, name, part) };
            if others.is_empty() {
                return self.signal(task, name, part);
            }
            let about = |reference: &Arc<str>| TaskView { reference: Some(reference.clone()), ..task.clone() };
            let mut best = self.signal(&about(first), name, part)?;
            for reference in others {
                let signal = self.signal(&about(reference), name, part)?;
                for (best, score) in best.scores.iter_mut().zip(signal.scores) {
                    if is_better(&score, best) {
                        *best = score;
                    }
                }
            }
            Ok(best)
        };
        self.scorers.iter().map(|(name, part)| best((name, part))).collect()
    }

    fn signal(&self, task: &TaskView, name: &str, part: &Part) -> Result<Signal, TaskFailure> {
        let failed = |message: String| TaskFailure {
            kind: TaskFailureKind::Scorer,
            message: format!("scorer `{name}`: {message}"),
        };
        let scored = part
            .plugin
            .score_responses(part.config_text(), task)
            .map_err(|error| host_failure(&error).unwrap_or_else(|| failed(error.to_string())))?;
        let scores = scored.value.map_err(|refusal| failed(refusal.to_string()))?;
        if scores.len() != task.responses.len() {
            return Err(failed(format!("gave {} scores for {} responses", scores.len(), task.responses.len())));
        }
        for (index, score) in scores.iter().enumerate() {
            if let Score::Value(value) = score
                && !value.is_finite()
            {
                return Err(failed(format!("gave {value} for response {index}; expected a finite number")));
            }
        }
        Ok(Signal { scorer: name.to_owned(), scores })
    }

    /// Returns the policy's next step.
    pub(crate) fn step(&self, input: &PolicyInput) -> Result<Step, TaskFailure> {
        self.step_as(self.policy.config_text(), input)
    }

    /// Returns the policy's next step under another configuration than the pack's.
    pub(crate) fn step_as(&self, config: &str, input: &PolicyInput) -> Result<Step, TaskFailure> {
        let step = self.policy.plugin.next(config, input).map_err(policy_failure)?.value;
        step.map_err(|refusal| TaskFailure { kind: TaskFailureKind::PolicyRefused, message: refusal.to_string() })
    }
}

fn is_better(score: &Score, than: &Score) -> bool {
    match (score, than) {
        (Score::Value(score), Score::Value(than)) => score > than,
        (Score::Value(_), Score::Abstain(_)) => true,
        (Score::Abstain(_), _) => false,
    }
}

/// The end of a task whose policy could not be called: there is nobody else to finish it.
fn policy_failure(error: CallError) -> TaskFailure {
    if let Some(failure) = host_failure(&error) {
        return failure;
    }
    let kind = match call_kind(&error.failure) {
        FailureKind::Fuel => TaskFailureKind::PolicyFuel,
        FailureKind::Memory => TaskFailureKind::PolicyMemory,
        FailureKind::Time => TaskFailureKind::PolicyTime,
        FailureKind::OutputSize => TaskFailureKind::PolicyOutputSize,
        _ => TaskFailureKind::PolicyTrap,
    };
    TaskFailure { kind, message: error.to_string() }
}
