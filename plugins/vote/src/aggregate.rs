//! From ballots to one number per response.

use rewarden_plugin::sum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use voting::Ballots;

/// How the scores of one response are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Aggregate {
    /// The sum over the valid samples, from `valid * min` to `valid * max`. A task that lost samples has lower sums.
    Sum,
    /// The mean over the valid samples, on the scale itself. Ranks as the sum does.
    Mean,
    /// The median over the valid samples, on the scale itself; of an even number, the mean of the middle two.
    Median,
    /// In how many valid samples the response had the highest score, from 0 to `valid`. Responses that share a sample's
    /// highest score share its vote. For two responses or more.
    Majority,
    /// How many other responses it outscored, added over the valid samples, from 0 to `valid * (responses - 1)`. One
    /// with the same score counts half. For two responses or more.
    Borda,
}

impl Aggregate {
    /// As in a configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Aggregate::Sum => "sum",
            Aggregate::Mean => "mean",
            Aggregate::Median => "median",
            Aggregate::Majority => "majority",
            Aggregate::Borda => "borda",
        }
    }

    /// True for those that say nothing of a response alone.
    pub(crate) fn compares(self) -> bool {
        matches!(self, Aggregate::Majority | Aggregate::Borda)
    }

    /// The number of one response. The same bits for any order of the samples; none where no sample counts.
    pub(crate) fn of(self, ballots: &Ballots, response: usize) -> Option<f64> {
        let scores = ballots.scores(response);
        let valid = scores.len() as f64;
        let over_ballots = |points: fn(&[f64], f64) -> f64| {
            sum(ballots.valid.iter().zip(&scores).map(|(ballot, score)| points(&ballot.scores, *score)))
        };
        match self {
            _ if scores.is_empty() => None,
            Aggregate::Sum => Some(sum(scores)),
            Aggregate::Mean => Some(sum(scores) / valid),
            Aggregate::Median => median(scores),
            Aggregate::Majority => Some(over_ballots(share_of_the_top)),
            Aggregate::Borda => Some(over_ballots(outscored)),
        }
    }
}

fn median(mut scores: Vec<f64>) -> Option<f64> {
    scores.sort_unstable_by(f64::total_cmp);
    let upper = *scores.get(scores.len() / 2)?;
    let lower = *scores.get(scores.len().checked_sub(1)? / 2)?;
    // Not (lower + upper) / 2, which overflows at the ends of the numbers.
    Some(lower / 2.0 + upper / 2.0)
}

fn share_of_the_top(scores: &[f64], score: f64) -> f64 {
    if scores.iter().any(|other| *other > score) {
        return 0.0;
    }
    1.0 / scores.iter().filter(|other| **other == score).count() as f64
}

fn outscored(scores: &[f64], score: f64) -> f64 {
    let below = scores.iter().filter(|other| **other < score).count();
    // The response itself has the same score, too.
    let equal = scores.iter().filter(|other| **other == score).count().saturating_sub(1);
    below as f64 + equal as f64 / 2.0
}
