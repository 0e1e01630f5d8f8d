//! What plugins are given with a call.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::completion::Completion;
use crate::policy::Context;
use crate::prompt::{Message, Principle};
use crate::sample::Sample;
use crate::score::Scale;
use crate::task::TaskView;

/// What a template renders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenderRequest {
    /// The task with its responses in shown order.
    pub task: TaskView,
    /// The scale on which the model is to score.
    pub scale: Scale,
    /// The completion to rate, for a meta RM's template only.
    pub critique: Option<String>,
    /// What the responses are to be judged by; empty in a pack without a principles part.
    pub principles: Vec<Principle>,
    /// Ids of the criteria that are asked about; empty for all.
    pub asked: Vec<String>,
    /// Earlier samples that the policy wants shown.
    pub earlier: Vec<EarlierText>,
}

/// An earlier sample of the same task as a template sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlierText {
    /// The sample's id.
    pub id: u32,
    /// The judge that wrote it; `None` is the pack's own.
    pub judge: Option<String>,
    /// For each response that it was shown, in its own shown order, that response's place in the new prompt; `None` for one
    /// that is not shown now.
    pub places: Vec<Option<u32>>,
    /// What the judge wrote, without thinking.
    pub text: String,
}

impl RenderRequest {
    /// Returns a request about a task, with nothing but its scale beside it.
    pub fn new(task: TaskView, scale: Scale) -> Self {
        let (principles, asked, earlier) = (Vec::new(), Vec::new(), Vec::new());
        Self { task, scale, critique: None, principles, asked, earlier }
    }
}

/// What a parser reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParseRequest {
    /// What the model wrote.
    pub completion: Completion,
    /// The number of responses that the prompt showed, at least 1.
    pub shown: u32,
    /// The scale on which the model was to score.
    pub scale: Scale,
}

impl ParseRequest {
    /// Returns what a parser is given of a completion about `shown` responses: all but the thinking and the costs.
    pub fn new(completion: &Completion, shown: u32, scale: Scale) -> Self {
        Self { completion: completion.without_thinking(), shown, scale }
    }
}

/// What a policy decides upon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyInput {
    /// The task with its responses in its own order.
    pub task: TaskView,
    /// What holds for the whole task, and what is left of its budget.
    pub context: Context,
    /// Every sample so far, by id.
    pub samples: Vec<Sample>,
}

/// What principles are written for. It holds neither responses nor a reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// The conversation, oldest turn first.
    pub messages: Arc<[Message]>,
    /// Those fields of the task's metadata that the pack names, as the text of one JSON object.
    pub metadata: Arc<str>,
}
