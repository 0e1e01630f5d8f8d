//! The input of a policy, and its decisions.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::score::{Scale, Score};

/// What a rule-based scorer of the pack said about a task, before any sample is drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// The name under which the pack lists the scorer.
    pub scorer: String,
    /// One entry per response, in the task's own order.
    pub scores: Vec<Score>,
}

/// What holds for a whole task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The scale of the samples' scores.
    pub scale: Scale,
    /// The only source of chance that a policy has.
    pub seed: u64,
    /// The temperature that a draw gets if it names none.
    pub temperature: f64,
    /// Samples that may still be drawn.
    pub samples_left: u32,
    /// Steps that may still be taken after this one.
    pub rounds_left: u32,
    /// In the order of the pack.
    pub signals: Arc<[Signal]>,
}

/// A sample that is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draw {
    /// Indices into the task's responses, each at most once, at least one: what to show, in this order.
    pub order: Vec<u32>,
    /// At least 0; 0 is greedy decoding. `None` is the context's.
    pub temperature: Option<f64>,
}

/// A finding beside the scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DetailValue {
    /// Finite.
    Number(f64),
    /// Words.
    Text(String),
    /// Yes or no.
    Flag(bool),
}

/// Something that people or later analysis want to know of a reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// In snake case, unique within the reward.
    pub name: String,
    /// What was found.
    pub value: DetailValue,
}

/// The end of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reward {
    /// One entry per response, in the task's own order. May lie outside the scale (sums do).
    pub scores: Vec<Score>,
    /// The samples that the scores come from, by id.
    pub used: Vec<u32>,
    /// Findings beside the scores.
    pub details: Vec<Detail>,
}

/// What is to happen next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// Draw these samples.
    Draw(Vec<Draw>),
    /// Have the pack's meta RM rate these samples, by id.
    Rate(Vec<u32>),
    /// The task is over.
    Finish(Reward),
}
