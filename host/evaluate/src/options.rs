//! What to measure.

use crate::{EvaluateError, Protocol};

/// What to measure besides the figures of all tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvaluateOptions {
    /// Metadata fields to group by; empty for no groups.
    pub by: Vec<String>,
    /// How to measure accuracy@k; none for not at all. It calls the policy up to `resamples` times for each task and k.
    pub at_k: Option<AtKOptions>,
    /// The benchmark's own protocol to apply.
    pub protocol: Option<Protocol>,
    /// Whether to compare, for each judge, its best strategy with votes of all its samples; none for not at all.
    pub voting: Option<VotingOptions>,
}

/// What makes a judge, and what a strategy of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VotingOptions {
    /// Metadata fields: tasks that share their values were judged by the same judge. At least one.
    pub judges: Vec<String>,
    /// The metadata field that names the way in which a judge was asked. Tasks without it share a strategy.
    pub strategies: String,
}

/// How to measure accuracy@k.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtKOptions {
    /// The numbers of samples, each at least 1. Empty for 1, 2, 4, 8 … and the most samples that a task has.
    pub ks: Vec<u32>,
    /// Random subsets for each task and k, at least 1. Where a task has no more subsets of that size, each of them
    /// is taken once instead.
    pub resamples: u32,
    /// Replicates of the bootstrap, at least 1.
    pub bootstrap: u32,
    /// Seed of the subsets and of the bootstrap.
    pub seed: u64,
}

impl Default for AtKOptions {
    /// Every power of two, 100 subsets, 1,000 replicates, seed 0.
    fn default() -> Self {
        Self { ks: Vec::new(), resamples: 100, bootstrap: 1000, seed: 0 }
    }
}

impl EvaluateOptions {
    pub(crate) fn check(&self) -> Result<(), EvaluateError> {
        if self.voting.as_ref().is_some_and(|voting| voting.judges.is_empty()) {
            return Err(EvaluateError::Option { option: "fields that tell judges apart" });
        }
        let Some(at_k) = &self.at_k else { return Ok(()) };
        let zero = [
            ("k", at_k.ks.contains(&0)),
            ("resamples", at_k.resamples == 0),
            ("bootstrap replicates", at_k.bootstrap == 0),
        ];
        match zero.into_iter().find(|(_, zero)| *zero) {
            Some((option, _)) => Err(EvaluateError::Option { option }),
            None => Ok(()),
        }
    }
}
