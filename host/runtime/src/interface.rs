//! The interfaces that a component can export.

use std::fmt;

/// One interface of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Interface {
    /// What the component is; required of all.
    Describe,
    /// Task to prompt.
    Template,
    /// Completion to judgement.
    Parser,
    /// Samples to the next step.
    Policy,
    /// Task to rule-based scores.
    Scorer,
    /// Query to the principles that its responses are judged by.
    Principles,
    /// Configuration to one that costs less; what interpreters have.
    Prepare,
}

impl Interface {
    /// Every interface, in the order in which they are reported.
    pub const ALL: [Self; 7] =
        [Self::Describe, Self::Template, Self::Parser, Self::Policy, Self::Scorer, Self::Principles, Self::Prepare];

    /// The name in the WIT, such as `parser`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Template => "template",
            Self::Parser => "parser",
            Self::Policy => "policy",
            Self::Scorer => "scorer",
            Self::Principles => "principles",
            Self::Prepare => "prepare",
        }
    }

    /// The interface of that name in the WIT.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|interface| interface.name() == name)
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
