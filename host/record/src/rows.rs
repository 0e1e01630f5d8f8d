//! Lines of result and samples files.

use std::collections::BTreeMap;

use rewarden_types::{Detail, DetailValue, FinishReason, Outcome, Principle, Rating, Score, Usage};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::provenance::Provenance;
use crate::sample::SampleRecord;
use crate::verdict::{TaskFailure, Verdict};

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

impl<'a> ResultRow<'a> {
    fn new(verdict: &'a Verdict, provenance: &'a Provenance) -> Self {
        let standing = verdict.standing();
        let (best, tied) = standing.map_or((None, Vec::new()), |standing| (standing.best, standing.tied));
        let reward = verdict.reward.as_ref().ok();
        Self {
            id: &verdict.task,
            scores: reward.map(|reward| reward.scores.iter().map(Score::value).collect()),
            best,
            tied,
            k: verdict.samples.len(),
            valid: verdict.valid(),
            failures: verdict.failures(),
            used: reward.map(|reward| reward.used.as_slice()),
            abstained: reward.map(|reward| abstentions(&reward.scores)).unwrap_or_default(),
            details: Details(reward.map_or(&[], |reward| reward.details.as_slice())),
            error: verdict.reward.as_ref().err(),
            provenance,
        }
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

impl Verdict {
    /// Returns the row that a result file holds for this task.
    pub fn row<'a>(&'a self, provenance: &'a Provenance) -> ResultRow<'a> {
        ResultRow::new(self, provenance)
    }

    /// Returns the rows that a samples file holds for this task.
    pub fn sample_rows(&self) -> impl Iterator<Item = SampleRow<'_>> {
        self.samples.iter().map(|sample| sample.row(&self.task))
    }

    /// Returns the reward's details as one JSON object; empty without a reward.
    pub fn details(&self) -> Value {
        let details = self.reward.as_ref().map_or(&[][..], |reward| reward.details.as_slice());
        serde_json::to_value(Details(details)).unwrap_or_default()
    }
}

impl SampleRecord {
    /// Returns the row that a samples file holds for this sample of `task`.
    pub fn row<'a>(&'a self, task: &'a str) -> SampleRow<'a> {
        SampleRow::new(task, self)
    }
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
    /// A meta RM's.
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rating_failure: Option<FailureRow<'a>>,
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
                (Some(scores.iter().map(|score| score.as_ref().and_then(Score::value)).collect()), None)
            }
            Outcome::Failed(failure) => {
                (None, Some(FailureRow { kind: failure.kind.name(), message: &failure.message }))
            }
        };
        let (rating, rating_failure) = match sample.meta.as_ref().map(|meta| &meta.rating) {
            None => (None, None),
            Some(Rating::Rated(rating)) => (Some(*rating), None),
            Some(Rating::Failed(failure)) => {
                (None, Some(FailureRow { kind: failure.kind.name(), message: &failure.message }))
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
            rating,
            rating_failure,
        }
    }
}
