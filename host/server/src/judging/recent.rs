//! The latest rewards, for the page.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use rewarden_dialects::{PackLabel, since_1970};
use rewarden_types::Score;
use serde::Serialize;
use utoipa::ToSchema;

use crate::judging::judged::Judged;

/// The most rewards that are remembered.
const KEPT: usize = 100;
/// The most scores of one task that are shown.
const SCORES: usize = 32;

/// A recent reward. Texts are not remembered; they are in the run.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct RecentReward {
    /// Seconds since 1970, UTC.
    at: f64,
    /// The task's id in the run.
    id: String,
    pack: PackLabel,
    /// The first scores, up to 32.
    scores: Vec<Option<f64>>,
    /// The only winner.
    best: Option<usize>,
    /// Samples drawn.
    k: usize,
    /// Samples with a judgement.
    valid: usize,
    /// The kind of failure, if there is no reward.
    error: Option<&'static str>,
}

/// The latest rewards, oldest first.
#[derive(Default)]
pub(crate) struct Recent {
    rewards: Mutex<VecDeque<RecentReward>>,
}

impl Recent {
    /// Remembers a reward. Leaves it out if another thread holds the list, since nobody should wait for this.
    pub(crate) fn add(&self, judged: &Judged) {
        let Ok(mut rewards) = self.rewards.try_lock() else { return };
        let (task, verdict) = &*judged.judged;
        let reward = verdict.reward.as_ref();
        let value = |score: &Score| match score {
            Score::Value(value) => Some(*value),
            Score::Abstain(_) => None,
        };
        let at = since_1970().as_secs_f64();
        if rewards.len() >= KEPT {
            rewards.pop_front();
        }
        rewards.push_back(RecentReward {
            at,
            id: task.id.clone(),
            pack: judged.version.label.clone(),
            scores: reward.map(|reward| reward.scores.iter().take(SCORES).map(value).collect()).unwrap_or_default(),
            best: verdict.standing().and_then(|standing| standing.best),
            k: verdict.samples.len(),
            valid: verdict.valid(),
            error: reward.err().map(|failure| failure.kind.name()),
        });
    }

    /// Returns the rewards, latest first.
    pub(crate) fn latest(&self) -> Vec<RecentReward> {
        self.rewards.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }
}
