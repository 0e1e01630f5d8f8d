//! A cascade: a cheap judge votes first, and only where it is unsure the strong one is asked.
//!
//! The first judge's `k` samples are put together as a vote: the mean of those that score every response. It is unsure where
//! the share of its samples that put the winner first (`by = "agreement"`), or their mean confidence (`by = "confidence"`),
//! lies below `level`; where the first place is shared; and where fewer than half of its samples count. Then the strong judge
//! gives `strong_k` samples and decides alone. Where all of those fail, the first one's vote stands, if it has one, and the
//! details say `strong_failed`.
//!
//! Details: `escalated`, `certainty` of the first judge, `drawn`, and `valid` of the judge that decided.

use rewarden_plugin::{
    ConfigError, Context, Detail, Draw, Plugin, Policy, Refusal, Reward, Sample, Score, Step, Task, decimal_mean, sum,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use voting::{Ballot, Shuffle, check_k, orders, share_of_the_top};

/// Options of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The judge that is asked first, by name. None: the pack's own.
    pub first: Option<String>,
    /// The judge that is asked where the first is unsure, by name. None: the pack's own.
    pub strong: Option<String>,
    /// Samples to draw from the first judge.
    #[schemars(range(min = 1, max = 1024))]
    pub k: u32,
    /// Samples to draw from the strong judge.
    #[schemars(range(min = 1, max = 1024))]
    pub strong_k: u32,
    /// What tells whether the first judge is sure.
    pub by: Certainty,
    /// Below this the first judge is unsure: from 0, which never asks the strong one, to 1.
    #[schemars(range(min = 0, max = 1))]
    pub level: f64,
    /// In which order each sample shows the responses.
    pub shuffle: Shuffle,
}

/// What tells whether a judge is sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The share of its samples that put the winner first.
    Agreement,
    /// The mean of its samples' own confidences; a sample without one counts as 0.
    Confidence,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            first: None,
            strong: Some("strong".to_owned()),
            k: 4,
            strong_k: 2,
            by: Certainty::Agreement,
            level: 0.9,
            shuffle: Shuffle::Balanced,
        }
    }
}

/// The configured policy.
#[derive(Debug)]
pub struct Cascade {
    config: Config,
}

impl Plugin for Cascade {
    type Config = Config;

    const NAME: &str = "cascade";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Has a cheap judge vote first, and asks the strong one only where it is unsure.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        check_k(config.k)?;
        let fault = |key: &str, message: String| Err(ConfigError { key: Some(key.to_owned()), message });
        if !(1..=1024).contains(&config.strong_k) {
            return fault("strong_k", format!("expected `strong_k` from 1 to 1024, found {}", config.strong_k));
        }
        if !(0.0..=1.0).contains(&config.level) {
            return fault("level", format!("expected a `level` from 0 to 1, found {}", config.level));
        }
        if config.first == config.strong {
            return fault("strong", "expected another judge than `first`, found the same".to_owned());
        }
        Ok(Cascade { config })
    }
}

/// What one judge's samples come to.
struct Vote {
    ballots: Vec<Ballot>,
    /// The mean of the ballots; empty without any.
    scores: Vec<f64>,
    /// How many samples it gave.
    drawn: usize,
}

impl Policy for Cascade {
    /// At most two rounds of draws. Samples that are there already count for their judges.
    fn next(&self, task: &Task, context: &Context, samples: &[Sample]) -> Result<Step, Refusal> {
        let Config { first, strong, k, strong_k, .. } = &self.config;
        for judge in [first, strong] {
            let known = match judge {
                None => context.has_own_judge,
                Some(name) => context.judges.iter().any(|judge| judge.name == *name),
            };
            if !known {
                let name = judge.as_deref().unwrap_or("of its own");
                return Err(Refusal::Other(format!(
                    "the pack has no judge {name}: add it to pack.toml, or name another"
                )));
            }
        }
        let responses = task.responses.len();
        let cheap = vote(samples, first.as_deref(), *k as usize, responses);
        // A replay that was given fewer samples than `k` has no budget for more.
        let can_draw = context.samples_left > 0 || samples.is_empty();
        if cheap.drawn < *k as usize && can_draw {
            return self.draw(task, context, first.as_deref(), *k as usize, cheap.drawn);
        }
        let certainty = self.certainty(&cheap);
        if certainty.is_some_and(|certainty| certainty >= self.config.level) {
            return Ok(Step::Finish(reward(&cheap, cheap.drawn, certainty, false, false)));
        }
        let better = vote(samples, strong.as_deref(), *strong_k as usize, responses);
        if better.drawn < *strong_k as usize && can_draw {
            return self.draw(task, context, strong.as_deref(), *strong_k as usize, better.drawn);
        }
        let drawn = cheap.drawn + better.drawn;
        match (better.ballots.is_empty(), cheap.ballots.is_empty()) {
            (false, _) => Ok(Step::Finish(reward(&better, drawn, certainty, true, false))),
            (true, false) => Ok(Step::Finish(reward(&cheap, drawn, certainty, true, true))),
            (true, true) => {
                Err(Refusal::TooFewSamples(format!("none of {drawn} samples of two judges scores every response")))
            }
        }
    }
}

impl Cascade {
    fn draw(
        &self,
        task: &Task,
        context: &Context,
        judge: Option<&str>,
        k: usize,
        have: usize,
    ) -> Result<Step, Refusal> {
        let missing = k - have;
        if missing > context.samples_left as usize || context.rounds_left == 0 {
            return Err(Refusal::TooFewSamples(format!(
                "{missing} more samples are needed, and the budget leaves {} in {} rounds: lower `k` or raise the budget",
                context.samples_left, context.rounds_left
            )));
        }
        let orders = orders(self.config.shuffle, task.responses.len(), k, context.seed);
        let draw = |order| Draw { judge: judge.map(str::to_owned), ..Draw::of(order) };
        Ok(Step::Draw(orders.into_iter().skip(have).map(draw).collect()))
    }

    /// How sure the first judge is, from 0 to 1; none where nothing of it counts.
    fn certainty(&self, vote: &Vote) -> Option<f64> {
        let Vote { ballots, scores, drawn } = vote;
        if ballots.is_empty() {
            return None;
        }
        let Some(winner) = (0..scores.len()).find(|response| share_of_the_top(scores, *response) == 1.0) else {
            return Some(0.0);
        };
        if ballots.len() * 2 < *drawn {
            return Some(0.0);
        }
        let of = |ballot: &Ballot| match self.config.by {
            Certainty::Agreement => share_of_the_top(&ballot.scores, winner),
            Certainty::Confidence => ballot.confidence.unwrap_or(0.0),
        };
        Some((sum(ballots.iter().map(of)) / ballots.len() as f64).clamp(0.0, 1.0))
    }
}

fn vote(samples: &[Sample], judge: Option<&str>, k: usize, responses: usize) -> Vote {
    let of_judge: Vec<&Sample> = samples.iter().filter(|sample| sample.judge.as_deref() == judge).take(k).collect();
    let ballots: Vec<Ballot> = of_judge.iter().filter_map(|sample| Ballot::of(sample, responses)).collect();
    let mean = |response: usize| decimal_mean(ballots.iter().filter_map(|b| b.scores.get(response).copied()));
    let scores = if ballots.is_empty() { Vec::new() } else { (0..responses).map(mean).collect() };
    Vote { scores, drawn: of_judge.len(), ballots }
}

fn reward(vote: &Vote, drawn: usize, certainty: Option<f64>, escalated: bool, strong_failed: bool) -> Reward {
    let mut details = vec![
        Detail::flag("escalated", escalated),
        Detail::number("drawn", drawn as u32),
        Detail::number("valid", vote.ballots.len() as u32),
    ];
    details.extend(certainty.map(|certainty| Detail::number("certainty", certainty)));
    if strong_failed {
        details.push(Detail::flag("strong_failed", true));
    }
    let winner = (0..vote.scores.len()).find(|response| share_of_the_top(&vote.scores, *response) == 1.0);
    let confidence = winner.map(|winner| {
        let agreeing = sum(vote.ballots.iter().map(|ballot| share_of_the_top(&ballot.scores, winner)));
        (agreeing / vote.ballots.len() as f64).clamp(0.0, 1.0)
    });
    Reward {
        scores: vote.scores.iter().copied().map(Score::Value).collect(),
        used: vote.ballots.iter().map(|ballot| ballot.id).collect(),
        confidence,
        details,
        ..Reward::default()
    }
}

rewarden_plugin::export!(Cascade: policy);
