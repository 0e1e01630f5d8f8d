//! Values of the contract in the words of golden cases and of reports.

use anyhow::{Result, anyhow, bail};
use rewarden_judge::parse_row;
use rewarden_types::{
    CriterionScore, DetailValue, FailureKind, Judgement, ParseFailure, Prompt, Refusal, Scale, Score, Step,
};
use serde_json::{Map, Value};

use crate::cases::{CriterionCase, ScaleCase, ScoreValue};

/// Relative tolerance of numbers that should be equal: arithmetic in another order is no difference.
const TOLERANCE: f64 = 1e-9;

impl From<ScaleCase> for Scale {
    fn from(scale: ScaleCase) -> Self {
        Self { min: scale.min, max: scale.max, integer: scale.integer }
    }
}

/// A task as it stands in the task files of `rewarden score`.
pub(crate) fn task(row: &Value) -> Result<rewarden_types::TaskView> {
    let task = parse_row(1, &row.to_string()).map_err(|error| {
        let field = error.field.as_deref().map(|field| format!(", field `{field}`")).unwrap_or_default();
        anyhow!("its task{field}: {}", error.message)
    })?;
    Ok(task.view())
}

/// A query, as a task without its responses.
pub(crate) fn query(row: &Map<String, Value>) -> Result<rewarden_types::Query> {
    let mut row = row.clone();
    if row.contains_key("responses") || row.contains_key("reference") {
        bail!("its query has responses or a reference, which principles are never written from");
    }
    row.insert("responses".to_owned(), Value::Array(vec![Value::from("-")]));
    let rewarden_types::TaskView { messages, metadata, .. } = task(&Value::Object(row))?;
    Ok(rewarden_types::Query { messages, metadata })
}

/// A score of a case as the contract's; none for a response that was not shown.
pub(crate) fn score(value: &ScoreValue) -> Result<Option<Score>> {
    Ok(match value {
        ScoreValue::Number(number) => Some(Score::Value(*number)),
        ScoreValue::Word(word) if word == "abstain" => Some(Score::Abstain("as the case says".to_owned())),
        ScoreValue::Word(word) if word == "none" => None,
        ScoreValue::Word(word) => bail!("a score is \"{word}\"; expected a number, \"abstain\" or \"none\""),
    })
}

/// Returns whether scores are the expected ones, whatever the reasons for abstaining.
pub(crate) fn same_scores(expected: &[ScoreValue], found: &[Score]) -> bool {
    expected.len() == found.len()
        && expected.iter().zip(found).all(|pair| match pair {
            (ScoreValue::Number(expected), Score::Value(found)) => same_number(*expected, *found),
            (ScoreValue::Word(word), Score::Abstain(_)) => word == "abstain",
            _ => false,
        })
}

/// Returns whether scores by criterion are the expected ones, in their order.
pub(crate) fn same_criteria(expected: &[CriterionCase], found: &[CriterionScore]) -> bool {
    let same = |(expected, found): (&CriterionCase, &CriterionScore)| {
        expected.criterion == found.criterion
            && expected.response == found.response
            && same_scores(std::slice::from_ref(&expected.score), std::slice::from_ref(&found.score))
    };
    expected.len() == found.len() && expected.iter().zip(found).all(same)
}

pub(crate) fn same_number(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs())
}

/// Returns whether the host takes `value` for a score; a NaN is on no scale.
pub(crate) fn on_scale(value: f64, scale: Scale) -> bool {
    value >= scale.min && value <= scale.max && (!scale.integer || value.fract() == 0.0)
}

/// Returns whether a detail is the expected one.
pub(crate) fn same_detail(expected: &Value, found: &DetailValue) -> bool {
    match (expected, found) {
        (Value::Number(expected), DetailValue::Number(found)) => {
            expected.as_f64().is_some_and(|expected| same_number(expected, *found))
        }
        (Value::String(expected), DetailValue::Text(found)) => expected == found,
        (Value::Bool(expected), DetailValue::Flag(found)) => expected == found,
        _ => false,
    }
}

pub(crate) fn expected_text(scores: &[ScoreValue]) -> String {
    let texts = scores.iter().map(|score| match score {
        ScoreValue::Number(number) => number.to_string(),
        ScoreValue::Word(word) => word.clone(),
    });
    texts.collect::<Vec<_>>().join(", ")
}

pub(crate) fn scores_text(scores: &[Score]) -> String {
    let texts = scores.iter().map(|score| match score {
        Score::Value(number) => number.to_string(),
        Score::Abstain(reason) => format!("abstain ({reason})"),
    });
    if scores.is_empty() { "none".to_owned() } else { texts.collect::<Vec<_>>().join(", ") }
}

pub(crate) fn refusal(refusal: &Refusal) -> (&'static str, &str) {
    match refusal {
        Refusal::UnsuitableTask(message) => ("unsuitable-task", message),
        Refusal::TooFewSamples(message) => ("too-few-samples", message),
        Refusal::Other(message) => ("other", message),
    }
}

pub(crate) fn refused_text(refused: &Refusal) -> String {
    let (kind, message) = refusal(refused);
    format!("refused as {kind}: {message}")
}

/// The kind of a failure to parse, and its words.
pub(crate) fn parse_failure(failure: &ParseFailure) -> (&'static str, String) {
    match failure {
        ParseFailure::Unparsable(message) => ("unparsable", message.clone()),
        ParseFailure::WrongCount(count) => {
            ("wrong-count", format!("expected {} scores, found {}", count.expected, count.found))
        }
        ParseFailure::OutOfScale(message) => ("out-of-scale", message.clone()),
        ParseFailure::NotFinite(message) => ("not-finite", message.clone()),
    }
}

pub(crate) fn parsed_text(parsed: &Result<Judgement, ParseFailure>) -> String {
    match parsed {
        Ok(judgement) => {
            let confidence = judgement.confidence.map(|confidence| format!(", confidence {confidence}"));
            let scores = scores_text(&judgement.scores);
            format!("scores {scores}{}{}", criteria_text(&judgement.criteria), confidence.unwrap_or_default())
        }
        Err(failure) => {
            let (kind, message) = parse_failure(failure);
            format!("{kind}: {message}")
        }
    }
}

fn criteria_text(criteria: &[CriterionScore]) -> String {
    let text = |entry: &CriterionScore| {
        let score = scores_text(std::slice::from_ref(&entry.score));
        format!("{:?} of {}: {score}", entry.criterion, entry.response)
    };
    let texts: Vec<String> = criteria.iter().map(text).collect();
    if texts.is_empty() { String::new() } else { format!(", criteria {}", texts.join("; ")) }
}

/// A failure of a sample by the name that result rows give it.
pub(crate) fn failure_kind(name: &str) -> Result<FailureKind> {
    Ok(match name {
        "unparsable" => FailureKind::Unparsable,
        "wrong-count" => FailureKind::WrongCount,
        "out-of-scale" => FailureKind::OutOfScale,
        "not-finite" => FailureKind::NotFinite,
        "refused" => FailureKind::Refused,
        "trap" => FailureKind::Trap,
        "fuel" => FailureKind::Fuel,
        "memory" => FailureKind::Memory,
        "time" => FailureKind::Time,
        "output-size" => FailureKind::OutputSize,
        "model-error" => FailureKind::ModelError,
        _ => bail!(
            "a failure is \"{name}\"; expected unparsable, wrong-count, out-of-scale, not-finite, refused, trap, fuel, \
             memory, time, output-size or model-error"
        ),
    })
}

/// The text of all messages, one blank line apart.
pub(crate) fn prompt_text(prompt: &Prompt) -> String {
    let prefill = prompt.prefill.iter().map(|prefill| format!("\n\n{prefill}"));
    std::iter::once(prompt.input.text()).chain(prefill).collect()
}

pub(crate) fn step_kind(step: &Step) -> &'static str {
    match step {
        Step::Draw(_) => "draw",
        Step::Rate(_) => "rate",
        Step::Finish(_) => "finish",
    }
}

pub(crate) fn step_text(step: &Step) -> String {
    match step {
        Step::Draw(draws) => {
            let orders: Vec<&[u32]> = draws.iter().map(|draw| draw.order.as_slice()).collect();
            let asked: Vec<_> = draws.iter().map(|draw| draw.judge.as_deref().unwrap_or("")).collect();
            let judges =
                if asked.iter().all(|judge| judge.is_empty()) { String::new() } else { format!(" of {asked:?}") };
            format!("draws {} with the orders {orders:?}{judges}", draws.len())
        }
        Step::Rate(ids) => format!("rates {ids:?}"),
        Step::Finish(reward) => {
            let details = reward.details.iter().map(|detail| {
                let value = match &detail.value {
                    DetailValue::Number(number) => number.to_string(),
                    DetailValue::Text(text) => format!("{text:?}"),
                    DetailValue::Flag(flag) => flag.to_string(),
                };
                format!("{} = {value}", detail.name)
            });
            let rejected: Vec<u32> = reward.rejected.iter().map(|rejection| rejection.sample).collect();
            let rejected = if rejected.is_empty() { String::new() } else { format!(", rejected {rejected:?}") };
            format!(
                "finishes with scores {}, used {:?}{rejected}{}, details {{ {} }}",
                scores_text(&reward.scores),
                reward.used,
                criteria_text(&reward.criteria),
                details.collect::<Vec<_>>().join(", ")
            )
        }
    }
}
