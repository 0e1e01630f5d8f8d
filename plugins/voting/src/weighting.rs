//! How much a sample counts by its own confidence.

use rewarden_plugin::sum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Ballot;

/// How the confidence of a sample becomes its weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weighting {
    /// All samples count alike.
    #[default]
    Equal,
    /// By the confidence itself (CISC, arXiv 2502.06233).
    Confidence,
    /// By ln(c / (1 - c)) of a confidence c, which is the best weight of a vote between two when c is the probability that
    /// the sample is right; 0 where c is at most one half. A c above 0.99 counts as 0.99.
    LogOdds,
}

/// The confidence beyond which log-odds do not grow: one sample must not outvote all others by rounding.
const SUREST: f64 = 0.99;

impl Weighting {
    /// As in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Weighting::Equal => "equal",
            Weighting::Confidence => "confidence",
            Weighting::LogOdds => "log-odds",
        }
    }

    fn of(self, confidence: f64) -> f64 {
        match self {
            Weighting::Equal => 1.0,
            Weighting::Confidence => confidence,
            Weighting::LogOdds if confidence <= 0.5 => 0.0,
            Weighting::LogOdds => {
                let sure = confidence.min(SUREST);
                (sure / (1.0 - sure)).ln()
            }
        }
    }

    /// A weight for each ballot; their mean is 1, so that sums keep their range. A ballot without a confidence has the mean
    /// weight of the others. All are exactly 1 where none has one, or where all weights would be 0.
    pub fn weights(self, ballots: &[Ballot]) -> Vec<f64> {
        let known: Vec<f64> =
            ballots.iter().filter_map(|ballot| ballot.confidence).map(|confidence| self.of(confidence)).collect();
        let mean = sum(known.iter().copied()) / known.len().max(1) as f64;
        if self == Weighting::Equal || mean <= 0.0 {
            return vec![1.0; ballots.len()];
        }
        ballots.iter().map(|ballot| ballot.confidence.map_or(1.0, |confidence| self.of(confidence) / mean)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ballots(confidences: &[Option<f64>]) -> Vec<Ballot> {
        let ballot = |(id, confidence): (u32, &Option<f64>)| Ballot { id, scores: vec![1.0], confidence: *confidence };
        (0..).zip(confidences).map(ballot).collect()
    }

    #[test]
    fn weights_have_the_mean_1_and_a_ballot_without_a_confidence_has_it_too() {
        let weights = Weighting::Confidence.weights(&ballots(&[Some(0.9), Some(0.3), None]));
        assert_eq!(weights, [1.5, 0.5, 1.0]);
        assert_eq!(Weighting::LogOdds.weights(&ballots(&[Some(0.75), Some(0.5)])), [2.0, 0.0]);
    }

    #[test]
    fn samples_that_say_nothing_of_themselves_count_alike() {
        for weighting in [Weighting::Equal, Weighting::Confidence, Weighting::LogOdds] {
            assert_eq!(weighting.weights(&ballots(&[None, None])), [1.0, 1.0]);
            assert_eq!(weighting.weights(&ballots(&[])), [0.0; 0]);
        }
        assert_eq!(Weighting::LogOdds.weights(&ballots(&[Some(0.4), Some(0.2)])), [1.0, 1.0]);
        assert_eq!(Weighting::Equal.weights(&ballots(&[Some(0.9), Some(0.1)])), [1.0, 1.0]);
    }

    #[test]
    fn certainty_does_not_outweigh_everything() {
        let weights = Weighting::LogOdds.weights(&ballots(&[Some(1.0), Some(0.99)]));
        assert_eq!(weights, [1.0, 1.0]);
    }
}
