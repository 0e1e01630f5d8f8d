//! A weighted mix of the judge's score and of what the pack's rule-based scorers say, with hard gates.
//!
//! The judge's part of a response is the mean of its scores over the samples that score every response, brought from the
//! pack's scale to 0 to 1; a signal's part is its score, brought there from its own `min` and `max`. The reward is the mean of
//! the parts by their weights, brought back to the pack's scale. A response that a gate stops gets the lowest score of the
//! scale. No part is made up: where the judge has no valid sample or a signal abstains, so does the reward, unless a gate
//! decides it.
//!
//! Without `judge_weight`, or where gates stop every response, nothing is drawn.
//!
//! Details: `samples`, `valid`, `incomplete`; `gated`, how many responses a gate stopped; and, where it did, `gates`: which
//! gate stopped which response, by its index, such as `1: format`.

mod config;
mod rules;

use rewarden_plugin::{
    ConfigError, Context, Detail, Plugin, Policy, Refusal, Reward, Sample, Scale, Score, Step, Task, weighted_mean,
};
use rules::Ruling;
use voting::{Ballots, Plan, Total, missing};

pub use config::{Config, SignalConfig};
pub use voting::Shuffle;

/// The configured policy.
#[derive(Debug)]
pub struct Blend {
    config: Config,
}

impl Plugin for Blend {
    type Config = Config;

    const NAME: &str = "blend";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Mixes the judge's scores with those of rule-based scorers by weight, with hard gates.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Blend { config })
    }
}

impl Policy for Blend {
    /// One round of draws, in the orders of `vote`, then the reward. Samples that are already there count as the first of
    /// the `k`, and of more than `k` the first count.
    fn next(&self, task: &Task, context: &Context, samples: &[Sample]) -> Result<Step, Refusal> {
        let (k, responses) = (self.config.k as usize, task.responses.len());
        let rulings = rules::rulings(&self.config, &context.signals, responses)?;
        let decided = rulings.iter().all(|ruling| ruling.gated.is_some());
        let mut counted = samples.get(..k).unwrap_or(samples);
        if !self.config.draws() || decided {
            counted = &[];
        } else {
            let plan = Plan { k, shuffle: self.config.shuffle, steps_after: 1 };
            let draws = missing(&plan, samples.len(), task, context)?;
            if !draws.is_empty() {
                return Ok(Step::Draw(draws));
            }
        }
        Ok(Step::Finish(self.reward(&rulings, context.scale, counted)))
    }
}

impl Blend {
    fn reward(&self, rulings: &[Ruling], scale: Scale, samples: &[Sample]) -> Reward {
        let ballots = Ballots::of(samples, rulings.len());
        let judged = |response| {
            if !self.config.draws() {
                return Ok((0.0, 0.0));
            }
            let mean = Total::Mean.of(&ballots.scores(response)).ok_or_else(|| ballots.none_valid())?;
            Ok((self.config.judge_weight, (mean - scale.min) / (scale.max - scale.min)))
        };
        let blended = |(response, ruling): (usize, &Ruling)| {
            if ruling.gated.is_some() {
                return Score::Value(scale.min);
            }
            if let Some(why) = &ruling.abstained {
                return Score::Abstain(why.clone());
            }
            judged(response).map_or_else(Score::Abstain, |judged| {
                // Parts that are equal as decimals tie.
                let part = weighted_mean(ruling.terms.iter().copied().chain([judged]));
                Score::Value(scale.min + part * (scale.max - scale.min))
            })
        };
        let gates: Vec<String> = (rulings.iter().enumerate())
            .filter_map(|(response, ruling)| Some(format!("{response}: {}", ruling.gated.as_ref()?)))
            .collect();
        let mut details = vec![Detail::number("samples", samples.len() as u32)];
        details.extend(ballots.details());
        details.push(Detail::number("gated", gates.len() as u32));
        if !gates.is_empty() {
            details.push(Detail::text("gates", gates.join(", ")));
        }
        Reward {
            scores: rulings.iter().enumerate().map(blended).collect(),
            used: ballots.ids(),
            details,
            ..Reward::default()
        }
    }
}

rewarden_plugin::export!(Blend: policy);
