//! The options of the policy.

use rewarden_plugin::ConfigError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use voting::{Shuffle, Total, Weighting, check_k};

/// Options of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Samples to draw for a task.
    #[schemars(range(min = 1, max = 1024))]
    pub k: u32,
    /// How a sample's rating becomes its weight.
    pub weights: Weights,
    /// With `weights = "top"`: how many samples to keep. Half of `k`, rounded up, where it is not set. More than there
    /// are keeps them all.
    #[schemars(range(min = 1, max = 1024))]
    pub k_meta: Option<u32>,
    /// With `weights = "softmax"`: what ratings are divided by, above 0. The smaller it is, the more the best rating
    /// counts. 1 where it is not set.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub temperature: Option<f64>,
    /// With `weights = "threshold"`: the lowest rating that counts.
    pub threshold: Option<f64>,
    /// Whether weighted scores are added up, or averaged by their weights.
    pub aggregate: Total,
    /// How much a sample that is kept counts by its own confidence, beside its rating.
    pub confidence: Weighting,
    /// In which order each sample shows the responses.
    pub shuffle: Shuffle,
}

/// How the rating of a sample becomes its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Weights {
    /// 1 for the `k_meta` samples with the highest ratings, 0 for the others. Of equal ratings, the sample that was drawn
    /// first is kept first.
    Top,
    /// exp(rating / temperature), divided by the sum of these over the samples, so that all weights add up to 1.
    Softmax,
    /// 1 / (1 + exp(-rating)): for ratings that are logits.
    Sigmoid,
    /// 1 for ratings of at least `threshold`, 0 for the others.
    Threshold,
}

impl Weights {
    /// As in a configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Weights::Top => "top",
            Weights::Softmax => "softmax",
            Weights::Sigmoid => "sigmoid",
            Weights::Threshold => "threshold",
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            k: 8,
            weights: Weights::Top,
            k_meta: None,
            temperature: None,
            threshold: None,
            aggregate: Total::Sum,
            confidence: Weighting::Equal,
            shuffle: Shuffle::Balanced,
        }
    }
}

impl Config {
    /// What the schema cannot say, and what it says where it was not checked.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        check_k(self.k)?;
        for (key, set, weights) in [
            ("k_meta", self.k_meta.is_some(), Weights::Top),
            ("temperature", self.temperature.is_some(), Weights::Softmax),
            ("threshold", self.threshold.is_some(), Weights::Threshold),
        ] {
            if set && self.weights != weights {
                let (expected, found) = (weights.name(), self.weights.name());
                return fault(
                    key,
                    format!("`{key}` has a meaning only with `weights = \"{expected}\"`, found \"{found}\""),
                );
            }
        }
        if let Some(k_meta) = self.k_meta.filter(|k_meta| !(1..=1024).contains(k_meta)) {
            return fault("k_meta", format!("expected `k_meta` from 1 to 1024, found {k_meta}"));
        }
        if let Some(temperature) = self.temperature.filter(|found| !(found.is_finite() && *found > 0.0)) {
            return fault("temperature", format!("expected a `temperature` above 0, found {temperature}"));
        }
        match self.threshold {
            Some(threshold) if !threshold.is_finite() => {
                fault("threshold", format!("expected a finite `threshold`, found {threshold}"))
            }
            None if self.weights == Weights::Threshold => fault(
                "threshold",
                "`weights = \"threshold\"` needs a `threshold`: the lowest rating that counts".into(),
            ),
            _ => Ok(()),
        }
    }

    /// How many samples the top has, before any is lost.
    pub(crate) fn k_meta(&self) -> u32 {
        self.k_meta.unwrap_or(self.k.div_ceil(2))
    }
}

fn fault(key: &str, message: String) -> Result<(), ConfigError> {
    Err(ConfigError { key: Some(key.to_owned()), message })
}
