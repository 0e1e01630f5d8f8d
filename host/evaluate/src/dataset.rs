//! Rows of the benchmarks' own files as rows of Rewarden's task format.
//!
//! A mapped row is `{id, prompt, responses, preferred, metadata}`. Where several responses are right, `preferred`
//! would name only one of them: `metadata.correct` lists them all instead. Chosen responses come first, as in the
//! files; a pack that is to be measured without position bias shuffles or swaps them. Fields that the mapping does not
//! use are kept in the metadata.
//!
//! | benchmark | fields that are needed | added to the metadata |
//! |---|---|---|
//! | RewardBench | `id`, `prompt`, `chosen`, `rejected`, `subset` | – |
//! | RewardBench 2 | `id`, `prompt`, `chosen` (list), `rejected` (list), `subset`; `num_correct` where there is one | `correct` |
//! | JudgeBench | `pair_id`, `question`, `response_A`, `response_B`, `label`, `source` | `subset`: the category |
//! | RM-Bench | `id`, `prompt`, `chosen` (list of 3), `rejected` (list of 3), `domain` | `correct`, `subset`: the domain |
//!
//! Ids of RewardBench and RM-Bench are numbered within parts of the files: they become `SUBSET/ID`.

use serde_json::{Map, Value, json};

use crate::Protocol;
use crate::protocol::{judge_bench, rm_bench};

/// Why a row is not one of the benchmark's. The caller knows the file and the line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}` of a {protocol} row: expected {expected}, found {found}")]
pub struct MapError {
    /// Whose row it should be.
    pub protocol: Protocol,
    /// Path of the field at fault, such as `chosen[1]`.
    pub field: String,
    /// What it should hold.
    pub expected: String,
    /// What it holds.
    pub found: String,
}

/// Maps a row of a benchmark's own file to a row of Rewarden's task format.
///
/// # Errors
///
/// When a field that the benchmark has is missing or holds something else.
pub fn map_row(protocol: Protocol, row: Map<String, Value>) -> Result<Map<String, Value>, MapError> {
    let mut row = Row { protocol, row };
    match protocol {
        Protocol::RewardBench => row.reward_bench(),
        Protocol::RewardBench2 => row.reward_bench_2(),
        Protocol::JudgeBench => row.judge_bench(),
        Protocol::RmBench => row.rm_bench(),
    }
}

struct Row {
    protocol: Protocol,
    row: Map<String, Value>,
}

/// The parts of a task; what else the row has becomes metadata.
struct Parts {
    id: String,
    prompt: Value,
    responses: Vec<String>,
    /// How many responses are right, if they come first; else which one is.
    right: Right,
}

enum Right {
    First(usize),
    One(usize),
}

impl Row {
    fn reward_bench(&mut self) -> Result<Map<String, Value>, MapError> {
        let (id, subset) = (self.id("id")?, self.text("subset")?);
        let prompt = self.prompt("prompt")?;
        let responses = vec![self.take_text("chosen")?, self.take_text("rejected")?];
        Ok(self.task(Parts { id: format!("{subset}/{id}"), prompt, responses, right: Right::One(0) }, []))
    }

    fn reward_bench_2(&mut self) -> Result<Map<String, Value>, MapError> {
        let id = self.id("id")?;
        self.text("subset")?;
        let prompt = self.prompt("prompt")?;
        let (chosen, rejected) = (self.take_texts("chosen")?, self.take_texts("rejected")?);
        let right = chosen.len();
        if let Some(stated) = self.row.get("num_correct").filter(|value| value.as_u64() != Some(right as u64)) {
            let expected = format!("the {right} that `chosen` holds");
            return Err(self.error("num_correct", &expected, stated.to_string()));
        }
        let responses = chosen.into_iter().chain(rejected).collect();
        Ok(self.task(Parts { id, prompt, responses, right: Right::First(right) }, []))
    }

    fn judge_bench(&mut self) -> Result<Map<String, Value>, MapError> {
        let id = self.id("pair_id")?;
        let source = self.text("source")?;
        let category = judge_bench::category(&source).ok_or_else(|| {
            let expected = format!("a source that begins with one of {}", judge_bench::expected_sources());
            self.error("source", &expected, format!("`{source}`"))
        })?;
        let prompt = self.prompt("question")?;
        let responses = vec![self.take_text("response_A")?, self.take_text("response_B")?];
        let preferred = match self.take_text("label")?.as_str() {
            // The benchmark's judges may write a strong preference, which it reads as a plain one.
            "A>B" | "A>>B" => 0,
            "B>A" | "B>>A" => 1,
            other => return Err(self.error("label", "`A>B` or `B>A`", format!("`{other}`"))),
        };
        let parts = Parts { id, prompt, responses, right: Right::One(preferred) };
        Ok(self.task(parts, [("subset", json!(category))]))
    }

    fn rm_bench(&mut self) -> Result<Map<String, Value>, MapError> {
        let (id, domain) = (self.id("id")?, self.text("domain")?);
        if !rm_bench::DOMAINS.contains(&domain.as_str()) {
            let expected = format!("one of {}", rm_bench::DOMAINS.join(", "));
            return Err(self.error("domain", &expected, format!("`{domain}`")));
        }
        let prompt = self.prompt("prompt")?;
        let mut responses = Vec::new();
        for field in ["chosen", "rejected"] {
            let texts = self.take_texts(field)?;
            if texts.len() != 3 {
                let expected = "3 responses: concise, detailed, detailed with markdown";
                return Err(self.error(field, expected, texts.len().to_string()));
            }
            responses.extend(texts);
        }
        let parts = Parts { id: format!("{domain}/{id}"), prompt, responses, right: Right::First(3) };
        Ok(self.task(parts, [("subset", json!(domain))]))
    }

    fn task<const N: usize>(&mut self, parts: Parts, added: [(&str, Value); N]) -> Map<String, Value> {
        let mut metadata = std::mem::take(&mut self.row);
        metadata.extend(added.map(|(key, value)| (key.to_owned(), value)));
        let mut task = Map::new();
        task.insert("id".into(), json!(parts.id));
        // The task format takes a text as `prompt` and turns as `messages`.
        let prompt = if parts.prompt.is_array() { "messages" } else { "prompt" };
        task.insert(prompt.into(), parts.prompt);
        task.insert("responses".into(), json!(parts.responses));
        match parts.right {
            Right::One(index) => task.insert("preferred".into(), json!(index)),
            Right::First(1) => task.insert("preferred".into(), json!(0)),
            Right::First(right) => metadata.insert("correct".into(), json!((0..right).collect::<Vec<_>>())),
        };
        task.insert("metadata".into(), Value::Object(metadata));
        task
    }

    fn error(&self, field: &str, expected: &str, found: String) -> MapError {
        MapError { protocol: self.protocol, field: field.to_owned(), expected: expected.to_owned(), found }
    }

    fn take(&mut self, field: &str) -> Value {
        self.row.shift_remove(field).unwrap_or(Value::Null)
    }

    fn id(&mut self, field: &str) -> Result<String, MapError> {
        match self.take(field) {
            Value::String(id) if !id.is_empty() => Ok(id),
            Value::Number(id) => Ok(id.to_string()),
            other => Err(self.error(field, "a non-empty string or a number", describe(&other))),
        }
    }

    /// A text, or a conversation as {role, content}, which the task format checks turn by turn.
    fn prompt(&mut self, field: &str) -> Result<Value, MapError> {
        match self.take(field) {
            value @ (Value::String(_) | Value::Array(_)) => Ok(value),
            other => Err(self.error(field, "a string or a list of {role, content}", describe(&other))),
        }
    }

    /// A text that also stays in the metadata.
    fn text(&self, field: &str) -> Result<String, MapError> {
        match self.row.get(field) {
            Some(Value::String(text)) => Ok(text.clone()),
            other => Err(self.error(field, "a string", other.map_or_else(|| describe(&Value::Null), describe))),
        }
    }

    fn take_text(&mut self, field: &str) -> Result<String, MapError> {
        match self.take(field) {
            Value::String(text) => Ok(text),
            other => Err(self.error(field, "a string", describe(&other))),
        }
    }

    fn take_texts(&mut self, field: &str) -> Result<Vec<String>, MapError> {
        let items = match self.take(field) {
            Value::Array(items) if !items.is_empty() => items,
            Value::Array(_) => return Err(self.error(field, "at least one string", "an empty list".into())),
            other => return Err(self.error(field, "a list of strings", describe(&other))),
        };
        let text = |(index, item)| match item {
            Value::String(text) => Ok(text),
            other => Err(self.error(&format!("{field}[{index}]"), "a string", describe(&other))),
        };
        items.into_iter().enumerate().map(text).collect()
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) if text.is_empty() => "an empty string".into(),
        Value::String(_) => "a string".into(),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(protocol: Protocol, row: Value) -> Result<Value, MapError> {
        let Value::Object(row) = row else { panic!("a row is an object") };
        map_row(protocol, row).map(Value::Object)
    }

    #[test]
    fn a_rewardbench_row() {
        let row = json!({
            "prompt": "Name a prime.", "chosen": "7", "chosen_model": "m1", "rejected": "8",
            "rejected_model": "m2", "subset": "math-prm", "id": 12
        });
        let expected = json!({
            "id": "math-prm/12", "prompt": "Name a prime.", "responses": ["7", "8"], "preferred": 0,
            "metadata": {"chosen_model": "m1", "rejected_model": "m2", "subset": "math-prm"}
        });
        assert_eq!(map(Protocol::RewardBench, row), Ok(expected));
    }

    #[test]
    fn a_rewardbench_2_row_with_one_right_response() {
        let row = json!({
            "id": "31", "prompt": "2+2?", "chosen": ["4"], "rejected": ["3", "5", "22"], "num_correct": 1,
            "num_rejected": 3, "total_completions": 4, "models": ["a", "b", "c", "d"], "subset": "Math"
        });
        let expected = json!({
            "id": "31", "prompt": "2+2?", "responses": ["4", "3", "5", "22"], "preferred": 0,
            "metadata": {"num_correct": 1, "num_rejected": 3, "total_completions": 4,
                         "models": ["a", "b", "c", "d"], "subset": "Math"}
        });
        assert_eq!(map(Protocol::RewardBench2, row), Ok(expected));
    }

    #[test]
    fn a_rewardbench_2_row_with_several_right_responses_keeps_its_id_and_names_none_preferred() {
        let row = json!({
            "id": "tied:4", "prompt": "Name a primary colour.", "chosen": ["Red", "Blue"], "rejected": ["Beige"],
            "num_correct": 2, "subset": "Ties"
        });
        let expected = json!({
            "id": "tied:4", "prompt": "Name a primary colour.", "responses": ["Red", "Blue", "Beige"],
            "metadata": {"num_correct": 2, "subset": "Ties", "correct": [0, 1]}
        });
        assert_eq!(map(Protocol::RewardBench2, row), Ok(expected));
    }

    #[test]
    fn a_judgebench_row() {
        let row = json!({
            "pair_id": "p-1", "original_id": "77", "source": "mmlu-pro-law", "question": "Which?",
            "response_model": "m", "response_A": "This.", "response_B": "That.", "label": "B>A"
        });
        let expected = json!({
            "id": "p-1", "prompt": "Which?", "responses": ["This.", "That."], "preferred": 1,
            "metadata": {"original_id": "77", "source": "mmlu-pro-law", "response_model": "m", "subset": "knowledge"}
        });
        assert_eq!(map(Protocol::JudgeBench, row), Ok(expected));
    }

    #[test]
    fn an_rm_bench_row() {
        let row = json!({
            "id": 5, "prompt": "Hello?", "chosen": ["c0", "c1", "c2"], "rejected": ["r0", "r1", "r2"],
            "domain": "safety-refuse"
        });
        let expected = json!({
            "id": "safety-refuse/5", "prompt": "Hello?", "responses": ["c0", "c1", "c2", "r0", "r1", "r2"],
            "metadata": {"domain": "safety-refuse", "subset": "safety-refuse", "correct": [0, 1, 2]}
        });
        assert_eq!(map(Protocol::RmBench, row), Ok(expected));
    }

    #[test]
    fn a_conversation_becomes_messages() {
        let turns = json!([{"role": "user", "content": "Hi"}]);
        let row = json!({"id": 1, "prompt": turns, "chosen": "a", "rejected": "b", "subset": "hep-go"});
        let mapped = map(Protocol::RewardBench, row).unwrap();
        assert_eq!((&mapped["messages"], mapped.get("prompt")), (&turns, None));
    }

    #[test]
    fn an_error_names_the_field_what_was_expected_and_what_was_found() {
        let message = |protocol, row| map(protocol, row).unwrap_err().to_string();
        assert_eq!(
            message(Protocol::RewardBench, json!({"id": 1, "subset": "s", "prompt": "p", "chosen": ["c"]})),
            "field `chosen` of a rewardbench row: expected a string, found a list"
        );
        assert_eq!(
            message(Protocol::RewardBench2, json!({"id": 1, "subset": "s", "prompt": "p", "chosen": ["c", 2]})),
            "field `chosen[1]` of a rewardbench-2 row: expected a string, found 2"
        );
        let row = json!({"id": 1, "subset": "s", "prompt": "p", "chosen": ["c"], "rejected": ["r"], "num_correct": 2});
        assert_eq!(
            message(Protocol::RewardBench2, row),
            "field `num_correct` of a rewardbench-2 row: expected the 1 that `chosen` holds, found 2"
        );
        let row = json!({"pair_id": "p", "source": "mmlu-pro-law", "question": "q", "response_A": "a",
                         "response_B": "b", "label": "A=B"});
        assert_eq!(
            message(Protocol::JudgeBench, row),
            "field `label` of a judgebench row: expected `A>B` or `B>A`, found `A=B`"
        );
        assert_eq!(
            message(Protocol::JudgeBench, json!({"question": "q"})),
            "field `pair_id` of a judgebench row: expected a non-empty string or a number, found nothing"
        );
        let row = json!({"id": 1, "prompt": "p", "chosen": ["c"], "rejected": [], "domain": "chat"});
        assert_eq!(
            message(Protocol::RmBench, row),
            "field `chosen` of a rm-bench row: expected 3 responses: concise, detailed, detailed with markdown, \
             found 1"
        );
        let row = json!({"id": 1, "prompt": "p", "domain": "poetry"});
        assert_eq!(
            message(Protocol::RmBench, row),
            "field `domain` of a rm-bench row: expected one of chat, code, math, safety-refuse, safety-response, \
             found `poetry`"
        );
    }
}
