//! The calls into a pack's scorers and its policy, with the host's own checks around them. Everything here blocks.

use rewarden_record::{TaskFailure, TaskFailureKind};
use rewarden_runtime::CallError;
use rewarden_types::{FailureKind, PolicyInput, Score, Signal, Step, TaskView};

use crate::calls::{call_kind, host_failure};
use crate::pack::Pack;
use crate::part::Part;

impl Pack {
    /// What the scorers say of the task. One that fails takes the task with it: a reward without a gate that should have
    /// held would be wrong without a trace.
    pub(crate) fn signals(&self, task: &TaskView) -> Result<Vec<Signal>, TaskFailure> {
        self.scorers.iter().map(|(name, part)| self.signal(task, name, part)).collect()
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
