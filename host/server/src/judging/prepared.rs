//! Turns an ask into a task that can be judged.

use std::sync::Arc;

use rewarden_dialects::{Ask, Cohort, Problem, ProblemKind, SamplingWishes, Turn};
use rewarden_judge::{PartName, Setting};
use rewarden_types::{Message, Role, Task};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::judging::fingerprint;
use crate::live::{Changes, PackVersion};
use crate::settings::{SamplingField, ServerLimits};

/// The most bytes of a cohort's key, and of a task's id that runs have as it is.
const NAME_BYTES: usize = 200;

/// A task with the version that judges it.
pub(crate) struct PreparedTask<V = PackVersion> {
    pub(crate) version: Arc<V>,
    pub(crate) task: Task,
    /// What the client calls the task.
    pub(crate) id: Option<Value>,
    /// The ask's own settings, to compare the members of a cohort.
    pub(crate) changes: Changes,
}

/// An ask that is within the operator's limits, as a task.
pub(crate) struct CheckedAsk {
    /// What the client calls the task.
    pub(crate) id: Option<Value>,
    pub(crate) task: Task,
    pub(crate) changes: Changes,
}

/// Checks an ask against the operator's limits, all but its pack.
pub(crate) fn check(ask: Ask, limits: &ServerLimits) -> Result<CheckedAsk, Problem> {
    let changes = changes(&ask, limits)?;
    let Ask { id, messages, responses, references, mut metadata, cohort, .. } = ask;
    if let Some(cohort) = &cohort {
        check_cohort(cohort, responses.len())?;
    }
    let messages = conversation(messages)?;
    if responses.is_empty() {
        return Err(Problem::at("/responses", "is empty; expected at least one response"));
    }
    if responses.len() > limits.responses {
        let detail = format!(
            "holds {} responses; this server takes up to {} (--max-responses)",
            responses.len(),
            limits.responses
        );
        return Err(Problem::at("/responses", detail));
    }
    let reference = Task::keep_references(references, &mut metadata)
        .map_err(|error| Problem::at("/reference", error.to_string()))?;
    let mut task = Task {
        id: String::new(),
        messages: messages.into(),
        responses: responses.into_iter().map(Arc::from).collect(),
        reference,
        preferred: None,
        metadata,
    };
    task.id = fingerprint::stored_id(id.as_ref().map(readable).as_deref(), &fingerprint::of(&task));
    Ok(CheckedAsk { id, task, changes })
}

fn conversation(turns: Vec<Turn>) -> Result<Vec<Message>, Problem> {
    let Some(last) = turns.len().checked_sub(1) else {
        return Err(Problem::at("/messages", "is empty; expected at least the user's query"));
    };
    let mut messages = Vec::with_capacity(turns.len());
    for (index, Turn { role, content }) in turns.into_iter().enumerate() {
        let role = match role.as_str() {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            other => {
                let detail = format!("expected `system`, `user` or `assistant`, found `{}`", cut(other));
                return Err(Problem::at(format!("/messages/{index}/role"), detail));
            }
        };
        if index == last && role != Role::User {
            let detail = "expected the last turn to be the user's: the responses answer it";
            return Err(Problem::at(format!("/messages/{index}/role"), detail));
        }
        messages.push(Message { role, content });
    }
    Ok(messages)
}

fn check_cohort(cohort: &Cohort, responses: usize) -> Result<(), Problem> {
    check_name("/cohort/key", &cohort.key)?;
    if cohort.size == 0 {
        return Err(Problem::at("/cohort/size", "expected at least 1, found 0"));
    }
    if responses != 1 {
        let detail = format!("expected one response in each member of a cohort, found {responses}");
        return Err(Problem::at("/responses", detail));
    }
    Ok(())
}

/// An id as runs and logs call it. Any id is taken, and one that is long or would move a terminal is called by its digest.
fn readable(id: &Value) -> String {
    let text = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    if is_name(&text) {
        return text;
    }
    let digest = Sha256::digest(text.as_bytes());
    format!("id-{}", fingerprint::hex(digest.get(..16).unwrap_or_default()))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES && !text.chars().any(char::is_control)
}

/// Checks a key, since it ends up in runs, logs and results.
fn check_name(pointer: &str, name: &str) -> Result<(), Problem> {
    if !is_name(name) {
        let detail = format!("expected 1 to {NAME_BYTES} bytes without control characters, found `{}`", cut(name));
        return Err(Problem::at(pointer, detail));
    }
    Ok(())
}

fn changes(ask: &Ask, limits: &ServerLimits) -> Result<Changes, Problem> {
    let SamplingWishes { temperature, top_p, max_tokens, seed } = ask.sampling;
    let asked = [
        (SamplingField::Temperature, temperature.is_some()),
        (SamplingField::TopP, top_p.is_some()),
        (SamplingField::MaxTokens, max_tokens.is_some()),
        (SamplingField::Seed, seed.is_some()),
    ];
    let forbidden_field = |(field, asked): &(SamplingField, bool)| *asked && !limits.allow_sampling.contains(field);
    if let Some((field, _)) = asked.into_iter().find(forbidden_field) {
        let allowed = limits.allow_sampling.iter().map(|field| field.name()).collect::<Vec<_>>();
        return Err(forbidden(format!("/sampling/{}", field.name()), "a request may set", &allowed));
    }
    if let Some(found) = temperature.filter(|t| !(t.is_finite() && *t >= 0.0)) {
        return Err(Problem::at("/sampling/temperature", format!("expected a number of at least 0, found {found}")));
    }
    if let Some(found) = top_p.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
        return Err(Problem::at("/sampling/top_p", format!("expected a number above 0 and at most 1, found {found}")));
    }
    if let Some(found) = max_tokens.filter(|&tokens| tokens == 0 || tokens > limits.new_tokens) {
        let detail = format!(
            "expected 1 to {}, the most that this server allows (--max-new-tokens), found {found}",
            limits.new_tokens
        );
        return Err(Problem::at("/sampling/max_tokens", detail));
    }
    let mut set = Vec::with_capacity(ask.set.len());
    for (path, value) in &ask.set {
        set.push(setting(path, value, limits)?);
    }
    // Sorted, so that the same changes are the same version.
    set.sort_by_key(Setting::to_string);
    Ok(Changes { sampling: ask.sampling, set })
}

fn setting(path: &str, value: &Value, limits: &ServerLimits) -> Result<Setting, Problem> {
    let pointer = || format!("/set/{}", path.replace('~', "~0").replace('/', "~1"));
    let (part, key) = path.rsplit_once('.').filter(|(_, key)| !key.is_empty()).ok_or_else(|| {
        Problem::at(pointer(), "expected a key such as `policy.k`: the part and its configuration's key")
    })?;
    let part: PartName = part.parse().map_err(|error: String| Problem::at(pointer(), error))?;
    if !limits.allow_set.iter().any(|(allowed, name)| *allowed == part && name == key) {
        let allowed: Vec<String> = limits.allow_set.iter().map(|(part, key)| format!("{part}.{key}")).collect();
        let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
        return Err(forbidden(pointer(), "a request may set", &allowed));
    }
    if part == PartName::Policy && key == "k" && value.as_u64().is_none_or(|k| k == 0 || k > u64::from(limits.k)) {
        let detail = format!(
            "expected a whole number from 1 to {}, the most that this server allows (--max-k), found {value}",
            limits.k
        );
        return Err(Problem::at(pointer(), detail));
    }
    Ok(Setting { part, key: key.to_owned(), value: value.clone() })
}

fn forbidden(pointer: String, what: &str, allowed: &[&str]) -> Problem {
    let allowed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
    let detail = format!("not allowed by this server's operator; {what} {allowed}");
    Problem { pointer: Some(pointer), ..Problem::new(ProblemKind::Forbidden, detail) }
}

/// The beginning of a text, enough to recognise it.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(60)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask() -> Ask {
        Ask {
            messages: vec![Turn { role: "user".into(), content: "q".into() }],
            responses: vec!["a".into()],
            ..Ask::default()
        }
    }

    fn problem(change: impl FnOnce(&mut Ask)) -> (ProblemKind, String) {
        let mut ask = ask();
        change(&mut ask);
        let problem = check(ask, &ServerLimits::default()).err().unwrap();
        (problem.kind, problem.pointer.unwrap_or_default())
    }

    #[test]
    fn an_id_of_any_kind_and_length_is_taken_and_runs_have_a_readable_one() {
        let checked = |id: Value| check(Ask { id: Some(id), ..ask() }, &ServerLimits::default()).unwrap();
        for (id, begins) in [
            (Value::from("a"), "a-"),
            (7.into(), "7-"),
            (serde_json::json!([1, "b"]), "[1,\"b\"]-"),
            ("\u{1b}[31m".into(), "id-"),
            ("x".repeat(5000).into(), "id-"),
            ("".into(), "id-"),
        ] {
            let CheckedAsk { id: kept, task, .. } = checked(id.clone());
            assert_eq!(kept, Some(id));
            assert!(task.id.starts_with(begins) && task.id.len() < 60, "{}", task.id);
        }
        assert_ne!(checked("x".repeat(5000).into()).task.id, checked("x".repeat(5001).into()).task.id);
    }

    #[test]
    fn every_field_that_is_wrong_is_named_by_its_pointer() {
        use ProblemKind::{Forbidden, InvalidRequest};

        assert!(check(ask(), &ServerLimits::default()).is_ok());
        assert_eq!(problem(|ask| ask.messages.clear()), (InvalidRequest, "/messages".into()));
        assert_eq!(problem(|ask| ask.messages[0].role = "tool".into()), (InvalidRequest, "/messages/0/role".into()));
        assert_eq!(
            problem(|ask| ask.messages[0].role = "assistant".into()),
            (InvalidRequest, "/messages/0/role".into())
        );
        assert_eq!(problem(|ask| ask.responses.clear()), (InvalidRequest, "/responses".into()));
        assert_eq!(problem(|ask| ask.sampling.temperature = Some(-1.0)).1, "/sampling/temperature");
        assert_eq!(problem(|ask| ask.sampling.max_tokens = Some(1 << 20)).1, "/sampling/max_tokens");
        assert_eq!(problem(|ask| ask.sampling.seed = Some(1)), (Forbidden, "/sampling/seed".into()));
        assert_eq!(
            problem(|ask| ask.set.push(("policy.k".into(), 65.into()))),
            (InvalidRequest, "/set/policy.k".into())
        );
        assert_eq!(problem(|ask| ask.set.push(("policy.aggregate".into(), "mean".into()))).0, Forbidden);
        let cohort = Cohort { key: "g".into(), size: 0, deadline: None };
        assert_eq!(problem(|ask| ask.cohort = Some(cohort)), (InvalidRequest, "/cohort/size".into()));
    }
}
