//! Voting: draws `k` samples and adds (or averages) the scores that each response got.
//!
//! A sample counts when it gives a score to every response. One that failed, or that abstains on a response, is left
//! out for all of them: otherwise responses would be compared on sums of different numbers of scores. The reward's
//! details say `k`, how many samples were `valid`, how many were left out because they did not score every response
//! (`incomplete`), and the `aggregate`; sums are comparable between tasks only where `valid` is equal.

mod aggregate;
mod orders;

use rewarden_plugin::{ConfigError, Context, Draw, Plugin, Policy, Refusal, Sample, Step, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use aggregate::Aggregate;
pub use orders::Shuffle;

/// Options of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Samples to draw for a task. One sample at temperature 0 is greedy judging; at any other, "Voting@1".
    #[schemars(range(min = 1, max = 1024))]
    pub k: u32,
    /// How the scores of a response become its reward.
    pub aggregate: Aggregate,
    /// In which order each sample shows the responses.
    pub shuffle: Shuffle,
}

impl Default for Config {
    fn default() -> Self {
        Config { k: 4, aggregate: Aggregate::Sum, shuffle: Shuffle::Balanced }
    }
}

/// The configured policy.
#[derive(Debug)]
pub struct Vote {
    config: Config,
}

impl Plugin for Vote {
    type Config = Config;

    const NAME: &str = "vote";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Draws k samples and rewards each response with the sum or the mean of its scores.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        // The schema says so too; this holds wherever the schema was not checked.
        if !(1..=1024).contains(&config.k) {
            let message = format!("expected `k` from 1 to 1024, found {}", config.k);
            return Err(ConfigError { key: Some("k".to_owned()), message });
        }
        Ok(Vote { config })
    }
}

impl Policy for Vote {
    /// One round of draws, then the reward. Samples that are already there (a run that was stopped, or is replayed)
    /// count as the first of the `k`; only the missing ones are drawn, in the orders that they would have had.
    fn next(&self, task: &Task, context: &Context, samples: &[Sample]) -> Result<Step, Refusal> {
        let k = self.config.k as usize;
        let Some(missing) = k.checked_sub(samples.len()).filter(|&missing| missing > 0) else {
            return Ok(Step::Finish(aggregate::reward(
                self.config.aggregate,
                task,
                samples.get(..k).unwrap_or(samples),
            )));
        };
        if missing > context.samples_left as usize {
            return Err(Refusal::TooFewSamples(format!(
                "k = {k} needs {missing} more samples, and the budget leaves {}: lower `k` or raise the budget",
                context.samples_left
            )));
        }
        if context.rounds_left == 0 {
            return Err(Refusal::TooFewSamples(format!(
                "k = {k} needs {missing} more samples, and no round is left to draw them in: raise the budget of rounds"
            )));
        }
        let orders = orders::orders(self.config.shuffle, task.responses.len(), k, context.seed);
        Ok(Step::Draw(orders.into_iter().skip(samples.len()).map(Draw::of).collect()))
    }
}

rewarden_plugin::export!(Vote: policy);
