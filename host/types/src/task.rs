//! Tasks: conversations with the responses to judge.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::prompt::Message;

/// A conversation, its candidate responses, and what is known about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Names the task in results and seeds its samples: the same id in the same run gives the same samples.
    pub id: String,
    /// The conversation, oldest turn first; ends with the user's query.
    pub messages: Arc<[Message]>,
    /// The candidates, at least one.
    pub responses: Arc<[Arc<str>]>,
    /// A ground-truth answer.
    pub reference: Option<Arc<str>>,
    /// Index of the response that people prefer. Never shown to a plugin or a model.
    pub preferred: Option<usize>,
    /// Everything else that the row held.
    pub metadata: Map<String, Value>,
}

impl Task {
    /// Returns the task as plugins see it, with all its responses in its own order.
    pub fn view(&self) -> TaskView {
        TaskView {
            messages: self.messages.clone(),
            responses: self.responses.clone(),
            reference: self.reference.clone(),
            // Neither an object nor its strings can fail to be written.
            metadata: serde_json::to_string(&self.metadata).unwrap_or_default().into(),
        }
    }
}

/// A task as plugins see it: without its id and its label. Texts are shared, so a clone costs nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskView {
    /// The conversation, oldest turn first.
    pub messages: Arc<[Message]>,
    /// The candidates: in shown order for templates, in the task's own order for policies and scorers.
    pub responses: Arc<[Arc<str>]>,
    /// A ground-truth answer.
    pub reference: Option<Arc<str>>,
    /// The task's other fields as the text of one JSON object.
    pub metadata: Arc<str>,
}
