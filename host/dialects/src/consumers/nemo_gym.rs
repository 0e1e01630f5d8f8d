//! NeMo Gym's resources server: `POST /verify` for a rollout, `POST /compare` for the rollouts of a prompt.
//!
//! `/verify` returns the request with `reward` and `reward_components`, which sum to it: a score for each criterion, and what the
//! policy made of them. A rollout that could not be judged is a 200 with `_ng_failure_class` and the floor as a placeholder, which
//! Gym routes to its failures file, and with `mask_sample`, at the top for Gym's agents and in `instance_config`, where NeMo-RL
//! reads it. `/compare` has no place for that and fails with 503, like Gym's own server.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::ask::{Ask, Turn};
use crate::asked::Asked;
use crate::cohort::{cohort, short};
use crate::config::Dialect;
use crate::conversation::{content, references_under, turns};
use crate::endpoint::{DialectEndpoint, ErrorForm, schema};
use crate::json::{parse, view};
use crate::outcome::{AskOutcome, Unscored};
use crate::problem::{Problem, ProblemKind};
use crate::request::{Url, shown_value};
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
const STALE: [&str; 5] =
    ["_ng_failure_class", "_ng_failure_judge_error", "failure_kind", "failure_reason", "reward_components"];

/// Whether a rollout is left out of training, and the object in which NeMo-RL looks for that.
const MASK: &str = "mask_sample";
const INSTANCE: &str = "instance_config";

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
    /// An id of any JSON kind.
    #[serde(default)]
    prompt_id: Option<Value>,
    /// An index, or an id of any JSON kind.
    #[serde(default, rename = "_ng_task_index")]
    task_index: Option<Value>,
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
    let mut messages = turns(&request.responses_create_params.input, "/responses_create_params/input")?;
    if let Some(instructions) = request.responses_create_params.instructions.filter(|text| !text.is_empty()) {
        messages.insert(0, Turn { role: "system".to_owned(), content: instructions });
    }
    let key = || {
        Some(cohort_key(
            request.task_index.as_ref(),
            request.prompt_id.as_ref(),
            &messages,
            request.principle.as_deref(),
        ))
    };
    let cohort = cohort(&body, "", url, key)?;
    let Value::Object(fields) = body else { return Err(Problem::at("", "expected an object")) };
    let mut metadata = request.verifier_metadata.unwrap_or_default();
    metadata.extend(request.principle.map(|principle| ("principle".to_owned(), Value::String(principle))));
    let in_cohort = cohort.is_some();
    let mut references = references_under(&REFERENCE, &fields, "")?;
    if references.is_empty() {
        references = references_under(&REFERENCE, &metadata, "/verifier_metadata")?;
    }
    let ask = Ask {
        messages,
        responses: vec![output_text(&request.response, "/response")?],
        references,
        metadata,
        cohort,
        ..dialects.ask(Dialect::NemoGym, url, None)
    };
    let floor = dialects.config.floors.nemo_gym;
    Ok(Asked::one(ask, move |outcome| verified(fields, outcome, in_cohort, floor)))
}

/// Adds the reward to the request.
fn verified(
    mut reply: Map<String, Value>,
    outcome: &AskOutcome,
    in_cohort: bool,
    floor: f64,
) -> Result<Value, Problem> {
    // What an earlier verification masked is verified anew; what an agent masked stays so.
    let was_judged = reply.contains_key("_ng_failure_class");
    let instance = reply.get(INSTANCE).and_then(Value::as_object).cloned().unwrap_or_default();
    let masked_by_agent = [instance.get(MASK), reply.get(MASK)].contains(&Some(&Value::Bool(true)));
    for field in STALE {
        reply.shift_remove(field);
    }
    mask(&mut reply, instance.clone(), masked_by_agent && !was_judged);
    let reward = match outcome.score(0) {
        Ok(score) => score,
        Err(failure) if failure.is_the_requests() => return Err(failure.problem),
        Err(failure) => {
            let kind = failure_kind(&failure, in_cohort);
            let reason = format!("{}: {}", failure.kind, failure.problem.detail);
            mask(&mut reply, instance, true);
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

/// Says whether a rollout is left out of training, to Gym's agents and to NeMo-RL.
fn mask(reply: &mut Map<String, Value>, mut instance: Map<String, Value>, masked: bool) {
    reply.insert(MASK.to_owned(), masked.into());
    instance.insert(MASK.to_owned(), masked.into());
    reply.insert(INSTANCE.to_owned(), instance.into());
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
    conversation_history: Value,
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

/// Items of a response that hold no answer: what was thought, and what tools were asked and gave.
const NO_ANSWERS: [&str; 3] = ["reasoning", "function_call", "function_call_output"];

/// Reads the answer of a Responses API object: the texts of its messages, joined. Reasoning and tools are not judged. Without any
/// message the answer is empty: the policy gave none.
///
/// A message may lack its type, and its content may be one text. An item that is neither a message nor one of the known others
/// is refused: whether it is an answer is anybody's guess.
fn output_text(response: &Value, at: &str) -> Result<String, Problem> {
    let Some(Value::Array(output)) = response.get("output") else {
        return Err(Problem::at(format!("{at}/output"), "expected a Responses API object with a list `output`"));
    };
    let mut answer = String::new();
    for (index, item) in output.iter().enumerate() {
        let at = format!("{at}/output/{index}");
        let kind = item.get("type").and_then(Value::as_str);
        let role = item.get("role").and_then(Value::as_str);
        match (kind, role, item.get("content")) {
            // What tools and others say in a rollout of several turns.
            (Some("message") | None, Some("user" | "system" | "developer" | "tool"), _) => {}
            (Some("message") | None, _, Some(Value::Null)) => {}
            (Some("message") | None, _, Some(said)) => answer.push_str(&content(said, &format!("{at}/content"))?),
            (Some(kind), _, None)
                if NO_ANSWERS.contains(&kind) || kind.ends_with("_call") || kind.ends_with("_call_output") => {}
            (Some(kind), _, _) if NO_ANSWERS.contains(&kind) => {}
            (kind, ..) => {
                let found = kind
                    .map_or_else(|| "an item without type and content".to_owned(), |kind| format!("the type {kind:?}"));
                let detail = format!(
                    "expected a message with `content`, reasoning, or a call of a tool or its output, found {found}"
                );
                return Err(Problem::at(at, detail));
            }
        }
    }
    Ok(answer)
}

/// The key of a group that the caller does not name, the same for all rollouts of a prompt. Like Gym's own server it
/// uses the task's index or the prompt's id, and the prompt itself.
fn cohort_key(task: Option<&Value>, prompt: Option<&Value>, messages: &[Turn], principle: Option<&str>) -> String {
    let (task, prompt) = (task.and_then(shown_value), prompt.and_then(shown_value));
    let content = json!([messages, principle]).to_string();
    let digest = Sha256::digest(content.as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    short(match (task, prompt) {
        (Some(task), _) => format!("task:{task}:{digest}"),
        (None, Some(prompt)) => format!("prompt:{prompt}:{digest}"),
        (None, None) => digest,
    })
}

/// Gym's own names for what went wrong.
fn failure_kind(failure: &Unscored, in_cohort: bool) -> &'static str {
    match failure.problem.kind {
        ProblemKind::Timeout if in_cohort => "cohort_incomplete",
        ProblemKind::Internal => "verifier_error",
        _ => "judge_failed",
    }
}
