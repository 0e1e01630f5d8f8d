//! From samples to a reward.

use rewarden_plugin::{Detail, Outcome, Reward, Sample, Score, Task, sum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the scores of one response are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Aggregate {
    /// The sum over the valid samples, from `valid * min` to `valid * max`. A task that lost samples has lower sums.
    Sum,
    /// The mean over the valid samples, on the scale itself. Ranks as the sum does.
    Mean,
}

impl Aggregate {
    fn name(self) -> &'static str {
        match self {
            Aggregate::Sum => "sum",
            Aggregate::Mean => "mean",
        }
    }

    /// The same bits for any order of `values`, which are never empty.
    fn of(self, values: &[f64]) -> f64 {
        let total = sum(values.iter().copied());
        match self {
            Aggregate::Sum => total,
            Aggregate::Mean => total / values.len() as f64,
        }
    }
}

/// The reward of a task whose samples are all there.
pub(crate) fn reward(aggregate: Aggregate, task: &Task, samples: &[Sample]) -> Reward {
    let n = task.responses.len();
    let valid: Vec<(u32, Vec<f64>)> = samples
        .iter()
        .filter_map(|sample| Some((sample.id, sample.values().filter(|values| values.len() == n)?)))
        .collect();
    let failed = samples.iter().filter(|sample| matches!(sample.outcome, Outcome::Failed(_))).count();
    let incomplete = samples.len() - failed - valid.len();

    let scores = (0..n)
        .map(|response| {
            let values: Vec<f64> = valid.iter().filter_map(|(_, values)| values.get(response).copied()).collect();
            if values.is_empty() {
                Score::Abstain(format!(
                    "no valid sample of {}: {failed} failed, {incomplete} did not score every response",
                    samples.len()
                ))
            } else {
                Score::Value(aggregate.of(&values))
            }
        })
        .collect();
    Reward {
        scores,
        used: valid.iter().map(|(id, _)| *id).collect(),
        details: vec![
            Detail::number("k", samples.len() as u32),
            Detail::number("valid", valid.len() as u32),
            Detail::number("incomplete", incomplete as u32),
            Detail::text("aggregate", aggregate.name()),
        ],
    }
}
