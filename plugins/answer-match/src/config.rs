//! Options.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of the scorer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the answer of a response stands.
    pub answer: Place,
    /// By what share of the larger one two numbers may differ, 0 to 0.1. At 0 they must be equal, but a decimal number of
    /// six digits and more equals what it is rounded from: `1.41421` is the square root of 2, `0.333` is not a third.
    #[schemars(range(min = 0.0, max = 0.1))]
    pub tolerance: f64,
    /// What a unit behind a number counts for.
    pub units: Units,
    /// Whether `x = 3` equals `3`.
    pub assignments: Assignments,
    /// Whether a set equals a list of the same things.
    pub sets: Sets,
    /// Whether the order of a list without brackets counts. That of tuples always does.
    pub lists: Lists,
    /// What a percentage equals.
    pub percent: Percent,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            answer: Place::Auto,
            tolerance: 0.0,
            units: Units::Ignore,
            assignments: Assignments::Value,
            sets: Sets::AsLists,
            lists: Lists::Unordered,
            percent: Percent::Either,
        }
    }
}

/// Where the answer of a response stands. What stands in a thinking block is a draft everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the last box, with those beside it; where there is none, in the last `<answer>`, behind `####` or "the answer
    /// is", or it is the whole response or its last expression.
    #[serde(alias = "box-or-number")]
    Auto,
    /// In the last box, with those beside it (`\boxed{1} and \boxed{2}`), and nowhere else.
    Box,
    /// In the last box alone.
    LastBox,
    /// In the last `<answer>…</answer>`, there in a box if there is one.
    Tag,
    /// The last expression of the response.
    Expression,
    /// The whole response.
    Whole,
}

/// What a unit behind a number counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Units {
    /// `5 cm` equals `5`, and `50 mm`, but not `5 m`.
    Ignore,
    /// `5 cm` equals `50 mm`, but not `5`.
    Require,
}

/// Whether `x = 3` equals `3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Assignments {
    /// It does; `y = 3` equals `3`, too, but not `x = 3`.
    Value,
    /// It does not.
    Whole,
}

/// Whether `\{1, 2\}` equals `2, 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sets {
    /// It does.
    AsLists,
    /// Only sets equal sets.
    Strict,
}

/// Whether `1, 2` equals `2, 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lists {
    /// It does: they are solutions, as a rule.
    Unordered,
    /// It does not.
    Ordered,
}

/// What `50\%` equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Percent {
    /// `1/2`, and also `50`, where the question asked for a percentage.
    Either,
    /// `1/2` alone.
    Fraction,
}
