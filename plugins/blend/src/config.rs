//! The options of the policy.

use std::collections::BTreeMap;

use rewarden_plugin::ConfigError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use voting::Shuffle;

/// Options of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Samples to draw for a task. Not looked at where `judge_weight` is 0, which draws none.
    #[schemars(range(min = 0, max = 1024))]
    pub k: u32,
    /// How much the judge's mean score counts, beside the weights of the signals. 0 for rewards by rule alone.
    #[schemars(range(min = 0))]
    pub judge_weight: f64,
    /// What counts of the pack's scorers, by the names under which the pack lists them. Others are not looked at.
    pub signals: BTreeMap<String, SignalConfig>,
    /// In which order each sample shows the responses.
    pub shuffle: Shuffle,
}

/// What counts of one scorer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SignalConfig {
    /// How much it counts, beside the judge and the other signals. 0 for one that is only a gate.
    #[schemars(range(min = 0))]
    pub weight: f64,
    /// The score that counts as the worst. What the scorer says has to lie from here to `max`.
    pub min: f64,
    /// The score that counts as the best. Above `min`.
    pub max: f64,
    /// A response that the scorer gives less than this gets the lowest score of the pack's scale, whatever else is said of
    /// it.
    pub gate: Option<f64>,
}

impl Default for Config {
    fn default() -> Self {
        Config { k: 4, judge_weight: 1.0, signals: BTreeMap::new(), shuffle: Shuffle::Balanced }
    }
}

impl Default for SignalConfig {
    fn default() -> Self {
        SignalConfig { weight: 0.0, min: 0.0, max: 1.0, gate: None }
    }
}

impl Config {
    /// What the schema cannot say, and what it says where it was not checked.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        weight("judge_weight", "judge_weight", self.judge_weight)?;
        if self.k > 1024 || (self.k == 0 && self.draws()) {
            let message =
                format!("expected `k` from 1 to 1024, found {}; without a judge, set `judge_weight` to 0", self.k);
            return fault("k", message);
        }
        for (name, signal) in &self.signals {
            weight("signals", &format!("signals.{name}.weight"), signal.weight)?;
            let SignalConfig { min, max, gate, .. } = *signal;
            if !(min.is_finite() && max.is_finite() && min < max && (max - min).is_finite()) {
                return fault(
                    "signals",
                    format!("expected `signals.{name}.min` below its `max`, found {min} and {max}"),
                );
            }
            if let Some(gate) = gate.filter(|gate| !(*gate > min && *gate <= max)) {
                return fault(
                    "signals",
                    format!(
                        "expected `signals.{name}.gate` above {min} and at most {max}, its `min` and `max`, found {gate}"
                    ),
                );
            }
            if signal.weight == 0.0 && gate.is_none() {
                return fault(
                    "signals",
                    format!("`signals.{name}` counts for nothing: give it a `weight` or a `gate`"),
                );
            }
        }
        let total = self.total_weight();
        if !(total > 0.0 && total.is_finite()) {
            let message =
                format!("expected `judge_weight` and the weights of `signals` to add up to more than 0, found {total}");
            return Err(ConfigError { key: None, message });
        }
        Ok(())
    }

    /// Whether the judge is asked.
    pub(crate) fn draws(&self) -> bool {
        self.judge_weight > 0.0
    }

    pub(crate) fn total_weight(&self) -> f64 {
        rewarden_plugin::sum(self.signals.values().map(|signal| signal.weight).chain([self.judge_weight]))
    }
}

fn weight(key: &str, name: &str, found: f64) -> Result<(), ConfigError> {
    if found.is_finite() && found >= 0.0 {
        return Ok(());
    }
    fault(key, format!("expected `{name}` of at least 0, found {found}"))
}

fn fault(key: &str, message: String) -> Result<(), ConfigError> {
    Err(ConfigError { key: Some(key.to_owned()), message })
}
