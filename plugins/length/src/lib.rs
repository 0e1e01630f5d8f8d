//! Scores the length of a response against a band: 1 inside of it, falling in a straight line to 0 at `slack` outside.

use rewarden_plugin::{ConfigError, Plugin, Refusal, Score, Scorer, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of the scorer. At least one of `min` and `max` is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The shortest length that scores 1. None: any short one does.
    pub min: Option<u32>,
    /// The longest length that scores 1. None: any long one does.
    pub max: Option<u32>,
    /// How far below `min` or above `max` the score is 0; half of that scores one half. 0: at once.
    pub slack: u32,
    /// What is counted.
    pub unit: Unit,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Unicode characters, white space included.
    Characters,
    /// Runs of characters between white space. Scripts without spaces have one word a line: count characters there.
    Words,
}

impl Default for Config {
    fn default() -> Self {
        Config { min: None, max: None, slack: 0, unit: Unit::Words }
    }
}

/// The configured scorer.
#[derive(Debug)]
pub struct Length {
    config: Config,
}

impl Plugin for Length {
    type Config = Config;

    const NAME: &str = "length";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Scores a response from 0 to 1: 1 where its length lies in a band, less outside.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        let fault = |key: &str, message| Err(ConfigError { key: Some(key.to_owned()), message });
        match (config.min, config.max) {
            (None, None) => fault("max", "expected `min` or `max` or both, found neither".to_owned()),
            (Some(min), Some(max)) if min > max => {
                fault("max", format!("expected `max` to be at least `min`, found {max} and {min}"))
            }
            _ => Ok(Length { config }),
        }
    }
}

impl Scorer for Length {
    fn score(&self, task: &Task) -> Result<Vec<Score>, Refusal> {
        Ok(task.responses.iter().map(|response| Score::Value(self.of(response))).collect())
    }
}

impl Length {
    fn of(&self, response: &str) -> f64 {
        let length = match self.config.unit {
            Unit::Characters => response.chars().count(),
            Unit::Words => response.split_whitespace().count(),
        };
        let min = self.config.min.map_or(0, |min| min as usize);
        let max = self.config.max.map_or(usize::MAX, |max| max as usize);
        let outside = min.saturating_sub(length).max(length.saturating_sub(max));
        let slack = self.config.slack as usize;
        match outside {
            0 => 1.0,
            // Covers a slack of 0.
            outside if outside >= slack => 0.0,
            outside => (slack - outside) as f64 / slack as f64,
        }
    }
}

rewarden_plugin::export!(Length: scorer);
