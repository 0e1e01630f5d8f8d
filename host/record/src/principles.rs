//! The principles of a query, written before any response was seen.

use rewarden_types::{Completion, Failure, Principle, Sha256Digest};

use crate::verdict::{TaskFailure, TaskFailureKind};

/// What was asked for, and what came of it. One record serves every task with the same query.
#[derive(Clone, Debug, PartialEq)]
pub struct PrinciplesRecord {
    /// SHA-256 of the query: the conversation, and the metadata that the pack names for this.
    pub query: Sha256Digest,
    /// The temperature that it was drawn with.
    pub temperature: f64,
    /// The seed that it was drawn with.
    pub seed: u64,
    /// As [`SampleRecord::prompt`](crate::SampleRecord::prompt), of the request for principles.
    pub prompt: Option<Sha256Digest>,
    /// What the model wrote; `None` if generation failed.
    pub completion: Option<Completion>,
    /// Wall-clock seconds that the generation took; `None` if that is not known.
    pub seconds: Option<f64>,
    /// The principles, checked by the host, or why there are none. Never a failure of the model or its server: such a
    /// record is not kept.
    pub outcome: Result<Vec<Principle>, Failure>,
}

impl PrinciplesRecord {
    /// Returns the principles that the responses are judged under; none if writing them failed.
    pub fn given(&self) -> &[Principle] {
        self.outcome.as_deref().unwrap_or_default()
    }

    /// The end of every task with this query, where there are no principles.
    pub fn task_failure(&self) -> Option<TaskFailure> {
        self.outcome.as_ref().err().map(TaskFailure::without_principles)
    }
}

impl TaskFailure {
    /// The end of a task whose query has no principles. It is never judged without them: its rewards would not be
    /// comparable with the others.
    pub fn without_principles(failure: &Failure) -> Self {
        Self {
            kind: TaskFailureKind::Principles,
            message: format!("the query has no principles: {} ({})", failure.kind, failure.message),
        }
    }
}
