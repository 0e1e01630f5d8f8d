//! Task rows: the JSON that people have, in the two shapes that they have it in.

use std::sync::Arc;

use rewarden_input::{ForeignRole, ForeignTurn, UnreadableValue, answers, id_text, mended, references, turns};
use rewarden_types::{Message, Role, Task, strict_json};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Why a row is not a task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {message}", field.as_deref().map(|field| format!(", field `{field}`")).unwrap_or_default())]
pub struct RowError {
    /// 1-based line in the file.
    pub line: u64,
    /// The row's id, when it has a readable one.
    pub id: Option<String>,
    /// Path of the field at fault, such as `responses[1]`; `None` if the row as a whole is.
    pub field: Option<String>,
    /// What was expected and what was found.
    pub message: String,
}

/// Reads one row.
///
/// Either `{id?, prompt | messages, responses, reference?, preferred?, metadata?}`, or a preference pair
/// `{prompt, chosen, rejected}`, whose `chosen` becomes response 0 and `preferred`; `rejected` may be a list. `chosen`
/// and `rejected` may also be whole conversations that share everything but their last turn; `prompt` may be missing
/// then. A row without an id is called `line-N`. Fields that are not named here join the metadata.
///
/// What texts and turns may look like is up to [`rewarden_input`], as everywhere.
pub fn parse_row(line: u64, text: &str) -> Result<Task, RowError> {
    let mut reader = Reader { line, id: None };
    let not_json = |reader: &Reader, error: String| reader.error(None, format!("expected a JSON object: {error}"));
    let written = mended(text.as_bytes());
    let written = std::str::from_utf8(&written).map_err(|error| not_json(&reader, error.to_string()))?;
    let value: Value = strict_json::value(written).map_err(|error| not_json(&reader, error))?;
    let Value::Object(mut row) = value else {
        return Err(reader.error(None, format!("expected a JSON object, found {}", kind(&value))));
    };
    let id = match row.shift_remove("id") {
        None | Some(Value::Null) => format!("line-{line}"),
        Some(id) => id_text(&id, &written_id(written))
            .ok_or_else(|| reader.error(Some("id"), "expected an id, found an empty string".to_owned()))?,
    };
    reader.id = Some(id.clone());
    reader.task(id, row)
}

/// The id of a row as it stands there, in JSON.
fn written_id(row: &str) -> String {
    #[derive(Deserialize)]
    struct Id<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
    }

    let read: Result<Id<'_>, _> = serde_json::from_str(row);
    read.ok().and_then(|row| row.id).map(|id| id.get().to_owned()).unwrap_or_default()
}

struct Reader {
    line: u64,
    id: Option<String>,
}

impl Reader {
    fn error(&self, field: Option<&str>, message: String) -> RowError {
        RowError { line: self.line, id: self.id.clone(), field: field.map(str::to_owned), message }
    }

    fn expected(&self, field: &str, expected: &str, found: &Value) -> RowError {
        self.error(Some(field), format!("expected {expected}, found {}", kind(found)))
    }

    fn task(&self, id: String, mut row: Map<String, Value>) -> Result<Task, RowError> {
        let pair = !row.contains_key("responses") && (row.contains_key("chosen") || row.contains_key("rejected"));
        let conversation = self.conversation(&mut row)?;
        let (messages, responses, preferred) = if pair {
            let (messages, responses) = self.pair(conversation, &mut row)?;
            (messages, responses, Some(0))
        } else {
            let mut messages = conversation
                .ok_or_else(|| self.error(None, "has neither `prompt` nor `messages`; one of them is needed".into()))?;
            let responses = match row.shift_remove("responses") {
                Some(Value::Array(items)) => {
                    answers(&mut messages, &items, "").map_err(|error| self.unreadable("responses", error))?
                }
                Some(other) => return Err(self.expected("responses", "a list of strings", &other)),
                None => {
                    return Err(self.error(
                        Some("responses"),
                        "is missing; expected a list of strings (or `chosen` and `rejected`)".into(),
                    ));
                }
            };
            let preferred = self.preferred(&mut row, responses.len())?;
            (messages, responses, preferred)
        };
        if responses.is_empty() {
            return Err(self.error(Some("responses"), "is empty; expected at least one response".into()));
        }
        self.check_last_turn(&messages)?;
        let reference = row.shift_remove("reference").unwrap_or_default();
        let reference = references(&reference, "").map_err(|error| self.unreadable("reference", error))?;
        let mut metadata = match row.shift_remove("metadata") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(metadata)) => metadata,
            Some(other) => return Err(self.expected("metadata", "an object", &other)),
        };
        for (key, value) in row {
            metadata.entry(key).or_insert(value);
        }
        let reference = Task::keep_references(reference, &mut metadata)
            .map_err(|error| self.error(Some("reference"), error.to_string()))?;
        Ok(Task {
            id,
            messages: messages.into_iter().map(message).collect(),
            responses: responses.into_iter().map(Arc::from).collect(),
            reference,
            preferred,
            metadata,
        })
    }

    /// The conversation of `prompt` or `messages`, if the row has one.
    fn conversation(&self, row: &mut Map<String, Value>) -> Result<Option<Vec<ForeignTurn>>, RowError> {
        let prompt = row.shift_remove("prompt").filter(|value| !value.is_null());
        let messages = row.shift_remove("messages").filter(|value| !value.is_null());
        match (prompt, messages) {
            (Some(_), Some(_)) => Err(self.error(None, "has both `prompt` and `messages`; give one of them".into())),
            // TRL and others put the conversation under `prompt`.
            (Some(prompt), None) => self.turns("prompt", &prompt).map(Some),
            (None, Some(messages @ Value::Array(_))) => self.turns("messages", &messages).map(Some),
            (None, Some(other)) => Err(self.expected("messages", "a list of {role, content}", &other)),
            (None, None) => Ok(None),
        }
    }

    fn turns(&self, field: &str, value: &Value) -> Result<Vec<ForeignTurn>, RowError> {
        turns(value, "").map_err(|error| self.unreadable(field, error))
    }

    /// What is wrong inside a field. The pointer of the error is relative to the field.
    fn unreadable(&self, field: &str, error: UnreadableValue) -> RowError {
        let mut path = field.to_owned();
        for step in error.pointer.split('/').skip(1) {
            let is_index = !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
            path += &if is_index { format!("[{step}]") } else { format!(".{step}") };
        }
        self.error(Some(&path), error.detail)
    }

    fn preferred(&self, row: &mut Map<String, Value>, responses: usize) -> Result<Option<usize>, RowError> {
        let value = match row.shift_remove("preferred") {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => value,
        };
        let index = value.as_u64().and_then(|index| usize::try_from(index).ok()).filter(|&index| index < responses);
        match index {
            Some(index) => Ok(Some(index)),
            None => Err(self.error(
                Some("preferred"),
                format!("expected the index of a response, 0 to {}, found {value}", responses.saturating_sub(1)),
            )),
        }
    }

    fn pair(
        &self,
        conversation: Option<Vec<ForeignTurn>>,
        row: &mut Map<String, Value>,
    ) -> Result<(Vec<ForeignTurn>, Vec<String>), RowError> {
        let mut take = |field: &str| {
            row.shift_remove(field)
                .ok_or_else(|| self.error(Some(field), "is missing; a pair has `chosen` and `rejected`".into()))
        };
        let (chosen, rejected) = (take("chosen")?, take("rejected")?);
        let rejected = match rejected {
            Value::Array(items) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).map(|text| (None, text.to_owned())).collect()
            }
            other => vec![self.candidate("rejected", other)?],
        };
        let chosen = self.candidate("chosen", chosen)?;

        let mut messages = conversation;
        let mut responses = Vec::with_capacity(rejected.len() + 1);
        for (context, text) in std::iter::once(chosen).chain(rejected) {
            match (&messages, context) {
                (None, Some(context)) => messages = Some(context),
                // A prompt as plain text and a conversation that starts with it say the same thing twice.
                (Some(known), Some(context)) if context != *known && known.len() >= context.len() => {
                    let message = "`chosen` and `rejected` answer different conversations; expected them to differ \
                                   in their last turn only";
                    return Err(self.error(Some("rejected"), message.into()));
                }
                (Some(_), Some(context)) => messages = Some(context),
                (_, None) => {}
            }
            responses.push(text);
        }
        let messages = messages
            .ok_or_else(|| self.error(Some("prompt"), "is missing; expected the text that both answer".into()))?;
        Ok((messages, responses))
    }

    /// A side of a pair: its text, and the conversation before it where it holds one.
    fn candidate(&self, field: &str, value: Value) -> Result<(Option<Vec<ForeignTurn>>, String), RowError> {
        match value {
            Value::String(text) => Ok((None, text)),
            Value::Array(_) => {
                let mut messages = self.turns(field, &value)?;
                match messages.pop() {
                    Some(ForeignTurn { role: ForeignRole::Assistant, content }) => {
                        Ok(((!messages.is_empty()).then_some(messages), content))
                    }
                    _ => Err(self.error(Some(field), "expected its last turn to be the assistant's".into())),
                }
            }
            other => Err(self.expected(field, "a string or a list of {role, content}", &other)),
        }
    }

    fn check_last_turn(&self, messages: &[ForeignTurn]) -> Result<(), RowError> {
        match messages.last() {
            Some(ForeignTurn { role: ForeignRole::User, .. }) => Ok(()),
            _ => Err(self.error(
                Some("messages"),
                "expected the last turn to be the user's: it is what the responses answer".into(),
            )),
        }
    }
}

fn message(turn: ForeignTurn) -> Message {
    let role = match turn.role {
        ForeignRole::System => Role::System,
        ForeignRole::User => Role::User,
        ForeignRole::Assistant => Role::Assistant,
    };
    Message { role, content: turn.content }
}

/// What a JSON value is, for an error message.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(text) if text.is_empty() => "an empty string",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(task: &Task) -> Vec<&str> {
        task.responses.iter().map(AsRef::as_ref).collect()
    }

    fn user(content: &str) -> Message {
        Message { role: Role::User, content: content.into() }
    }

    fn error(text: &str) -> (Option<String>, String) {
        let error = parse_row(7, text).unwrap_err();
        assert_eq!(error.line, 7);
        (error.field, error.message)
    }

    #[test]
    fn a_row_with_a_prompt_and_responses_is_a_task() {
        let row = r#"{"id": 3, "prompt": "2+2?", "responses": ["4", "5"], "reference": "4", "preferred": 0,
            "metadata": {"subset": "maths"}, "source": "me"}"#;
        let task = parse_row(1, row).unwrap();
        assert_eq!(task.id, "3");
        assert_eq!(*task.messages, [user("2+2?")]);
        assert_eq!(texts(&task), ["4", "5"]);
        assert_eq!(task.reference.as_deref(), Some("4"));
        assert_eq!(task.preferred, Some(0));
        assert_eq!(Value::Object(task.metadata), serde_json::json!({"subset": "maths", "source": "me"}));
    }

    #[test]
    fn the_preferred_response_never_reaches_a_plugin() {
        let task = parse_row(1, r#"{"prompt": "q", "responses": ["a", "b"], "preferred": 1}"#).unwrap();
        assert!(!format!("{:?}", task.view()).contains("preferred"));
    }

    #[test]
    fn a_pair_prefers_what_was_chosen_in_all_its_usual_shapes() {
        let task = parse_row(1, r#"{"prompt": "q", "chosen": "a", "rejected": "b"}"#).unwrap();
        assert_eq!((texts(&task), task.preferred), (vec!["a", "b"], Some(0)));

        let several = parse_row(1, r#"{"prompt": "q", "chosen": "a", "rejected": ["b", "c"]}"#).unwrap();
        assert_eq!(texts(&several), ["a", "b", "c"]);

        let turns = r#"{"chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
            "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "b"}]}"#;
        let task = parse_row(1, turns).unwrap();
        assert_eq!(*task.messages, [user("q")]);
        assert_eq!(texts(&task), ["a", "b"]);
    }

    #[test]
    fn a_pair_about_two_conversations_is_an_error() {
        let turns = r#"{"chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
            "rejected": [{"role": "user", "content": "other"}, {"role": "assistant", "content": "b"}]}"#;
        assert_eq!(error(turns).0.as_deref(), Some("rejected"));
    }

    #[test]
    fn a_row_without_an_id_is_named_after_its_line() {
        assert_eq!(parse_row(12, r#"{"prompt": "q", "responses": ["a"]}"#).unwrap().id, "line-12");
    }

    #[test]
    fn what_is_wrong_with_a_row_names_the_field() {
        assert!(error("not json").1.starts_with("expected a JSON object"));
        assert_eq!(error("[1]").1, "expected a JSON object, found a list");
        assert_eq!(error(r#"{"prompt": "q"}"#).0.as_deref(), Some("responses"));
        assert_eq!(error(r#"{"prompt": "q", "responses": []}"#).0.as_deref(), Some("responses"));
        let (field, message) = error(r#"{"prompt": "q", "responses": ["a", 2]}"#);
        assert_eq!(
            (field.as_deref(), message.as_str()),
            (Some("responses[1]"), "expected a text or a list of text parts, found the number 2")
        );
        let (field, message) = error(r#"{"prompt": "q", "responses": ["a"], "preferred": 1}"#);
        assert_eq!(field.as_deref(), Some("preferred"));
        assert_eq!(message, "expected the index of a response, 0 to 0, found 1");
        assert_eq!(error(r#"{"responses": ["a"]}"#).0, None);
        let (field, _) = error(r#"{"messages": [{"role": "robot", "content": "x"}], "responses": ["a"]}"#);
        assert_eq!(field.as_deref(), Some("messages[0].role"));
        let (field, _) = error(r#"{"messages": [{"role": "assistant", "content": "x"}], "responses": ["a"]}"#);
        assert_eq!(field.as_deref(), Some("messages"));
        assert_eq!(error(r#"{"prompt": "q", "chosen": "a"}"#).0.as_deref(), Some("rejected"));
    }

    #[test]
    fn an_id_of_any_kind_and_length_stays_as_it_was_written() {
        let id =
            |id: &str| parse_row(1, &format!(r#"{{"id": {id}, "prompt": "q", "responses": ["a"]}}"#)).map(|t| t.id);
        let long = "x".repeat(5000);
        for (written, read) in [
            ("18446744073709551615", "18446744073709551615"),
            ("1.50", "1.50"),
            ("1e30", "1e30"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("true", "true"),
            ("[1, 2]", "[1, 2]"),
            (r#"{"a": 1}"#, r#"{"a": 1}"#),
            ("null", "line-1"),
            (&format!("\"{long}\""), &long),
        ] {
            assert_eq!(id(written).unwrap(), read);
        }
        assert_eq!(id("\"\"").unwrap_err().field.as_deref(), Some("id"));
    }

    #[test]
    fn what_json_libraries_write_and_json_does_not_have_is_read() {
        let row = r#"{"id": 7, "prompt": "q", "responses": ["4 \ud83d"], "reference": NaN, "x": [Infinity, 18446744073709551616]}"#;
        let task = parse_row(1, row).unwrap();
        assert_eq!((task.id.as_str(), texts(&task), &task.reference), ("7", vec!["4 \u{fffd}"], &None));
        assert_eq!(Value::Object(task.metadata), serde_json::json!({"x": [null, "18446744073709551616"]}));
    }

    #[test]
    fn references_of_all_kinds_contents_of_parts_and_turns_with_tools_are_read() {
        let row = r#"{"prompt": [{"role": "user", "content": [{"type": "text", "text": "2"}, {"type": "text", "text": "+2?"}]}],
            "responses": [[{"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "add"}}]},
            {"role": "tool", "name": "add", "content": "4"}, {"role": "assistant", "content": "4"}]], "reference": [4, "four"]}"#;
        let task = parse_row(1, row).unwrap();
        let called = Message { role: Role::Assistant, content: "[call of add]".into() };
        assert_eq!(*task.messages, [user("2+2?"), called, user("[result of add]\n4")]);
        assert_eq!(texts(&task), ["4"]);
        assert_eq!(task.references(), ["4".into(), "four".into()]);

        let (field, message) = error(r#"{"prompt": "q", "responses": ["a"], "reference": {"a": 1}}"#);
        assert_eq!(field.as_deref(), Some("reference"));
        assert!(message.ends_with("found an object with a"), "{message}");
        let image = r#"{"prompt": [{"role": "user", "content": [{"type": "image_url"}]}], "responses": ["a"]}"#;
        assert_eq!(error(image).0.as_deref(), Some("prompt[0].content[0]"));
        let taken = r#"{"prompt": "q", "responses": ["a"], "reference": ["a", "b"], "references": "mine"}"#;
        assert_eq!(error(taken).0.as_deref(), Some("reference"));
    }

    #[test]
    fn an_error_about_a_row_carries_its_id_where_it_has_one() {
        let error = parse_row(1, r#"{"id": "x", "prompt": "q"}"#).unwrap_err();
        assert_eq!(error.id.as_deref(), Some("x"));
        assert!(error.to_string().starts_with("line 1, field `responses`: is missing"));
    }
}
