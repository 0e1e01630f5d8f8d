//! Why a run cannot be measured.

use crate::Protocol;

/// Why a run cannot be measured. Every message names the task, what was expected and what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// An option out of its range.
    #[error("{option}: expected at least 1, found 0")]
    Option {
        /// The option, such as `resamples`.
        option: &'static str,
    },
    /// A task whose numbers contradict each other.
    #[error("task `{task}`: {message}")]
    Task {
        /// The task's id.
        task: String,
        /// What was expected and found.
        message: String,
    },
    /// A task that a benchmark's protocol cannot be applied to.
    #[error(
        "task `{task}`, field `{field}`: {message}. The {protocol} protocol needs it: load the benchmark's own file \
         with its mapping, or evaluate without a protocol"
    )]
    Protocol {
        /// The protocol.
        protocol: Protocol,
        /// The task's id.
        task: String,
        /// The field at fault.
        field: &'static str,
        /// What was expected and found.
        message: String,
    },
}
