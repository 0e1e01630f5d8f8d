//! OpenAI's grader endpoints: `POST /v1/fine_tuning/alpha/graders/run` and `/validate`.
//!
//! A pack stands for a `score_model` grader. The pack decides what is asked and how the answer is read, so the grader's
//! own `input` is only a rubric: it is filled in and handed to the plugins as the task's metadata `rubric`. The
//! question is in the item. A failure is a 200 with error flags and the floor, as the format demands. Other grader
//! types are refused; `python` graders are code, which is never run here.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::ask::{Ask, SamplingWishes, Turn};
use crate::asked::Asked;
use crate::config::Dialect;
use crate::conversation::{content, references_under, turns};
use crate::endpoint::{DialectEndpoint, ErrorForm, schema};
use crate::json::{parse, view};
use crate::outcome::Unscored;
use crate::problem::{Problem, ProblemKind};
use crate::request::{Url, shown_value};
use crate::settings::Dialects;

pub(super) const ENDPOINTS: &[DialectEndpoint] = &[
    DialectEndpoint {
        paths: &["/v1/fine_tuning/alpha/graders/run"],
        summary: "OpenAI's graders: run",
        schema: schema::<Run>,
        read: run,
        errors: ErrorForm::Problem,
    },
    DialectEndpoint {
        paths: &["/v1/fine_tuning/alpha/graders/validate"],
        summary: "OpenAI's graders: validate",
        schema: schema::<Validate>,
        read: |_, _, body| validate(body),
        errors: ErrorForm::Problem,
    },
];

/// The fields of an item that may hold the question. The first one found is used.
const QUESTION: [&str; 5] = ["messages", "prompt", "question", "query", "input"];

/// The fields of an item that may hold the reference. The first one found is used.
const REFERENCE: [&str; 4] = ["reference_answer", "reference", "answer", "ground_truth"];

#[derive(Deserialize, ToSchema)]
struct Run {
    grader: Value,
    #[serde(default)]
    item: Option<Map<String, Value>>,
    /// A text, or its parts.
    model_sample: Value,
}

#[derive(Deserialize, ToSchema)]
struct Validate {
    grader: Value,
}

#[derive(Deserialize, Serialize, ToSchema)]
struct ScoreModel {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    /// The name of a model that stands for a pack. Any other name stands for the dialect's default.
    model: String,
    input: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range: Option<(f64, f64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sampling_params: Option<SamplingParams>,
}

#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
struct SamplingParams {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_completions_tokens: Option<u32>,
}

/// The error flag that is set.
enum Flag {
    InvalidVariable,
    ModelParse,
    ModelServer,
    Other,
}

fn validate(body: &[u8]) -> Result<Asked, Problem> {
    let body: Validate = parse(body)?;
    let grader = score_model(&body.grader)?;
    Ok(Asked::nothing(json!({ "grader": grader })))
}

fn run(dialects: &Dialects, url: &Url, body: &[u8]) -> Result<Asked, Problem> {
    let start = Instant::now();
    let body: Run = parse(body)?;
    let grader = score_model(&body.grader)?;
    let item = body.item.unwrap_or_default();
    let sample = content(&body.model_sample, "/model_sample")?;
    let floor = dialects.config.floors.graders;
    let rubric = match rubric(&grader, &item, &sample)? {
        Ok(rubric) => rubric,
        Err(variable) => {
            let detail = format!("the grader's input names {{{{ {variable} }}}}, which the item does not have");
            return Ok(Asked::nothing(reply(&grader, floor, Some((Flag::InvalidVariable, detail)), start)));
        }
    };
    let sampling = grader.sampling_params.map_or_else(SamplingWishes::default, |wishes| SamplingWishes {
        temperature: wishes.temperature,
        top_p: wishes.top_p,
        max_tokens: wishes.max_completions_tokens,
        seed: wishes.seed,
    });
    let mut metadata = item.clone();
    metadata.insert("rubric".to_owned(), rubric.into());
    let ask = Ask {
        messages: asked(&item)?,
        responses: vec![sample],
        references: references_under(&REFERENCE, &item, "/item")?,
        metadata,
        sampling,
        ..dialects.ask(Dialect::Graders, url, Some(&grader.model))
    };
    Ok(Asked::one(ask, move |outcome| {
        let (reward, error) = match outcome.score(0) {
            Ok(score) => match grader.range {
                Some((low, high)) if !(low..=high).contains(&score) => {
                    let detail = format!(
                        "the reward {score} is outside the grader's range {low} to {high}; declare the pack's own scale"
                    );
                    (floor, Some((Flag::Other, detail)))
                }
                _ => (score, None),
            },
            Err(failure) if failure.is_the_requests() => return Err(failure.problem),
            Err(failure) => (floor, Some((flag(&failure), failure.problem.detail))),
        };
        Ok(reply(&grader, reward, error, start))
    }))
}

fn score_model(grader: &Value) -> Result<ScoreModel, Problem> {
    let kind = grader.get("type").and_then(Value::as_str);
    if kind != Some("score_model") {
        let detail = format!(
            "expected a grader of type score_model, found {kind:?}; a pack runs no other kind, least of all Python code"
        );
        return Err(Problem::at("/grader/type", detail));
    }
    let inside = |problem: Problem| {
        let pointer = format!("/grader{}", problem.pointer.as_deref().unwrap_or_default());
        Problem { pointer: Some(pointer), ..problem }
    };
    let grader: ScoreModel = view(grader).map_err(inside)?;
    if grader.input.is_empty() {
        return Err(Problem::at("/grader/input", "expected at least one message, found none"));
    }
    for (index, message) in grader.input.iter().enumerate() {
        let at = format!("/grader/input/{index}/content");
        content(message.get("content").unwrap_or(&Value::Null), &at)?;
    }
    match grader.range {
        Some((low, high)) if low >= high => {
            Err(Problem::at("/grader/range", format!("expected low < high, found {low}, {high}")))
        }
        _ => Ok(grader),
    }
}

fn asked(item: &Map<String, Value>) -> Result<Vec<Turn>, Problem> {
    for field in QUESTION {
        if let Some(asked @ (Value::String(_) | Value::Array(_))) = item.get(field) {
            return turns(asked, &format!("/item/{field}"));
        }
    }
    let detail = format!(
        "a pack needs the question that the sample answers; put it into the item as one of {}",
        QUESTION.join(", ")
    );
    Err(Problem::at("/item", detail))
}

/// Fills in the `{{ … }}` of the grader's input and joins its messages. The inner error is a variable that does not
/// exist.
fn rubric(grader: &ScoreModel, item: &Map<String, Value>, sample: &str) -> Result<Result<String, String>, Problem> {
    let mut filled = String::new();
    for (index, message) in grader.input.iter().enumerate() {
        let at = format!("/grader/input/{index}/content");
        let text = content(message.get("content").unwrap_or(&Value::Null), &at)?;
        let mut rest = text.as_str();
        if !filled.is_empty() {
            filled.push_str("\n\n");
        }
        // One pass, so that a variable inside a value is not filled in.
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else { break };
            filled.push_str(before);
            match variable(name.trim(), item, sample) {
                Some(value) => filled.push_str(&value),
                None => return Ok(Err(name.trim().to_owned())),
            }
            rest = after;
        }
        filled.push_str(rest);
    }
    Ok(Ok(filled))
}

fn variable(name: &str, item: &Map<String, Value>, sample: &str) -> Option<String> {
    match name.split_once('.') {
        Some(("sample", "output_text")) => Some(sample.to_owned()),
        Some(("sample", path)) if path.split('.').next() == Some("output_json") => {
            let json: Value = serde_json::from_str(sample).ok()?;
            let inner = path.split('.').skip(1).try_fold(&json, |value, key| value.get(key))?;
            shown_value(inner)
        }
        Some(("item", path)) => {
            let mut keys = path.split('.');
            let first = item.get(keys.next()?)?;
            shown_value(keys.try_fold(first, |value, key| value.get(key))?)
        }
        _ => None,
    }
}

fn flag(failure: &Unscored) -> Flag {
    match failure.problem.kind {
        ProblemKind::Model | ProblemKind::Timeout => Flag::ModelServer,
        ProblemKind::Unrewarded => Flag::ModelParse,
        _ => Flag::Other,
    }
}

fn reply(grader: &ScoreModel, reward: f64, error: Option<(Flag, String)>, start: Instant) -> Value {
    let (flag, details) = error.map_or((None, None), |(flag, details)| (Some(flag), Some(details)));
    let is = |wanted: fn(&Flag) -> bool| flag.as_ref().is_some_and(wanted);
    json!({
        "reward": reward,
        "metadata": {
            "name": grader.name,
            "type": grader.kind,
            "errors": {
                "formula_parse_error": false,
                "sample_parse_error": false,
                "truncated_observation_error": false,
                "unresponsive_reward_error": false,
                "invalid_variable_error": is(|flag| matches!(flag, Flag::InvalidVariable)),
                "other_error": is(|flag| matches!(flag, Flag::Other)),
                "python_grader_server_error": false,
                "python_grader_server_error_type": null,
                "python_grader_runtime_error": false,
                "python_grader_runtime_error_details": null,
                "model_grader_server_error": is(|flag| matches!(flag, Flag::ModelServer)),
                "model_grader_refusal_error": false,
                "model_grader_parse_error": is(|flag| matches!(flag, Flag::ModelParse)),
                // The format has no other place for words.
                "model_grader_server_error_details": details,
            },
            "execution_time": start.elapsed().as_secs_f64(),
            "scores": {},
            "token_usage": null,
            "sampled_model_name": null,
        },
        "sub_rewards": {},
        "model_grader_token_usage_per_model": {},
    })
}
