//! Lines of result and samples files.

use std::collections::BTreeMap;

use rewarden_types::{
    CriterionScore, Detail, DetailValue, FinishReason, Outcome, Principle, Rating, Rejection, Score, ScoreLevel, Usage,
};
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    criteria: Vec<CriterionRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    #[serde(skip_serializing_if = "<[Rejection]>::is_empty")]
    rejected: &'a [Rejection],
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
            criteria: reward.map(|reward| criterion_rows(reward.criteria.iter().cloned())).unwrap_or_default(),
            confidence: reward.and_then(|reward| reward.confidence),
            rejected: reward.map_or(&[], |reward| reward.rejected.as_slice()),
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

/// A score under one criterion as files have it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CriterionRow {
    criterion: String,
    /// In the task's own order.
    response: u32,
    score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    abstained: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<CriterionScore> for CriterionRow {
    fn from(CriterionScore { criterion, response, score, reason }: CriterionScore) -> Self {
        let (score, abstained) = match score {
            Score::Value(value) => (Some(value), None),
            Score::Abstain(reason) => (None, Some(reason)),
        };
        Self { criterion, response, score, abstained, reason }
    }
}

/// Returns scores by criterion as files have them.
pub fn criterion_rows(criteria: impl IntoIterator<Item = CriterionScore>) -> Vec<CriterionRow> {
    criteria.into_iter().map(CriterionRow::from).collect()
}

/// Returns a distribution over scores as files have it: a score and its probability each.
pub fn level_rows(levels: &[ScoreLevel]) -> Vec<(f64, f64)> {
    levels.iter().map(|level| (level.score, level.probability)).collect()
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
    #[serde(skip_serializing_if = "Option::is_none")]
    judge: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    asked: &'a [String],
    #[serde(skip_serializing_if = "<[u32]>::is_empty")]
    built_on: &'a [u32],
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
    /// By the responses' own indices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    criteria: Vec<CriterionRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    /// For each response a score and its probability each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    distributions: Vec<Vec<(f64, f64)>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_logprob: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_logprob: Option<f64>,
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
            judge: sample.judge.as_deref(),
            asked: &sample.asked,
            built_on: &sample.built_on,
            temperature: sample.temperature,
            seed: sample.seed,
            text: completion.map(|completion| completion.text.as_str()),
            thinking: completion.and_then(|completion| completion.thinking.as_deref()),
            finish: completion.map(|completion| completion.finish),
            usage: completion.map(|completion| &completion.usage),
            scores,
            criteria: criterion_rows(sample.criteria()),
            confidence: sample.confidence(),
            distributions: sample.distributions().iter().map(|levels| level_rows(levels)).collect(),
            answer_logprob: completion.and_then(|completion| completion.answer_logprob),
            thinking_logprob: completion.and_then(|completion| completion.thinking_logprob),
            principles: judgement.map(|judgement| judgement.principles.iter().map(row).collect()).unwrap_or_default(),
            critique: judgement.and_then(|judgement| judgement.critique.as_deref()),
            failure,
            rating,
            rating_failure,
        }
    }
}
