//! Voting: draws `k` samples and puts together the scores that each response got.
//!
//! A sample counts when it gives a score to every response. One that failed, or that abstains on a response, is left
//! out for all of them: otherwise responses would be compared on sums of different numbers of scores. `failed` says
//! whether others are drawn in place of those, or the task fails.
//!
//! With `weights` samples count by their own confidence. The reward's confidence is the share of the samples' weight that puts
//! the winner first; none where several share the first place.
//!
//! The reward's details say `k`, how many samples were `valid`, how many were left out because they did not score every
//! response (`incomplete`), the `aggregate`, the `failed_rule`, and how many were `redrawn`; sums are comparable between
//! tasks only where `valid` is equal.

mod aggregate;
mod failed;

use failed::Replaced;
use rewarden_plugin::{ConfigError, Context, Detail, Plugin, Policy, Refusal, Reward, Sample, Score, Step, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use voting::{Ballots, Plan, check_k, missing, orders};

pub use aggregate::Aggregate;
pub use failed::Failed;
pub use voting::{Shuffle, Weighting};

/// Options of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Samples to draw for a task. One sample at temperature 0 is greedy judging; at any other, "Voting@1".
    #[schemars(range(min = 1, max = 1024))]
    pub k: u32,
    /// How the scores of a response become its reward.
    pub aggregate: Aggregate,
    /// How much a sample counts by its own confidence, where its parser gives one (`token-prob`, `choice`).
    pub weights: Weighting,
    /// In which order each sample shows the responses.
    pub shuffle: Shuffle,
    /// What is done with samples that failed or lack a score.
    pub failed: Failed,
    /// With `failed = "redraw"`: at most this many more samples for a task. `k` where it is not set.
    #[schemars(range(min = 1, max = 1024))]
    pub redraw_limit: Option<u32>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            k: 4,
            aggregate: Aggregate::Sum,
            weights: Weighting::Equal,
            shuffle: Shuffle::Balanced,
            failed: Failed::Drop,
            redraw_limit: None,
        }
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
    const PURPOSE: &str = "Draws k samples and rewards each response with its scores' sum, mean or median, or with its votes or Borda points.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        // The schema says so too; this holds wherever the schema was not checked.
        check_k(config.k)?;
        if let Some(limit) = config.redraw_limit {
            let fault = |message| ConfigError { key: Some("redraw_limit".to_owned()), message };
            if !(1..=1024).contains(&limit) {
                return Err(fault(format!("expected `redraw_limit` from 1 to 1024, found {limit}")));
            }
            if config.failed != Failed::Redraw {
                let rule = config.failed.name();
                return Err(fault(format!(
                    "`redraw_limit` has a meaning only with `failed = \"redraw\"`, found \"{rule}\""
                )));
            }
        }
        Ok(Vote { config })
    }
}

impl Policy for Vote {
    /// One round of draws, more where samples are drawn in place of others, then the reward. Samples that are already
    /// there (a run that was stopped, or is replayed) count as the first of the `k`; only the missing ones are drawn, in
    /// the orders that they would have had. Of more than `k`, the first count.
    fn next(&self, task: &Task, context: &Context, samples: &[Sample]) -> Result<Step, Refusal> {
        let Config { aggregate, shuffle, failed, .. } = self.config;
        let (k, responses) = (self.config.k as usize, task.responses.len());
        if aggregate.compares() && responses < 2 {
            return Err(Refusal::UnsuitableTask(format!(
                "`aggregate = \"{}\"` compares responses, and the task has {responses}: take `sum`, `mean` or `median`",
                aggregate.name()
            )));
        }
        let draws = missing(&Plan { k, shuffle, steps_after: 1 }, samples.len(), task, context)?;
        if !draws.is_empty() {
            return Ok(Step::Draw(draws));
        }
        let mut counted = k;
        match failed {
            Failed::Drop => {}
            Failed::Fail => failed::none_void(samples.get(..k).unwrap_or(samples), responses)?,
            Failed::Redraw => {
                let limit = self.config.redraw_limit.unwrap_or(self.config.k) as usize;
                match failed::replace(&orders(shuffle, responses, k, context.seed), limit, context, samples) {
                    Replaced::Draw(draws) => return Ok(Step::Draw(draws)),
                    Replaced::Count(all) => counted = all,
                }
            }
        }
        Ok(Step::Finish(self.reward(responses, samples.get(..counted).unwrap_or(samples))))
    }
}

impl Vote {
    /// The reward of a task whose samples are all there.
    fn reward(&self, responses: usize, samples: &[Sample]) -> Reward {
        let Config { k, aggregate, failed, weights: weighting, .. } = self.config;
        let ballots = Ballots::of(samples, responses);
        let weights = weighting.weights(&ballots.valid);
        let values: Vec<Option<f64>> =
            (0..responses).map(|response| aggregate.of(&ballots, &weights, response)).collect();
        let confidence = ballots.agreement(&values, &weights);
        let score = |value: Option<f64>| value.map_or_else(|| Score::Abstain(ballots.none_valid()), Score::Value);
        let mut details = vec![Detail::number("k", k)];
        details.extend(ballots.details());
        details.extend([
            Detail::text("aggregate", aggregate.name()),
            Detail::text("failed_rule", failed.name()),
            Detail::number("redrawn", samples.len().saturating_sub(k as usize) as u32),
        ]);
        if weighting != Weighting::Equal {
            let confident = ballots.valid.iter().filter(|ballot| ballot.confidence.is_some()).count();
            details.extend([Detail::text("weights", weighting.name()), Detail::number("confident", confident as u32)]);
        }
        let scores = values.into_iter().map(score).collect();
        Reward { scores, used: ballots.ids(), confidence, details, ..Reward::default() }
    }
}

rewarden_plugin::export!(Vote: policy);
