//! The tasks that every endpoint asks for and the answers that it gets, whatever its wire format.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::problem::Problem;

/// One task to be rewarded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    /// The live pack to use. `None` for the server's default.
    pub pack: Option<String>,
    /// Names the task in the answer and, together with its content, seeds its samples. `None` if its content alone does.
    /// Any JSON but null; it comes back as it was written.
    pub id: Option<Value>,
    /// The conversation, oldest turn first. At least one turn; the last is the query that the responses answer.
    pub messages: Vec<Turn>,
    /// The candidates, at least one.
    pub responses: Vec<String>,
    /// Ground-truth answers, of which any one counts.
    pub references: Vec<String>,
    /// Further fields of the task, which plugins see.
    pub metadata: Map<String, Value>,
    /// Differences from the pack's own sampling.
    pub sampling: SamplingWishes,
    /// Changes to plugin configurations, such as (`policy.k`, 4).
    pub set: Vec<(String, Value)>,
    /// The group whose members are judged together. `None` if the task stands alone.
    pub cohort: Option<Cohort>,
}

impl Ask {
    /// The bytes of its texts, names of fields included: a measure of the work that reading it takes.
    pub fn bytes(&self) -> usize {
        let messages: usize = self.messages.iter().map(|turn| turn.content.len()).sum();
        let responses: usize = self.responses.iter().map(String::len).sum();
        let metadata: usize = self.metadata.iter().map(|(name, value)| name.len() + bytes(value)).sum();
        messages + responses + metadata + self.references.iter().map(String::len).sum::<usize>()
    }
}

fn bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(bytes).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + bytes(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
}

/// Sampling parameters that a request asks for. `None` means the pack's own.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SamplingWishes {
    /// At least 0.
    pub temperature: Option<f64>,
    /// Above 0, at most 1.
    pub top_p: Option<f64>,
    /// At least 1.
    pub max_tokens: Option<u32>,
    /// The seed from which every other seed is derived.
    pub seed: Option<u64>,
}

/// A group of single-response tasks that arrive one by one and are rewarded by one listwise judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cohort {
    /// The same for all members of a group.
    pub key: String,
    /// How many members it has, at least 1.
    pub size: u32,
    /// How long the first member waits for the last. The server's own bound applies too.
    pub deadline: Option<Duration>,
}

/// The answer to one [`Ask`].
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Answer {
    /// The ask's id as it was written, or a generated one.
    pub id: Value,
    /// One score per response, in their order; `None` for a response without one. Empty if there is an error.
    pub scores: Vec<Option<f64>>,
    /// The only winner. `None` if there is no score or a tie.
    pub best: Option<usize>,
    /// The responses that share the top score, if there are several.
    pub tied: Vec<usize>,
    /// Samples drawn.
    pub k: usize,
    /// Samples with a judgement.
    pub valid: usize,
    /// Samples without a judgement, by kind of failure.
    pub failures: BTreeMap<String, u64>,
    /// The numbers of the samples that the scores come from. The others failed or were left out by the policy. Empty if there is an error.
    pub used: Vec<u32>,
    /// Why a response has no score, by its index.
    pub abstained: BTreeMap<usize, String>,
    /// What the policy made of the samples by criterion; empty if criteria played no part.
    pub criteria: Vec<AnswerCriterion>,
    /// How sure the policy is of the order of the scores, from 0 to 1. `None` if it does not say.
    pub confidence: Option<f64>,
    /// The scores that each sample with a judgement gave, `None` for a response that it did not score.
    #[serde(skip)]
    #[schema(ignore)]
    pub sampled: Vec<Vec<Option<f64>>>,
    /// The ends of the pack's scale.
    #[serde(skip)]
    #[schema(ignore)]
    pub scale: (f64, f64),
    /// The policy's findings: numbers, texts and flags.
    #[schema(value_type = Object)]
    pub details: Map<String, Value>,
    /// Why there is no reward.
    pub error: Option<AnswerError>,
    /// The version of the pack that judged.
    pub pack: PackLabel,
}

/// A score of one response under one criterion.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AnswerCriterion {
    /// The criterion by its id.
    pub criterion: String,
    /// The response, by its index.
    pub response: usize,
    /// A number on the pack's scale. `None` if the criterion does not apply to the response.
    pub score: Option<f64>,
    /// Why it does not apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abstained: Option<String>,
}

/// Why a task has no reward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AnswerError {
    /// A failure kind of a task, such as `policy_refused`.
    pub kind: String,
    /// An explanation for people.
    pub message: String,
}

/// One version of a pack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, ToSchema)]
pub struct PackLabel {
    /// The manifest's name.
    pub name: String,
    /// The manifest's version.
    pub version: String,
    /// SHA-256 over what decides rewards: component digests, configurations, scale.
    pub digest: String,
}

/// Why no task of a batch is judged: a batch is let in or refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRefused {
    /// The task at fault, by its place in the batch. `None` if the fault is not that of one task.
    pub task: Option<usize>,
    /// What is wrong.
    pub problem: Problem,
}
