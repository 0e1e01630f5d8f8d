//! What became of a task, and how it is written down.

use std::collections::BTreeMap;

use rewarden_inference::{Completion, FinishReason, Usage};
use rewarden_runtime::contract::{Detail, DetailValue, FailureKind, Judgement, Outcome, Principle, Reward, Score};
use rewarden_runtime::{CallError, CallFailure};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::provenance::Provenance;
use crate::standing::Standing;

/// One sample: what was shown, what came back and what was read from it.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleRecord {
    /// Counts up from 0 within the task.
    pub id: u32,
    /// Indices of the responses shown, in shown order.
    pub order: Vec<u32>,
    /// The temperature that it was drawn with.
    pub temperature: f64,
    /// The seed that it was drawn with.
    pub seed: u64,
    /// What the model wrote; none when it never came to that.
    pub completion: Option<Completion>,
    /// What the parser read, in shown order, as the parser returned it; none when it read nothing.
    pub judgement: Option<Judgement>,
    /// What counts: scores in the task's own order that were checked by the host, or the failure.
    pub outcome: Outcome,
}

/// Why a task has no reward, though its samples may be fine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct TaskFailure {
    /// The kind, for machines.
    pub kind: TaskFailureKind,
    /// What was expected and found, for people.
    pub message: String,
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
    /// The policy ran out of wall-clock time.
    PolicyTime,
    /// The policy returned more bytes than it may.
    PolicyOutputSize,
    /// The host itself failed.
    Host,
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
    /// How many samples hold a judgement.
    pub fn valid(&self) -> usize {
        self.samples.iter().filter(|sample| matches!(sample.outcome, Outcome::Scored(_))).count()
    }

    /// The kind and the message of every failed sample, by id.
    pub fn failure_messages(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.samples.iter().filter_map(|sample| match &sample.outcome {
            Outcome::Failed(failure) => Some((failure_name(failure.kind), failure.message.as_str())),
            Outcome::Scored(_) => None,
        })
    }

    /// How many samples failed, by kind.
    pub fn failures(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for (kind, _) in self.failure_messages() {
            *counts.entry(kind).or_insert(0) += 1;
        }
        counts
    }

    /// Who won; none without a reward.
    pub fn standing(&self) -> Option<Standing> {
        self.reward.as_ref().ok().map(|reward| Standing::of(&reward.scores))
    }

    /// The row that a result file holds for this task.
    pub fn row<'a>(&'a self, provenance: &'a Provenance) -> ResultRow<'a> {
        let standing = self.standing();
        let (best, tied) = standing.map_or((None, Vec::new()), |standing| (standing.best, standing.tied));
        let reward = self.reward.as_ref().ok();
        ResultRow {
            id: &self.task,
            scores: reward.map(|reward| reward.scores.iter().map(value).collect()),
            best,
            tied,
            k: self.samples.len(),
            valid: self.valid(),
            failures: self.failures(),
            used: reward.map(|reward| reward.used.as_slice()),
            abstained: reward.map(|reward| abstentions(&reward.scores)).unwrap_or_default(),
            details: Details(reward.map_or(&[], |reward| reward.details.as_slice())),
            error: self.reward.as_ref().err(),
            provenance,
        }
    }

    /// The rows that a samples file holds for this task.
    pub fn sample_rows(&self) -> impl Iterator<Item = SampleRow<'_>> {
        self.samples.iter().map(|sample| SampleRow::new(&self.task, sample))
    }
}

/// One line of a result file.
#[derive(Serialize)]
pub struct ResultRow<'a> {
    id: &'a str,
    /// One number or null per response, in the task's own order; null as a whole when there is no reward.
    scores: Option<Vec<Option<f64>>>,
    best: Option<usize>,
    tied: Vec<usize>,
    k: usize,
    valid: usize,
    failures: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<&'a [u32]>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    abstained: BTreeMap<usize, &'a str>,
    #[serde(skip_serializing_if = "Details::is_empty")]
    details: Details<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a TaskFailure>,
    provenance: &'a Provenance,
}

fn value(score: &Score) -> Option<f64> {
    match score {
        Score::Value(value) => Some(*value),
        Score::Abstain(_) => None,
    }
}

fn abstentions(scores: &[Score]) -> BTreeMap<usize, &str> {
    let mut reasons = BTreeMap::new();
    for (index, score) in scores.iter().enumerate() {
        if let Score::Abstain(reason) = score {
            reasons.insert(index, reason.as_str());
        }
    }
    reasons
}

/// Details of a reward, written as one JSON object.
struct Details<'a>(&'a [Detail]);

impl Details<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for detail in self.0 {
            match &detail.value {
                DetailValue::Number(number) => map.serialize_entry(&detail.name, number)?,
                DetailValue::Text(text) => map.serialize_entry(&detail.name, text)?,
                DetailValue::Flag(flag) => map.serialize_entry(&detail.name, flag)?,
            }
        }
        map.end()
    }
}

/// One line of a samples file.
#[derive(Serialize)]
pub struct SampleRow<'a> {
    task: &'a str,
    sample: u32,
    order: &'a [u32],
    temperature: f64,
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish: Option<FinishReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<&'a Usage>,
    /// In the task's own order: a number, or null where the sample abstained or did not show the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<Vec<Option<f64>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    principles: Vec<PrincipleRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    critique: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureRow<'a>>,
}

#[derive(Serialize)]
struct PrincipleRow<'a> {
    name: &'a str,
    weight: Option<f64>,
    text: &'a str,
}

#[derive(Serialize)]
struct FailureRow<'a> {
    kind: &'static str,
    message: &'a str,
}

impl<'a> SampleRow<'a> {
    fn new(task: &'a str, sample: &'a SampleRecord) -> Self {
        let completion = sample.completion.as_ref();
        let judgement = sample.judgement.as_ref();
        let (scores, failure) = match &sample.outcome {
            Outcome::Scored(scores) => {
                (Some(scores.iter().map(|score| score.as_ref().and_then(value)).collect()), None)
            }
            Outcome::Failed(failure) => {
                (None, Some(FailureRow { kind: failure_name(failure.kind), message: &failure.message }))
            }
        };
        let row = |Principle { name, weight, text }: &'a Principle| PrincipleRow { name, weight: *weight, text };
        Self {
            task,
            sample: sample.id,
            order: &sample.order,
            temperature: sample.temperature,
            seed: sample.seed,
            text: completion.map(|completion| completion.text.as_str()),
            thinking: completion.and_then(|completion| completion.thinking.as_deref()),
            finish: completion.map(|completion| completion.finish),
            usage: completion.map(|completion| &completion.usage),
            scores,
            principles: judgement.map(|judgement| judgement.principles.iter().map(row).collect()).unwrap_or_default(),
            critique: judgement.and_then(|judgement| judgement.critique.as_deref()),
            failure,
        }
    }
}

/// The kind's name in result files.
pub(crate) fn failure_name(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Unparsable => "unparsable",
        FailureKind::WrongCount => "wrong_count",
        FailureKind::OutOfScale => "out_of_scale",
        FailureKind::NotFinite => "not_finite",
        FailureKind::Refused => "refused",
        FailureKind::Trap => "trap",
        FailureKind::Fuel => "fuel",
        FailureKind::Memory => "memory",
        FailureKind::Time => "time",
        FailureKind::OutputSize => "output_size",
        FailureKind::ModelError => "model_error",
    }
}

/// The kind under which a failed call into a template or parser is counted.
pub(crate) fn call_kind(failure: &CallFailure) -> FailureKind {
    match failure {
        CallFailure::Fuel { .. } => FailureKind::Fuel,
        CallFailure::Memory { .. } | CallFailure::TableElements { .. } => FailureKind::Memory,
        CallFailure::Time { .. } => FailureKind::Time,
        CallFailure::OutputSize { .. } => FailureKind::OutputSize,
        CallFailure::Trap { .. }
        | CallFailure::InvalidResult { .. }
        | CallFailure::Config { .. }
        | CallFailure::NotExported(_) => FailureKind::Trap,
    }
}

impl From<CallError> for TaskFailure {
    /// A failed call into the policy: there is nobody else to finish the task.
    fn from(error: CallError) -> Self {
        let kind = match call_kind(&error.failure) {
            FailureKind::Fuel => TaskFailureKind::PolicyFuel,
            FailureKind::Memory => TaskFailureKind::PolicyMemory,
            FailureKind::Time => TaskFailureKind::PolicyTime,
            FailureKind::OutputSize => TaskFailureKind::PolicyOutputSize,
            _ => TaskFailureKind::PolicyTrap,
        };
        Self { kind, message: error.to_string() }
    }
}
