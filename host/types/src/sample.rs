//! One generation as it counts: what was read in it, or how it failed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, FailureKind};
use crate::prompt::Principle;
use crate::score::Score;

/// What became of one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// One entry per response of the task, in the task's own order; `None` for a response that was not shown.
    Scored(Vec<Option<Score>>),
    /// No judgement, and why.
    Failed(Failure),
}

/// A meta RM's rating of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Rating {
    /// Finite; higher is better. On the meta parser's scale.
    Rated(f64),
    /// No rating, and why.
    Failed(Failure),
}

/// A score of one response under one criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CriterionScore {
    /// The criterion: from a parser as the model wrote it, in a reward by its id.
    pub criterion: String,
    /// From a parser the response's place in shown order, elsewhere its index in the task's own order.
    pub response: u32,
    /// A number on the scale, or an abstention if the criterion does not apply.
    pub score: Score,
    /// The model's reason, if it gave one.
    pub reason: Option<String>,
}

/// A score that a response may have, with its probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreLevel {
    /// On the scale.
    pub score: f64,
    /// 0 to 1; those of one response add up to 1.
    pub probability: f64,
}

/// One finished generation as a policy sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Counts up from 0 in the order of the draws.
    pub id: u32,
    /// Indices of the responses that were shown, in shown order.
    pub order: Vec<u32>,
    /// The judge that was asked; `None` is the pack's own.
    pub judge: Option<String>,
    /// Ids of the criteria that it was asked about; empty for all.
    pub asked: Vec<String>,
    /// The temperature that it was drawn with.
    pub temperature: f64,
    /// Scores, or the failure.
    pub outcome: Outcome,
    /// Scores by criterion, by the responses' own indices; empty if there are none, and for a failed sample.
    pub criteria: Vec<CriterionScore>,
    /// 0 to 1; `None` if the parser gave none.
    pub confidence: Option<f64>,
    /// One entry per response in the task's own order, each empty if there is none; or empty altogether.
    pub distributions: Vec<Vec<ScoreLevel>>,
    /// Mean natural logarithm of the probability of the answer's tokens; `None` if it was not measured.
    pub answer_logprob: Option<f64>,
    /// The same of the thinking.
    pub thinking_logprob: Option<f64>,
    /// `None` until the policy asked for it.
    pub rating: Option<Rating>,
    /// Tokens that the model wrote, thinking included.
    pub completion_tokens: u32,
}

impl Sample {
    /// Returns a sample of the pack's own judge of which nothing else is known.
    pub fn new(id: u32, order: Vec<u32>, temperature: f64, outcome: Outcome) -> Self {
        Self {
            id,
            order,
            judge: None,
            asked: Vec::new(),
            temperature,
            outcome,
            criteria: Vec::new(),
            confidence: None,
            distributions: Vec::new(),
            answer_logprob: None,
            thinking_logprob: None,
            rating: None,
            completion_tokens: 0,
        }
    }
}

/// What a parser read in one completion, in shown order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// One score per response shown.
    pub scores: Vec<Score>,
    /// Scores by criterion, by the places of the responses shown.
    pub criteria: Vec<CriterionScore>,
    /// How sure the model was, 0 to 1; `None` if nothing tells.
    pub confidence: Option<f64>,
    /// For each response shown the probabilities of its scores, empty for one that has none; or empty altogether.
    pub distributions: Vec<Vec<ScoreLevel>>,
    /// The criteria that the model judged by, for people to read; empty if it named none.
    pub principles: Vec<Principle>,
    /// The model's reasoning, where it can be told apart from the rest.
    pub critique: Option<String>,
}

/// Two counts that should have been equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountMismatch {
    /// How many there should have been.
    pub expected: u32,
    /// How many there were.
    pub found: u32,
}

/// Why a completion does not hold what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParseFailure {
    /// Nothing where the format asks for it.
    Unparsable(String),
    /// Another number of scores or principles than there should be.
    WrongCount(CountMismatch),
    /// A score outside the scale, or a fraction on a scale of whole numbers.
    OutOfScale(String),
    /// A number word that is no finite number.
    NotFinite(String),
}

impl ParseFailure {
    /// Returns the failure of a reader of `what` (`scores` or `principles`), for counting and for people.
    pub fn of(self, what: &str) -> Failure {
        match self {
            Self::Unparsable(message) => Failure::new(FailureKind::Unparsable, message),
            Self::WrongCount(CountMismatch { expected, found }) => {
                Failure::new(FailureKind::WrongCount, format!("expected {expected} {what}, found {found}"))
            }
            Self::OutOfScale(message) => Failure::new(FailureKind::OutOfScale, message),
            Self::NotFinite(message) => Failure::new(FailureKind::NotFinite, message),
        }
    }
}

/// Why a plugin will not do what it was asked. It is never asked again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The task has a form that the plugin does not handle.
    UnsuitableTask(String),
    /// Too few usable samples for a reward.
    TooFewSamples(String),
    /// Any other reason.
    Other(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnsuitableTask(reason) => write!(f, "unsuitable task: {reason}"),
            Self::TooFewSamples(reason) => write!(f, "too few samples: {reason}"),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_says_what_was_counted() {
        let mismatch = ParseFailure::WrongCount(CountMismatch { expected: 2, found: 3 });
        assert_eq!(mismatch.of("scores"), Failure::new(FailureKind::WrongCount, "expected 2 scores, found 3"));
    }
}
