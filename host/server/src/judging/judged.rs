//! A judged task.

use std::collections::BTreeMap;
use std::sync::Arc;

use rewarden_dialects::{Answer, AnswerCriterion, AnswerError, Problem};
use rewarden_record::Verdict;
use rewarden_types::{CriterionScore, Outcome, Score, Task};
use serde_json::Value;

use crate::live::PackVersion;

/// How judging ends, for everybody who waits for it.
pub(crate) type JudgeResult = Result<Arc<Judged>, Problem>;

fn criterion(entry: &CriterionScore) -> AnswerCriterion {
    let (score, abstained) = match &entry.score {
        Score::Value(value) => (Some(*value), None),
        Score::Abstain(reason) => (None, Some(reason.clone())),
    };
    AnswerCriterion {
        criterion: entry.criterion.clone(),
        response: usize::try_from(entry.response).unwrap_or(usize::MAX),
        score,
        abstained,
    }
}

/// The scores of the samples that count, in the task's own order.
fn sampled(verdict: &Verdict) -> Vec<Vec<Option<f64>>> {
    let counted = verdict.samples.iter().filter(|sample| verdict.rejection(sample.id).is_none());
    let scores = counted.filter_map(|sample| match &sample.outcome {
        Outcome::Scored(scores) => Some(scores.iter().map(|score| score.as_ref().and_then(Score::value)).collect()),
        Outcome::Failed(_) => None,
    });
    scores.collect()
}

/// A task with its verdict and the version that judged it.
pub(crate) struct Judged {
    pub(crate) version: Arc<PackVersion>,
    pub(crate) judged: Arc<(Task, Verdict)>,
}

impl Judged {
    /// The answer for a client that calls the task `id`.
    pub(crate) fn answer(&self, id: Option<Value>) -> Answer {
        let (task, verdict) = &*self.judged;
        let id = id.unwrap_or_else(|| task.id.as_str().into());
        let reward = verdict.reward.as_ref();
        let standing = verdict.standing();
        let (best, tied) = standing.map_or((None, Vec::new()), |standing| (standing.best, standing.tied));
        let mut scores = Vec::new();
        let mut abstained = BTreeMap::new();
        for (index, score) in reward.map_or(&[][..], |reward| reward.scores.as_slice()).iter().enumerate() {
            scores.push(match score {
                Score::Value(value) => Some(*value),
                Score::Abstain(reason) => {
                    abstained.insert(index, reason.clone());
                    None
                }
            });
        }
        let details = match verdict.details() {
            Value::Object(details) => details,
            _ => serde_json::Map::new(),
        };
        let error = reward
            .err()
            .map(|failure| AnswerError { kind: failure.kind.name().to_owned(), message: failure.message.clone() });
        Answer {
            id,
            scores,
            best,
            tied,
            k: verdict.samples.len(),
            valid: verdict.valid(),
            failures: verdict.failures().into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect(),
            used: reward.map(|reward| reward.used.clone()).unwrap_or_default(),
            abstained,
            criteria: reward.map(|reward| reward.criteria.iter().map(criterion).collect()).unwrap_or_default(),
            confidence: reward.ok().and_then(|reward| reward.confidence),
            sampled: sampled(verdict),
            scale: {
                let scale = self.version.pack().scale;
                (scale.min, scale.max)
            },
            details,
            error,
            pack: self.version.label.clone(),
        }
    }
}
