//! verl's reward function over HTTP: `POST /verl/compute_score`.
//!
//! The body holds the function's keyword arguments. The reply always has the same keys, since verl takes the keys of
//! the first sample and indexes all others by them. Without a reward, `score` is the floor and `rewarden_failed` is 1.
//! A status other than 200 means that the request is at fault or should be sent again later; `rewarden-client` tells
//! the two apart.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::ask::{Ask, Turn};
use crate::asked::Asked;
use crate::cohort::cohort;
use crate::config::Dialect;
use crate::conversation::{question, references, turns};
use crate::endpoint::{DialectEndpoint, ErrorForm, schema};
use crate::json::parse;
use crate::problem::Problem;
use crate::request::Url;
use crate::settings::Dialects;
use crate::special_tokens::without_end;

pub(super) const ENDPOINTS: &[DialectEndpoint] = &[DialectEndpoint {
    paths: &["/verl/compute_score"],
    summary: "verl's reward function",
    schema: schema::<Body>,
    read: compute_score,
    errors: ErrorForm::Problem,
}];

/// The fields of `extra_info` that may hold the question. The first one found is used.
const QUESTION: [&str; 5] = ["messages", "raw_prompt", "prompt", "question", "problem"];

#[derive(Deserialize, ToSchema)]
struct Body {
    #[serde(default)]
    data_source: Option<Value>,
    /// A text, its parts, or turns of which the last are judged.
    solution_str: Value,
    #[serde(default)]
    ground_truth: Option<Value>,
    #[serde(default)]
    extra_info: Option<Map<String, Value>>,
}

fn compute_score(dialects: &Dialects, url: &Url, body: &[u8]) -> Result<Asked, Problem> {
    let body: Body = parse(body)?;
    let mut metadata = body.extra_info.unwrap_or_default();
    let extra_info = Value::Object(metadata.clone());
    let cohort = cohort(&extra_info, "/extra_info", url, || None)?;
    let mut messages = asked(&mut metadata, dialects.config.verl_without_question)?;
    let solution = rewarden_input::completion(&body.solution_str, "/solution_str")?;
    messages.extend(solution.before.into_iter().map(Turn::from));
    metadata.extend(body.data_source.map(|source| ("data_source".to_owned(), source)));
    let ask = Ask {
        messages,
        responses: vec![without_end(&solution.answer, dialects.format(Dialect::Verl, url, None)?).to_owned()],
        references: references(body.ground_truth.as_ref(), "/ground_truth")?,
        metadata,
        cohort,
        ..dialects.ask(Dialect::Verl, url, None)
    };
    let floor = dialects.config.floors.verl;
    Ok(Asked::one(ask, move |outcome| {
        let (score, failure) = match outcome.score(0) {
            Ok(score) => (score, None),
            Err(failure) if failure.is_the_requests() => return Err(failure.problem),
            Err(failure) => (floor, Some(failure.kind)),
        };
        let (samples, valid) = outcome.samples();
        // Every key, always. The failure's kind is empty if there is none, and so is the pack if none was asked.
        Ok(json!({
            "score": score,
            "rewarden_failed": u8::from(failure.is_some()),
            "rewarden_failure": failure.unwrap_or_default(),
            "rewarden_samples": samples,
            "rewarden_valid": valid,
            "rewarden_tied": u8::from(outcome.tied(0)),
            // A text: verl takes means of all else, and a task's criteria are its own.
            "rewarden_criteria": Value::Object(outcome.criteria(0)).to_string(),
            "rewarden_pack": outcome.pack(),
        }))
    }))
}

/// Takes the conversation out of `extra_info`; the rest becomes the task's metadata.
fn asked(extra_info: &mut Map<String, Value>, optional: bool) -> Result<Vec<Turn>, Problem> {
    for field in QUESTION {
        match extra_info.shift_remove(field) {
            None | Some(Value::Null) => {}
            Some(conversation) => return turns(&conversation, &format!("/extra_info/{field}")),
        }
    }
    if optional {
        return Ok(question(""));
    }
    let detail = format!(
        "verl does not send the prompt to reward functions; put the question into the data's extra_info as one of {} (or set \
         `verl_without_question` for packs that look at response and reference alone)",
        QUESTION.join(", ")
    );
    Err(Problem::at("/extra_info", detail))
}
