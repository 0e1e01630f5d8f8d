//! Voting guided by a meta RM (SPCT, section 4): draws `k` samples, has the pack's meta RM rate those that count, and
//! adds up the scores of the samples that it rates highest; or weighs each sample by its rating.
//!
//! A sample counts when it gives a score to every response. Others are never rated and never kept, and neither is a
//! sample whose rating failed. Ratings that are there already are not asked for again.
//!
//! Details: `k`, `valid` and `incomplete` as `vote` says them; how many samples were `rated`, how many ratings failed
//! (`rating_failed`), how many samples were `kept`; `weights`; `aggregate`. With `weights = "top"` also `k_meta`, and
//! `short_of_k_meta`, which is true where fewer than that could be kept. With weights that differ, `effective`: how many
//! equal ones they amount to.

mod config;
mod weigh;

use rewarden_plugin::{
    ConfigError, Context, Detail, Plugin, Policy, Rating, Refusal, Reward, Sample, Score, Step, Task,
};
use voting::{Ballot, Ballots, Plan, missing};
use weigh::Rated;

pub use config::{Config, Weights};
pub use voting::{Shuffle, Total, Weighting};

/// The configured policy.
#[derive(Debug)]
pub struct MetaVote {
    config: Config,
}

impl Plugin for MetaVote {
    type Config = Config;

    const NAME: &str = "meta-vote";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Draws k samples, has the meta RM rate them, and votes with the best rated or by weight.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(MetaVote { config })
    }
}

impl Policy for MetaVote {
    /// One round of draws, in the orders of `vote`; one round of ratings; the reward. Samples that are already there
    /// count as the first of the `k`, and of more than `k` the first count.
    fn next(&self, task: &Task, context: &Context, samples: &[Sample]) -> Result<Step, Refusal> {
        let (k, responses) = (self.config.k as usize, task.responses.len());
        // Draws, then ratings, then the end.
        let plan = Plan { k, shuffle: self.config.shuffle, steps_after: 2 };
        let draws = missing(&plan, samples.len(), task, context)?;
        if !draws.is_empty() {
            return Ok(Step::Draw(draws));
        }
        let samples = samples.get(..k).unwrap_or(samples);
        let unrated: Vec<u32> = (samples.iter())
            .filter(|sample| sample.rating.is_none() && Ballot::of(sample, responses).is_some())
            .map(|sample| sample.id)
            .collect();
        if unrated.is_empty() {
            return Ok(Step::Finish(self.reward(responses, samples)));
        }
        if context.rounds_left == 0 {
            return Err(Refusal::TooFewSamples(format!(
                "{} samples have no rating, and no round is left to rate them in: raise the budget of rounds",
                unrated.len()
            )));
        }
        Ok(Step::Rate(unrated))
    }
}

impl MetaVote {
    /// The reward of a task whose samples and ratings are all there.
    fn reward(&self, responses: usize, samples: &[Sample]) -> Reward {
        let Config { weights, aggregate, .. } = self.config;
        let ballots = Ballots::of(samples, responses);
        let rated: Vec<Rated> = (samples.iter())
            .filter_map(|sample| match sample.rating {
                Some(Rating::Rated(rating)) if rating.is_finite() => {
                    Some(Rated { ballot: Ballot::of(sample, responses)?, rating })
                }
                _ => None,
            })
            .collect();
        let (valid, rated_count) = (ballots.valid.len(), rated.len());
        let kept = weigh::weigh(&self.config, rated);

        let nothing = || match (valid, rated_count) {
            (0, _) => ballots.none_valid(),
            (_, 0) => format!("none of {valid} valid samples has a rating: all of them failed"),
            _ => format!("none of {rated_count} ratings reaches the threshold"),
        };
        let score =
            |response| weigh::score(aggregate, &kept, response).map_or_else(|| Score::Abstain(nothing()), Score::Value);
        let mut details = vec![Detail::number("k", samples.len() as u32)];
        details.extend(ballots.details());
        details.extend([
            Detail::number("rated", rated_count as u32),
            Detail::number("rating_failed", (valid - rated_count) as u32),
            Detail::number("kept", kept.len() as u32),
            Detail::text("weights", weights.name()),
            Detail::text("aggregate", aggregate.name()),
        ]);
        match weights {
            Weights::Top => details.extend([
                Detail::number("k_meta", self.config.k_meta()),
                Detail::flag("short_of_k_meta", kept.len() < self.config.k_meta() as usize),
            ]),
            Weights::Softmax | Weights::Sigmoid => details.push(Detail::number("effective", weigh::effective(&kept))),
            Weights::Threshold => {}
        }
        let scores = (0..responses).map(score).collect();
        Reward { scores, used: kept.iter().map(|sample| sample.ballot.id).collect(), details, ..Reward::default() }
    }
}

rewarden_plugin::export!(MetaVote: policy);
