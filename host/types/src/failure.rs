//! What can go wrong with a sample, a rating or a list of principles.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What went wrong with one sample. Samples are counted by these kinds in every result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The parser found no scores.
    Unparsable,
    /// The parser found another number of scores than responses.
    WrongCount,
    /// A score outside the scale.
    OutOfScale,
    /// A score that is not a finite number.
    NotFinite,
    /// A template refused, a sample that was to be shown has no text, a meta RM's parser abstained where a rating was
    /// needed, or the model declined to answer.
    Refused,
    /// A plugin trapped or panicked.
    Trap,
    /// A plugin used up its instructions.
    Fuel,
    /// A plugin asked for more memory or table elements than it may have.
    Memory,
    /// A plugin ran out of processor time.
    Time,
    /// A plugin returned more bytes than it may.
    OutputSize,
    /// The model, or the server that runs it, failed.
    ModelError,
    /// The policy: a score under a criterion that was not asked for.
    UnknownCriterion,
    /// The policy: no score under a criterion that was asked for.
    MissingCriterion,
    /// The policy: two scores of a response under one criterion.
    RepeatedCriterion,
    /// The policy: a criterion does not apply, and every criterion has to.
    NotApplicable,
    /// The policy: another reason not to count the sample.
    Rejected,
}

impl FailureKind {
    /// Every kind: first those that stop a sample from being read, in the contract's order, then those of a policy that
    /// rejects one.
    pub const ALL: [Self; 16] = [
        Self::Unparsable,
        Self::WrongCount,
        Self::OutOfScale,
        Self::NotFinite,
        Self::Refused,
        Self::Trap,
        Self::Fuel,
        Self::Memory,
        Self::Time,
        Self::OutputSize,
        Self::ModelError,
        Self::UnknownCriterion,
        Self::MissingCriterion,
        Self::RepeatedCriterion,
        Self::NotApplicable,
        Self::Rejected,
    ];

    /// Returns the name in result files and runs, in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unparsable => "unparsable",
            Self::WrongCount => "wrong_count",
            Self::OutOfScale => "out_of_scale",
            Self::NotFinite => "not_finite",
            Self::Refused => "refused",
            Self::Trap => "trap",
            Self::Fuel => "fuel",
            Self::Memory => "memory",
            Self::Time => "time",
            Self::OutputSize => "output_size",
            Self::ModelError => "model_error",
            Self::UnknownCriterion => "unknown_criterion",
            Self::MissingCriterion => "missing_criterion",
            Self::RepeatedCriterion => "repeated_criterion",
            Self::NotApplicable => "not_applicable",
            Self::Rejected => "rejected",
        }
    }

    /// Returns the kind of this name, or `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why there is no judgement, rating or list of principles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind, for machines.
    pub kind: FailureKind,
    /// What was expected and found, for people.
    pub message: String,
}

impl Failure {
    /// Returns a failure of this kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_failure_reads_back_from_its_name() {
        for kind in FailureKind::ALL {
            assert_eq!(FailureKind::from_name(kind.name()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(FailureKind::from_name("out-of-scale"), None);
    }
}
