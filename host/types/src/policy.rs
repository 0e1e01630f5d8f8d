//! The input of a policy, and its decisions.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::failure::FailureKind;
use crate::sample::CriterionScore;
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
    /// The judges beside the pack's own, in the order of the pack.
    pub judges: Arc<[NamedJudge]>,
    /// Whether the pack has a judge of its own; if not, every draw names one.
    pub has_own_judge: bool,
}

impl Context {
    /// Returns the context of a pack with its own judge alone, without signals.
    pub fn new(scale: Scale, samples_left: u32, rounds_left: u32) -> Self {
        let (signals, judges) = (Arc::from([]), Arc::from([]));
        Self { scale, seed: 1, temperature: 0.5, samples_left, rounds_left, signals, judges, has_own_judge: true }
    }
}

/// A judge that draws may name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedJudge {
    /// As in the pack.
    pub name: String,
    /// The temperature that its draws get if they name none.
    pub temperature: f64,
}

/// A sample that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Draw {
    /// Indices into the task's responses, each at most once, at least one: what to show, in this order.
    pub order: Vec<u32>,
    /// At least 0; 0 is greedy decoding. `None` is the judge's, or the context's for the pack's own judge.
    pub temperature: Option<f64>,
    /// The judge to ask, by name; `None` is the pack's own.
    pub judge: Option<String>,
    /// Ids of the criteria to ask about, each at most once; empty for all.
    pub asked: Vec<String>,
    /// Ids of earlier samples whose texts the template gets, each at most once.
    pub show: Vec<u32>,
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

/// Why a policy does not count a sample that the parser could read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionKind {
    /// It has a score under a criterion that was not asked for.
    UnknownCriterion,
    /// It has no score under a criterion that was asked for.
    MissingCriterion,
    /// It has two scores of a response under one criterion.
    RepeatedCriterion,
    /// It says that a criterion does not apply, and every criterion has to.
    NotApplicable,
    /// Any other reason.
    Other,
}

impl RejectionKind {
    /// Returns the kind of failure that such a sample is counted under.
    pub fn counts_as(self) -> FailureKind {
        match self {
            Self::UnknownCriterion => FailureKind::UnknownCriterion,
            Self::MissingCriterion => FailureKind::MissingCriterion,
            Self::RepeatedCriterion => FailureKind::RepeatedCriterion,
            Self::NotApplicable => FailureKind::NotApplicable,
            Self::Other => FailureKind::Rejected,
        }
    }
}

/// A sample that counts as failed, though the parser could read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The sample's id.
    pub sample: u32,
    /// The kind, for machines.
    pub kind: RejectionKind,
    /// What was expected and found, for people.
    pub message: String,
}

/// The end of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reward {
    /// One entry per response, in the task's own order. May lie outside the scale (sums do).
    pub scores: Vec<Score>,
    /// The samples that the scores come from, by id.
    pub used: Vec<u32>,
    /// Samples that were judged unfit: each at most once, none of them used.
    pub rejected: Vec<Rejection>,
    /// What the samples together say by criterion; empty if criteria play no part.
    pub criteria: Vec<CriterionScore>,
    /// How sure the policy is that the order of the scores is right, 0 to 1; `None` if it does not say.
    pub confidence: Option<f64>,
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
