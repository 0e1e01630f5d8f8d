//! From ballots to one number per response.

use rewarden_plugin::{decimal_mean, sum, weighted_mean, weighted_sum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use voting::{Ballots, share_of_the_top};

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

    /// The number of one response, of ballots with these weights, whose mean is 1. The same bits for any order of the samples;
    /// none where no sample counts.
    pub(crate) fn of(self, ballots: &Ballots, weights: &[f64], response: usize) -> Option<f64> {
        let weighted: Vec<(f64, f64)> = ballots.scores(response).into_iter().zip(weights.iter().copied()).collect();
        let total = |points: &dyn Fn(&[f64], f64) -> f64| {
            let of = ballots.valid.iter().zip(&weighted);
            sum(of.map(|(ballot, (score, weight))| weight * points(&ballot.scores, *score)))
        };
        match self {
            _ if weighted.is_empty() => None,
            // Totals that are equal as the judges wrote them tie.
            Aggregate::Sum => Some(weighted_sum(weighted.iter().map(|(score, weight)| (*weight, *score)))),
            Aggregate::Mean => Some(weighted_mean(weighted.iter().map(|(score, weight)| (*weight, *score)))),
            Aggregate::Median => median(weighted),
            Aggregate::Majority => Some(total(&|scores, _| share_of_the_top(scores, response))),
            Aggregate::Borda => Some(total(&outscored)),
        }
    }
}

/// The score at which half of the weight is passed; where exactly half lies below, the mean of the two around.
fn median(mut weighted: Vec<(f64, f64)>) -> Option<f64> {
    weighted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let half = sum(weighted.iter().map(|(_, weight)| *weight)) / 2.0;
    let mut passed = 0.0;
    let mut lower = None;
    for (score, weight) in weighted.into_iter().filter(|(_, weight)| *weight > 0.0) {
        if let Some(lower) = lower {
            let mean: f64 = decimal_mean([lower, score]);
            // At the ends of the numbers the sum of the two is none.
            return Some(if mean.is_finite() { mean } else { lower / 2.0 + score / 2.0 });
        }
        passed += weight;
        if passed == half {
            lower = Some(score);
        } else if passed > half {
            return Some(score);
        }
    }
    lower
}

fn outscored(scores: &[f64], score: f64) -> f64 {
    let below = scores.iter().filter(|other| **other < score).count();
    // The response itself has the same score, too.
    let equal = scores.iter().filter(|other| **other == score).count().saturating_sub(1);
    below as f64 + equal as f64 / 2.0
}
