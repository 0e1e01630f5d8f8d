//! Which samples count.

use rewarden_plugin::{Detail, Outcome, Sample, sum};

/// A sample that gave a score to every response.
#[derive(Clone, Debug, PartialEq)]
pub struct Ballot {
    /// The sample's id.
    pub id: u32,
    /// One score per response, in the task's own order.
    pub scores: Vec<f64>,
    /// How sure the sample was, from 0 to 1; none where its parser does not say.
    pub confidence: Option<f64>,
}

impl Ballot {
    /// None for a sample that failed, or that lacks a score for any of the `responses`: with it, responses would be
    /// compared on different numbers of scores.
    pub fn of(sample: &Sample, responses: usize) -> Option<Ballot> {
        let scores = sample.values().filter(|scores| scores.len() == responses)?;
        Some(Ballot { id: sample.id, scores, confidence: sample.confidence })
    }
}

/// The samples of a task, sorted into those that count and the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Ballots {
    /// Those that count, in the order of their ids.
    pub valid: Vec<Ballot>,
    /// How many samples there are.
    pub samples: usize,
    /// How many of them failed.
    pub failed: usize,
    /// How many did not score every response: they abstained on one, or did not show it.
    pub incomplete: usize,
}

impl Ballots {
    /// Sorts the samples of a task with this many responses.
    pub fn of(samples: &[Sample], responses: usize) -> Ballots {
        let valid: Vec<Ballot> = samples.iter().filter_map(|sample| Ballot::of(sample, responses)).collect();
        let failed = samples.iter().filter(|sample| matches!(sample.outcome, Outcome::Failed(_))).count();
        Ballots { samples: samples.len(), failed, incomplete: samples.len() - failed - valid.len(), valid }
    }

    /// The scores that one response got.
    pub fn scores(&self, response: usize) -> Vec<f64> {
        self.valid.iter().filter_map(|ballot| ballot.scores.get(response).copied()).collect()
    }

    /// How much of the weight agrees with the response that these scores put first: the share of ballots that have it alone
    /// at their top, those that share the top counted by their share. None without a ballot, and where no response is first
    /// alone.
    pub fn agreement(&self, scores: &[Option<f64>], weights: &[f64]) -> Option<f64> {
        let top = scores.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut first = scores.iter().enumerate().filter(|(_, score)| **score == Some(top));
        let (Some((best, _)), None) = (first.next(), first.next()) else { return None };
        let agreeing =
            sum(self.valid.iter().zip(weights).map(|(ballot, weight)| weight * share_of_the_top(&ballot.scores, best)));
        let all = sum(weights.iter().copied());
        (all > 0.0).then(|| (agreeing / all).clamp(0.0, 1.0))
    }

    /// The ids of those that count.
    pub fn ids(&self) -> Vec<u32> {
        self.valid.iter().map(|ballot| ballot.id).collect()
    }

    /// The details `valid` and `incomplete`.
    pub fn details(&self) -> [Detail; 2] {
        [Detail::number("valid", self.valid.len() as u32), Detail::number("incomplete", self.incomplete as u32)]
    }

    /// Why no response gets a score where no sample counts.
    pub fn none_valid(&self) -> String {
        format!(
            "no valid sample of {}: {} failed, {} did not score every response",
            self.samples, self.failed, self.incomplete
        )
    }
}

/// The share of a ballot's vote that a response has: 1 for the highest score, shared by those that have it.
pub fn share_of_the_top(scores: &[f64], response: usize) -> f64 {
    let Some(score) = scores.get(response) else { return 0.0 };
    if scores.iter().any(|other| other > score) {
        return 0.0;
    }
    1.0 / scores.iter().filter(|other| *other == score).count() as f64
}
