//! What became of a task.

use std::collections::BTreeMap;

use rewarden_types::{Outcome, Rejection, Reward, Standing};
use serde::Serialize;

use crate::sample::SampleRecord;

/// Why a task has no reward, though its samples may be fine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct TaskFailure {
    /// The kind, for machines.
    pub kind: TaskFailureKind,
    /// What was expected and found, for people.
    pub message: String,
}

impl TaskFailure {
    /// Returns a failure of the host itself: neither a plugin nor a model is to blame.
    pub fn host(message: impl Into<String>) -> Self {
        Self { kind: TaskFailureKind::Host, message: message.into() }
    }
}

/// See [`TaskFailure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskFailureKind {
    /// The policy refused the task or its samples.
    PolicyRefused,
    /// The policy asked for something that cannot be done.
    PolicyStep,
    /// The policy trapped or panicked.
    PolicyTrap,
    /// The policy used up its instructions.
    PolicyFuel,
    /// The policy asked for more memory or table elements than it may have.
    PolicyMemory,
    /// The policy ran out of processor time.
    PolicyTime,
    /// The policy returned more bytes than it may.
    PolicyOutputSize,
    /// A scorer failed, refused, or gave what is no score.
    Scorer,
    /// The principles of the task's query could not be written or read.
    Principles,
    /// The policy asked for samples or ratings that the run being replayed does not hold.
    NotRecorded,
    /// The host itself failed.
    Host,
}

impl TaskFailureKind {
    const ALL: [(Self, &str); 11] = [
        (Self::PolicyRefused, "policy_refused"),
        (Self::PolicyStep, "policy_step"),
        (Self::PolicyTrap, "policy_trap"),
        (Self::PolicyFuel, "policy_fuel"),
        (Self::PolicyMemory, "policy_memory"),
        (Self::PolicyTime, "policy_time"),
        (Self::PolicyOutputSize, "policy_output_size"),
        (Self::Scorer, "scorer"),
        (Self::Principles, "principles"),
        (Self::NotRecorded, "not_recorded"),
        (Self::Host, "host"),
    ];

    /// The kind's name in result files and runs.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(kind, _)| *kind == self).map_or("unknown", |(_, name)| name)
    }

    /// The kind that has this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(kind, _)| kind)
    }
}

/// A judged task.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The task's id.
    pub task: String,
    /// Every sample that was drawn, by id.
    pub samples: Vec<SampleRecord>,
    /// The reward, or why there is none.
    pub reward: Result<Reward, TaskFailure>,
}

impl Verdict {
    /// Counts the samples that hold a judgement and were not rejected.
    pub fn valid(&self) -> usize {
        self.samples.iter().filter(|sample| sample.is_valid() && self.rejection(sample.id).is_none()).count()
    }

    /// Returns why the policy did not count a sample that could be read; `None` if it did.
    pub fn rejection(&self, sample: u32) -> Option<&Rejection> {
        let rejected = self.reward.as_ref().map_or(&[][..], |reward| reward.rejected.as_slice());
        rejected.iter().find(|rejection| rejection.sample == sample)
    }

    /// The kind and the message of every failed or rejected sample, by id.
    pub fn failure_messages(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.samples.iter().filter_map(|sample| match &sample.outcome {
            Outcome::Failed(failure) => Some((failure.kind.name(), failure.message.as_str())),
            Outcome::Scored(_) => {
                let rejection = self.rejection(sample.id)?;
                Some((rejection.kind.counts_as().name(), rejection.message.as_str()))
            }
        })
    }

    /// Counts the samples that failed, by kind.
    pub fn failures(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for (kind, _) in self.failure_messages() {
            *counts.entry(kind).or_insert(0) += 1;
        }
        counts
    }

    /// Returns who won; `None` without a reward.
    pub fn standing(&self) -> Option<Standing> {
        self.reward.as_ref().ok().map(|reward| Standing::of(&reward.scores))
    }
}
