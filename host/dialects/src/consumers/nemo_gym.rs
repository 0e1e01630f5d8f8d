//! NeMo Gym's resources server: `POST /verify` for a rollout, `POST /compare` for the rollouts of a prompt.
//!
//! `/verify` returns the request with `reward` and `reward_components`, which sum to it: a score for each criterion, and what the
//! policy made of them. A rollout that could not be
//! judged is a 200 with `_ng_failure_class`, `mask_sample` and the floor as a placeholder; Gym routes it to its
//! failures file. `/compare` has no place for that and fails with 503, like Gym's own server.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::ask::{Ask, Turn};
use crate::asked::Asked;
use crate::cohort::cohort;
use crate::config::Dialect;
use crate::conversation::{question, turns};
use crate::endpoint::{DialectEndpoint, ErrorForm, schema};
use crate::json::{parse, view};
use crate::outcome::{AskOutcome, Unscored};
use crate::problem::{Problem, ProblemKind};
use crate::request::{Url, reference};
use crate::settings::Dialects;

pub(super) const ENDPOINTS: &[DialectEndpoint] = &[
    DialectEndpoint {
        paths: &["/verify"],
        summary: "NeMo Gym: one rollout",
        schema: schema::<Verify>,
        read: verify,
        errors: ErrorForm::Problem,
    },
    DialectEndpoint {
        paths: &["/compare"],
        summary: "NeMo Gym: the rollouts of a prompt",
        schema: schema::<Compare>,
        read: compare,
        errors: ErrorForm::Problem,
    },
];

/// The component of the policy: all of the reward where there are no criteria.
const COMPONENT: &str = "rewarden";

/// Fields that an earlier verification left in a request that is verified again.
const STALE: [&str; 6] = [
    "_ng_failure_class",
    "_ng_failure_judge_error",
    "failure_kind",
    "failure_reason",
    "mask_sample",
    "reward_components",
];

/// The fields that may hold the reference. The first one found is used.
const REFERENCE: [&str; 5] = ["reference", "reference_answer", "expected_answer", "ground_truth", "label"];

#[derive(Deserialize, ToSchema)]
struct Verify {
    responses_create_params: CreateParams,
    response: Value,
    #[serde(default)]
    principle: Option<String>,
    #[serde(default)]
    verifier_metadata: Option<Map<String, Value>>,
    #[serde(default)]
    prompt_id: Option<String>,
    #[serde(default, rename = "_ng_task_index")]
    task_index: Option<i64>,
}

#[derive(Deserialize, ToSchema)]
struct CreateParams {
    input: Value,
    #[serde(default)]
    instructions: Option<String>,
}

fn verify(dialects: &Dialects, url: &Url, body: &[u8]) -> Result<Asked, Problem> {
    let body: Value = parse(body)?;
    let request: Verify = view(&body)?;
    let mut messages = conversation(&request.responses_create_params)?;
    if let Some(instructions) = request.responses_create_params.instructions.filter(|text| !text.is_empty()) {
        messages.insert(0, Turn { role: "system".to_owned(), content: instructions });
    }
    let key =
        || Some(cohort_key(request.task_index, request.prompt_id.as_deref(), &messages, request.principle.as_deref()));
    let cohort = cohort(&body, "", url, key)?;
    let mut metadata = request.verifier_metadata.unwrap_or_default();
    metadata.extend(request.principle.map(|principle| ("principle".to_owned(), Value::String(principle))));
    let in_cohort = cohort.is_some();
    let ask = Ask {
        messages,
        responses: vec![output_text(&request.response, "/response")?],
        reference: REFERENCE.iter().find_map(|field| reference(body.get(field).or_else(|| metadata.get(*field)))),
        metadata,
        cohort,
        ..dialects.ask(Dialect::NemoGym, url, None)
    };
    let Value::Object(request) = body else { return Err(Problem::at("", "expected an object")) };
    let floor = dialects.config.floors.nemo_gym;
    Ok(Asked::one(ask, move |outcome| verified(request, outcome, in_cohort, floor)))
}

/// Adds the reward to the request.
fn verified(
    mut reply: Map<String, Value>,
    outcome: &AskOutcome,
    in_cohort: bool,
    floor: f64,
) -> Result<Value, Problem> {
    for field in STALE {
        reply.shift_remove(field);
    }
    let reward = match outcome.score(0) {
        Ok(score) => {
            reply.insert("mask_sample".to_owned(), false.into());
            score
        }
        Err(failure) if failure.is_the_requests() => return Err(failure.problem),
        Err(failure) => {
            let kind = failure_kind(&failure, in_cohort);
            let reason = format!("{}: {}", failure.kind, failure.problem.detail);
            reply.insert("mask_sample".to_owned(), true.into());
            reply.insert("failure_kind".to_owned(), kind.into());
            reply.insert("failure_reason".to_owned(), reason.as_str().into());
            reply.insert("_ng_failure_class".to_owned(), kind.into());
            reply.insert("_ng_failure_judge_error".to_owned(), reason.into());
            floor
        }
    };
    let (samples, valid) = outcome.samples();
    reply.insert("reward".to_owned(), reward.into());
    reply.insert("reward_components".to_owned(), components(outcome, reward).into());
    reply.insert("rewarden_samples".to_owned(), samples.into());
    reply.insert("rewarden_valid".to_owned(), valid.into());
    reply.insert("rewarden_pack".to_owned(), outcome.pack().into());
    Ok(Value::Object(reply))
}

/// What the reward is made of. Gym adds the components up, so beside the scores by criterion stands what the policy made of
/// them beyond their sum: weights, gates and all else. A criterion of the same name as that has its own out of the way.
fn components(outcome: &AskOutcome, reward: f64) -> Map<String, Value> {
    let mut components = Map::new();
    let mut sum = 0.0;
    for (criterion, score) in outcome.criteria(0) {
        sum += score.as_f64().unwrap_or_default();
        let name = if criterion == COMPONENT { format!("{COMPONENT}_criterion") } else { criterion };
        components.insert(name, score);
    }
    components.insert(COMPONENT.to_owned(), (reward - sum).into());
    components
}

#[derive(Deserialize, ToSchema)]
struct Compare {
    conversation_history: Vec<Value>,
    response_objs: Vec<Value>,
    #[serde(default)]
    principle: Option<String>,
}

fn compare(dialects: &Dialects, url: &Url, body: &[u8]) -> Result<Asked, Problem> {
    let body: Compare = parse(body)?;
    if body.response_objs.is_empty() {
        return Ok(Asked::nothing(json!({ "rewards": [], "comparison_results": null, "metrics": null })));
    }
    let texts = body.response_objs.iter().enumerate();
    let responses: Result<Vec<String>, Problem> =
        texts.map(|(index, response)| output_text(response, &format!("/response_objs/{index}"))).collect();
    let responses = responses?;
    let count = responses.len();
    let ask = Ask {
        messages: turns(&body.conversation_history, "/conversation_history")?,
        responses,
        metadata: body
            .principle
            .map(|principle| ("principle".to_owned(), Value::String(principle)))
            .into_iter()
            .collect(),
        ..dialects.ask(Dialect::NemoGym, url, None)
    };
    Ok(Asked::one(ask, move |outcome| {
        let mut rewards = Vec::with_capacity(count);
        for index in 0..count {
            let score = outcome.score(index).map_err(|failure| {
                let kind = if failure.is_the_requests() { failure.problem.kind } else { ProblemKind::Unavailable };
                Problem { kind, pointer: Some(format!("/response_objs/{index}")), ..failure.problem }
            })?;
            rewards.push(score);
        }
        let (samples, valid) = outcome.samples();
        let metrics = json!({ "rewarden_samples": samples as f64, "rewarden_valid": valid as f64 });
        Ok(json!({ "rewards": rewards, "comparison_results": null, "metrics": metrics }))
    }))
}

fn conversation(params: &CreateParams) -> Result<Vec<Turn>, Problem> {
    let at = "/responses_create_params/input";
    match &params.input {
        Value::String(text) => Ok(question(text.as_str())),
        Value::Array(messages) => turns(messages, at),
        other => Err(Problem::at(at, format!("expected a text or a list of messages, found {other}"))),
    }
}

/// Reads the answer of a Responses API object: the `output_text` of its messages. Reasoning and tool calls are not
/// judged. Without any text the answer is empty.
fn output_text(response: &Value, at: &str) -> Result<String, Problem> {
    let Some(Value::Array(output)) = response.get("output") else {
        return Err(Problem::at(format!("{at}/output"), "expected a Responses API object with a list `output`"));
    };
    let messages = output.iter().filter(|item| item.get("type").and_then(Value::as_str) == Some("message"));
    let parts = messages.filter_map(|message| message.get("content").and_then(Value::as_array)).flatten();
    let texts = parts.filter(|part| part.get("type").and_then(Value::as_str) == Some("output_text"));
    Ok(texts.filter_map(|part| part.get("text").and_then(Value::as_str)).collect())
}

/// The key of a group that the caller does not name, the same for all rollouts of a prompt. Like Gym's own server it
/// uses the task's index or the prompt's id, and the prompt itself.
fn cohort_key(task: Option<i64>, prompt: Option<&str>, messages: &[Turn], principle: Option<&str>) -> String {
    let content = json!([messages, principle]).to_string();
    let digest = Sha256::digest(content.as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    match (task, prompt) {
        (Some(task), _) => format!("task:{task}:{digest}"),
        (None, Some(prompt)) => format!("prompt:{prompt}:{digest}"),
        (None, None) => digest,
    }
}

/// Gym's own names for what went wrong.
fn failure_kind(failure: &Unscored, in_cohort: bool) -> &'static str {
    match failure.problem.kind {
        ProblemKind::Timeout if in_cohort => "cohort_incomplete",
        ProblemKind::Internal => "verifier_error",
        _ => "judge_failed",
    }
}
