//! What is to be judged.

use rewarden_runtime::contract;

/// A conversation, its candidate responses, and what is known about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Names the task in results and seeds its samples: the same id in the same run gives the same samples.
    pub id: String,
    /// The conversation, oldest turn first; ends with the user's query.
    pub messages: Vec<contract::Message>,
    /// The candidates, at least one.
    pub responses: Vec<String>,
    /// A ground-truth answer.
    pub reference: Option<String>,
    /// Index of the response that people prefer. Never shown to a plugin or a model.
    pub preferred: Option<usize>,
    /// Everything else that the row held.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

impl Task {
    /// The task as plugins see it, with all its responses in its own order.
    pub fn view(&self) -> contract::Task {
        contract::Task {
            messages: self.messages.clone(),
            responses: self.responses.clone(),
            reference: self.reference.clone(),
            metadata: serde_json::Value::Object(self.metadata.clone()).to_string(),
        }
    }
}
