//! From ratings to weights, and from weighted ballots to one number per response.

use rewarden_plugin::{sum, weighted_mean, weighted_sum};
use voting::{Ballot, Total};

use crate::{Config, Weights};

/// A sample that counts, with its rating.
pub(crate) struct Rated {
    pub(crate) ballot: Ballot,
    /// Finite.
    pub(crate) rating: f64,
}

/// A sample that was kept.
pub(crate) struct Weighted {
    pub(crate) ballot: Ballot,
    /// Natural logarithm of its weight: weights of very low ratings would be 0 as they are, and so would their sum.
    log_weight: f64,
}

/// The samples that are kept, in the order of their ids. Does not depend on the order of `rated`.
pub(crate) fn weigh(config: &Config, mut rated: Vec<Rated>) -> Vec<Weighted> {
    match config.weights {
        Weights::Top => {
            // Adding 0 makes one number of -0 and 0, which `total_cmp` tells apart.
            let rank = |a: &Rated, b: &Rated| (b.rating + 0.0).total_cmp(&(a.rating + 0.0));
            rated.sort_by(|a, b| rank(a, b).then(a.ballot.id.cmp(&b.ballot.id)));
            rated.truncate(config.k_meta() as usize);
        }
        Weights::Threshold => rated.retain(|sample| config.threshold.is_some_and(|least| sample.rating >= least)),
        Weights::Softmax | Weights::Sigmoid => {}
    }
    rated.sort_by_key(|sample| sample.ballot.id);
    let highest = rated.iter().map(|sample| sample.rating).fold(f64::NEG_INFINITY, f64::max);
    let temperature = config.temperature.unwrap_or(1.0);
    // Subtracted before the division, which might overflow.
    let scaled = |rating: f64| (rating - highest) / temperature;
    let all = sum(rated.iter().map(|sample| scaled(sample.rating).exp())).ln();
    let ballots: Vec<Ballot> = rated.iter().map(|sample| sample.ballot.clone()).collect();
    let by_confidence = config.confidence.weights(&ballots);
    let weighted = rated.into_iter().zip(by_confidence).map(|(Rated { ballot, rating }, confidence)| {
        let by_rating = match config.weights {
            Weights::Top | Weights::Threshold => 0.0,
            Weights::Softmax => scaled(rating) - all,
            // ln(1 / (1 + exp(-x))) without overflow for x of either sign.
            Weights::Sigmoid => rating.min(0.0) - (-rating.abs()).exp().ln_1p(),
        };
        Weighted { ballot, log_weight: by_rating + confidence.ln() }
    });
    weighted.collect()
}

/// The number of one response; none where nothing was kept.
pub(crate) fn score(total: Total, kept: &[Weighted], response: usize) -> Option<f64> {
    let terms = |shift: f64| {
        let term =
            move |sample: &Weighted| Some(((sample.log_weight - shift).exp(), *sample.ballot.scores.get(response)?));
        kept.iter().filter_map(term)
    };
    match total {
        _ if kept.is_empty() => None,
        Total::Sum => Some(weighted_sum(terms(0.0))),
        Total::Mean => Some(weighted_mean(terms(heaviest(kept)))),
    }
}

/// How many samples of equal weight would vary as little: (sum of weights)^2 / sum of squared weights (Kish, 1965).
/// From 1 to the number that was kept; 0 where nothing was.
pub(crate) fn effective(kept: &[Weighted]) -> f64 {
    let heaviest = heaviest(kept);
    let weights = || kept.iter().map(|sample| (sample.log_weight - heaviest).exp());
    if kept.is_empty() { 0.0 } else { sum(weights()).powi(2) / sum(weights().map(|weight| weight * weight)) }
}

fn heaviest(kept: &[Weighted]) -> f64 {
    kept.iter().map(|sample| sample.log_weight).fold(f64::NEG_INFINITY, f64::max)
}
