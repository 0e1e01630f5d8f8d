//! JudgeBench, as `run_judge.py` and `compute_final_metrics` in `utils/metrics.py` of ScalerLab/JudgeBench have it.

use super::Subject;
use super::observations::{Observation, Observations, mean_of};
use crate::credit::top;
use crate::{Aggregate, EvaluateError, ProtocolRow};

pub(super) const RULE: &str = "Each pair is judged in both orders, each order's verdict being the policy's over the \
    samples in that order: 1 for right, −1 for wrong, 0 for a tie or none. A pair is correct when the two add up to \
    more than 0. The total is the share of all pairs.";

/// What sources begin with, and what the benchmark calls them.
const CATEGORIES: [(&str, &str); 4] = [
    ("mmlu-pro", "knowledge"),
    ("livebench-reasoning", "reasoning"),
    ("livebench-math", "math"),
    ("livecodebench", "coding"),
];
const ORDERS: [(&str, [u32; 2]); 2] = [("A shown first", [0, 1]), ("B shown first", [1, 0])];

/// The category of a source, such as `knowledge` for `mmlu-pro-law`.
pub(crate) fn category(source: &str) -> Option<&'static str> {
    CATEGORIES.iter().find(|(prefix, _)| source.starts_with(prefix)).map(|(_, category)| *category)
}

pub(crate) fn expected_sources() -> String {
    CATEGORIES.map(|(prefix, _)| format!("`{prefix}`")).join(", ")
}

pub(super) fn observe(subject: &Subject<'_>, aggregate: &Aggregate<'_>) -> Result<Observation, EvaluateError> {
    let source = subject.field("source")?;
    let category = category(source).ok_or_else(|| {
        let message = format!("expected it to begin with one of {}; found `{source}`", expected_sources());
        subject.error("source", message)
    })?;
    let right = subject.the_right_one()?;
    let mut marks = Vec::new();
    let mut sum = 0;
    for (name, order) in ORDERS {
        let samples = subject.task.samples.iter().enumerate();
        let shown: Vec<usize> = samples.filter(|(_, sample)| sample.order == order).map(|(index, _)| index).collect();
        if shown.is_empty() {
            continue;
        }
        let verdict = match aggregate(&shown).map(|scores| top(&scores)).as_deref() {
            Some([winner]) if *winner == right => 1,
            Some([_]) => -1,
            _ => 0,
        };
        sum += verdict;
        marks.push((("order", name), if verdict > 0 { 1.0 } else { 0.0 }));
    }
    marks.push((("category", category), if sum > 0 { 1.0 } else { 0.0 }));
    Ok(Observation::of(marks))
}

/// Categories, then orders: the share of right verdicts among the pairs that were shown in it, so that a run which
/// judged pairs in one order only shows.
pub(super) fn result(observations: &Observations) -> (Vec<ProtocolRow>, Option<f64>) {
    let means = CATEGORIES.map(|(_, category)| observations.mean(("category", category)));
    let total = mean_of(&means).map(|all| {
        let correct: f64 = means.iter().flatten().map(|mean| mean.score * mean.tasks as f64).sum();
        correct / all.tasks as f64
    });
    let categories = CATEGORIES.iter().zip(means).filter_map(|((_, name), mean)| Some(mean?.row("category", name)));
    let orders = ORDERS.iter().filter_map(|(name, _)| Some(observations.mean(("order", name))?.row("order", name)));
    (categories.chain(orders).collect(), total)
}
