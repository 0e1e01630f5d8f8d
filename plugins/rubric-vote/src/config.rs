//! The options of the policy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use voting::Shuffle;

/// Options of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Samples to draw for each batch of criteria.
    #[schemars(range(min = 1, max = 1024))]
    pub k: u32,
    /// The most criteria in one prompt; a longer rubric is asked about in batches. None: all in one.
    #[schemars(range(min = 1, max = 256))]
    pub max_criteria: Option<u32>,
    /// How the verdicts of several samples under one criterion become one.
    pub aggregate: Aggregate,
    /// What follows where a criterion does not apply to a response.
    pub not_applicable: NotApplicable,
    /// The share of the scale, from 0 to 1, that a required criterion has to reach.
    #[schemars(range(min = 0, max = 1))]
    pub pass: f64,
    /// The share of the rubric's weight that has to be judged for a response to get a score, above 0 and at most 1.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub minimum: f64,
    /// Show each response alone, for judges that see one at a time: scalar and decision models, and rubrics that are long.
    pub pointwise: bool,
    /// In which order each sample shows the responses, where it shows several.
    pub shuffle: Shuffle,
}

/// How several verdicts become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Aggregate {
    /// Their mean.
    Mean,
    /// Their median; the mean of the two in the middle for an even number.
    Median,
    /// The one that most samples gave; the mean of those that share the first place.
    Majority,
}

/// What follows where a criterion does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotApplicable {
    /// It is left out for that response, and the others share its weight.
    LeaveOut,
    /// It counts as not met.
    Zero,
    /// A sample that says so is rejected: every criterion has to apply.
    Fail,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            k: 1,
            max_criteria: None,
            aggregate: Aggregate::Mean,
            not_applicable: NotApplicable::LeaveOut,
            pass: 0.5,
            minimum: 1.0,
            pointwise: false,
            shuffle: Shuffle::Balanced,
        }
    }
}

impl Config {
    /// What is wrong with the configuration, and under which key.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        if let Some(most) = self.max_criteria.filter(|most| !(1..=256).contains(most)) {
            return Err(("max_criteria", format!("expected `max_criteria` from 1 to 256, found {most}")));
        }
        if !(0.0..=1.0).contains(&self.pass) {
            return Err(("pass", format!("expected `pass` from 0 to 1, found {}", self.pass)));
        }
        if !(self.minimum > 0.0 && self.minimum <= 1.0) {
            return Err(("minimum", format!("expected `minimum` above 0 and at most 1, found {}", self.minimum)));
        }
        Ok(())
    }
}
