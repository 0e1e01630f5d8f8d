//! Voting that stops early: draws the samples of `vote` in rounds, in the same orders, until the winner is settled.
//!
//! - `stop = "exact"`: until no scores of the samples that are left could change the winner, that is until its sum is
//!   ahead of every rival's by more than (max - min) * samples left. The winner is the one that `vote` with the same `k`,
//!   `shuffle` and `failed = "drop"` would find, in every task; ties that it would find are found too.
//! - `stop = "beta"`: also when the posterior probability that the leader is scored higher than each rival more often than
//!   lower reaches `level`. This may stop at another winner, the rarer the higher the level. At 0.95, a leader of two
//!   responses is settled at 4 to 0, 6 to 1, or 8 to 2.
//!
//! After every `batch` samples the rule is applied; it looks at nothing that was drawn later. So samples that are all
//! there from the start (a log that is replayed, accuracy at smaller `k`) give what drawing them would have given, and the
//! rest of them counts for nothing. Where few rounds are left, larger batches are drawn. A task with one response has no
//! winner to settle and gets all `k` samples.
//!
//! Tasks stop after different numbers of samples, so the default reward is the mean: sums would not be comparable.
//!
//! Details: `k`, `drawn` (samples that the rule looked at), `saved` (`k` less these), `reason` (`winner_settled`,
//! `confident`, or `budget`), `valid`, `incomplete`, `aggregate`, `stop`; `confidence` under `beta`, where there is a leader;
//! and `surplus`, samples that were there and were not looked at, where there are any.

mod posterior;
mod tally;

use rewarden_plugin::{ConfigError, Context, Detail, Plugin, Policy, Refusal, Reward, Sample, Score, Step, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tally::Tally;
use voting::{Ballot, Ballots, Plan, check_k, missing};

pub use voting::{Shuffle, Total};

/// Options of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Samples to draw for a task at most.
    #[schemars(range(min = 1, max = 1024))]
    pub k: u32,
    /// Samples to draw at a time. Small batches save more samples, large ones keep a server busier.
    #[schemars(range(min = 1, max = 1024))]
    pub batch: u32,
    /// When the winner counts as settled.
    pub stop: Stop,
    /// With `stop = "beta"` or `"confidence"`: the probability that settles it, from 0.5 to 1, both excluded. 0.95 where it is
    /// not set.
    #[schemars(extend("exclusiveMinimum" = 0.5, "exclusiveMaximum" = 1))]
    pub level: Option<f64>,
    /// How the scores of a response become its reward.
    pub aggregate: Total,
    /// In which order each sample shows the responses.
    pub shuffle: Shuffle,
}

/// When the winner counts as settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stop {
    /// When no scores of the samples that are left could change it.
    Exact,
    /// Then, or when it is likely enough.
    Beta,
    /// Then, or when the samples' own confidences make it likely enough; samples that have none count as unsure.
    Confidence,
}

impl Default for Config {
    fn default() -> Self {
        Config { k: 16, batch: 4, stop: Stop::Exact, level: None, aggregate: Total::Mean, shuffle: Shuffle::Balanced }
    }
}

/// The configured policy.
#[derive(Debug)]
pub struct AdaptiveVote {
    config: Config,
}

impl Plugin for AdaptiveVote {
    type Config = Config;

    const NAME: &str = "adaptive-vote";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Votes in rounds, up to k samples, and stops as soon as the winner is settled.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        check_k(config.k)?;
        let fault = |key: &str, message| Err(ConfigError { key: Some(key.to_owned()), message });
        if !(1..=1024).contains(&config.batch) {
            return fault("batch", format!("expected `batch` from 1 to 1024, found {}", config.batch));
        }
        match config.level {
            Some(_) if config.stop == Stop::Exact => {
                let why = "`level` has a meaning only with `stop = \"beta\"` or `\"confidence\"`, found \"exact\"";
                fault("level", why.to_owned())
            }
            Some(level) if !(level > 0.5 && level < 1.0) => {
                fault("level", format!("expected a `level` above 0.5 and below 1, found {level}"))
            }
            _ => Ok(AdaptiveVote { config }),
        }
    }
}

impl Policy for AdaptiveVote {
    /// Draws a batch at a time. Samples that are already there count as the first of the `k`.
    fn next(&self, task: &Task, context: &Context, samples: &[Sample]) -> Result<Step, Refusal> {
        let k = self.config.k as usize;
        let samples = samples.get(..k).unwrap_or(samples);
        if let Some(end) = self.end(task, context, samples) {
            return Ok(Step::Finish(self.reward(task.responses.len(), samples, &end)));
        }
        // All that may be needed has to be there: a vote that was cut short would not have vote's winner.
        let plan = Plan { k, shuffle: self.config.shuffle, steps_after: 1 };
        let mut draws = missing(&plan, samples.len(), task, context)?;
        let batch = self.config.batch as usize;
        let to_checkpoint = batch - samples.len() % batch;
        // With one round after this, for the end, this one has to draw all that is left.
        let to_finish_in_time = draws.len().div_ceil(context.rounds_left.max(1) as usize);
        draws.truncate(to_checkpoint.max(to_finish_in_time));
        Ok(Step::Draw(draws))
    }
}

/// Where the vote ends.
struct End {
    drawn: usize,
    reason: &'static str,
    confidence: Option<f64>,
}

impl AdaptiveVote {
    /// The first checkpoint at which the rule stops, if the samples reach one.
    fn end(&self, task: &Task, context: &Context, samples: &[Sample]) -> Option<End> {
        let (k, batch, responses) = (self.config.k as usize, self.config.batch as usize, task.responses.len());
        let mut tally = Tally::new(responses, k, context.scale.min, context.scale.max);
        let mut drawn = 0;
        for round in samples.chunks(batch) {
            drawn += round.len();
            for ballot in round.iter().filter_map(|sample| Ballot::of(sample, responses)) {
                tally.add(ballot);
            }
            let last = drawn == k;
            if !last && round.len() < batch {
                break;
            }
            let likely = match self.config.stop {
                Stop::Exact => None,
                Stop::Beta => tally.confidence(),
                Stop::Confidence => tally.believed(),
            };
            let level = self.config.level.unwrap_or(0.95);
            let reason = if last {
                "budget"
            } else if tally.is_settled(k - drawn) {
                "winner_settled"
            } else if likely.is_some_and(|likely| likely >= level) {
                "confident"
            } else {
                continue;
            };
            return Some(End { drawn, reason, confidence: likely });
        }
        None
    }

    fn reward(&self, responses: usize, samples: &[Sample], end: &End) -> Reward {
        let Config { k, stop, aggregate, .. } = self.config;
        let ballots = Ballots::of(samples.get(..end.drawn).unwrap_or(samples), responses);
        let score = |response| {
            let value = aggregate.of(&ballots.scores(response));
            value.map_or_else(|| Score::Abstain(ballots.none_valid()), Score::Value)
        };
        let mut details = vec![
            Detail::number("k", k),
            Detail::number("drawn", end.drawn as u32),
            Detail::number("saved", k - end.drawn as u32),
            Detail::text("reason", end.reason),
        ];
        details.extend(ballots.details());
        details.push(Detail::text("aggregate", aggregate.name()));
        let rule = match stop {
            Stop::Exact => "exact",
            Stop::Beta => "beta",
            Stop::Confidence => "confidence",
        };
        details.push(Detail::text("stop", rule));
        if let Some(confidence) = end.confidence {
            details.push(Detail::number("confidence", confidence));
        }
        if samples.len() > end.drawn {
            details.push(Detail::number("surplus", (samples.len() - end.drawn) as u32));
        }
        let (scores, confidence) = ((0..responses).map(score).collect(), end.confidence);
        Reward { scores, used: ballots.ids(), confidence, details, ..Reward::default() }
    }
}

rewarden_plugin::export!(AdaptiveVote: policy);
