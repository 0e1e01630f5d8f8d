//! Task rows: the JSON that people have, in the two shapes that they have it in.

use std::sync::Arc;

use rewarden_types::{Message, Role, Task, rounded_integer, strict_json};
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
pub fn parse_row(line: u64, text: &str) -> Result<Task, RowError> {
    let mut reader = Reader { line, id: None };
    let value: Value =
        strict_json::value(text).map_err(|error| reader.error(None, format!("expected a JSON object: {error}")))?;
    if let Some(rounded) = rounded_integer(text) {
        return Err(reader.error(Some(&rounded.field), rounded.message));
    }
    let Value::Object(mut row) = value else {
        return Err(reader.error(None, format!("expected a JSON object, found {}", kind(&value))));
    };
    let id = match row.shift_remove("id") {
        None | Some(Value::Null) => format!("line-{line}"),
        Some(Value::String(id)) if !id.is_empty() => id,
        Some(Value::Number(id)) if !id.is_f64() || id.as_f64().is_some_and(|id| id.abs() < LARGEST_FRACTION) => {
            id.to_string()
        }
        Some(Value::Number(id)) => {
            let message =
                format!("expected a string or a whole number of at most 64 bits, found one that reads as {id}");
            return Err(reader.error(Some("id"), message));
        }
        Some(other) => {
            return Err(
                reader.error(Some("id"), format!("expected a non-empty string or a number, found {}", kind(&other)))
            );
        }
    };
    reader.id = Some(id.clone());
    reader.task(id, row)
}

/// From here on a number that is read as a fraction may stand for several that were written: 2^53.
const LARGEST_FRACTION: f64 = 9_007_199_254_740_992.0;

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
            let messages = conversation
                .ok_or_else(|| self.error(None, "has neither `prompt` nor `messages`; one of them is needed".into()))?;
            let responses = match row.shift_remove("responses") {
                Some(Value::Array(items)) => self.strings("responses", items)?,
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
        let reference = match row.shift_remove("reference") {
            None | Some(Value::Null) => None,
            Some(Value::String(reference)) => Some(reference),
            Some(other) => return Err(self.expected("reference", "a string", &other)),
        };
        let mut metadata = match row.shift_remove("metadata") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(metadata)) => metadata,
            Some(other) => return Err(self.expected("metadata", "an object", &other)),
        };
        for (key, value) in row {
            metadata.entry(key).or_insert(value);
        }
        Ok(Task {
            id,
            messages: messages.into(),
            responses: responses.into_iter().map(Arc::from).collect(),
            reference: reference.map(Arc::from),
            preferred,
            metadata,
        })
    }

    /// The conversation of `prompt` or `messages`, if the row has one.
    fn conversation(&self, row: &mut Map<String, Value>) -> Result<Option<Vec<Message>>, RowError> {
        let prompt = row.shift_remove("prompt").filter(|value| !value.is_null());
        let messages = row.shift_remove("messages").filter(|value| !value.is_null());
        match (prompt, messages) {
            (Some(_), Some(_)) => Err(self.error(None, "has both `prompt` and `messages`; give one of them".into())),
            (Some(Value::String(content)), None) => Ok(Some(vec![Message { role: Role::User, content }])),
            // TRL and others put the conversation under `prompt`.
            (Some(Value::Array(turns)), None) => self.messages("prompt", turns).map(Some),
            (Some(other), None) => Err(self.expected("prompt", "a string", &other)),
            (None, Some(Value::Array(turns))) => self.messages("messages", turns).map(Some),
            (None, Some(other)) => Err(self.expected("messages", "a list of {role, content}", &other)),
            (None, None) => Ok(None),
        }
    }

    fn messages(&self, field: &str, turns: Vec<Value>) -> Result<Vec<Message>, RowError> {
        if turns.is_empty() {
            return Err(self.error(Some(field), "is empty; expected at least the user's query".into()));
        }
        turns.into_iter().enumerate().map(|(index, turn)| self.message(&format!("{field}[{index}]"), turn)).collect()
    }

    fn message(&self, field: &str, turn: Value) -> Result<Message, RowError> {
        let Value::Object(mut turn) = turn else {
            return Err(self.expected(field, "an object {role, content}", &turn));
        };
        let role = match turn.shift_remove("role") {
            Some(Value::String(role)) => match role.as_str() {
                "system" | "developer" => Role::System,
                "user" => Role::User,
                "assistant" => Role::Assistant,
                other => {
                    let message = format!("expected `system`, `user` or `assistant`, found `{other}`");
                    return Err(self.error(Some(&format!("{field}.role")), message));
                }
            },
            other => return Err(self.expected(&format!("{field}.role"), "a string", &other.unwrap_or_default())),
        };
        match turn.shift_remove("content") {
            Some(Value::String(content)) => Ok(Message { role, content }),
            other => Err(self.expected(&format!("{field}.content"), "a string", &other.unwrap_or_default())),
        }
    }

    fn strings(&self, field: &str, items: Vec<Value>) -> Result<Vec<String>, RowError> {
        let string = |(index, item)| match item {
            Value::String(text) => Ok(text),
            other => Err(self.expected(&format!("{field}[{index}]"), "a string", &other)),
        };
        items.into_iter().enumerate().map(string).collect()
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
        conversation: Option<Vec<Message>>,
        row: &mut Map<String, Value>,
    ) -> Result<(Vec<Message>, Vec<String>), RowError> {
        let mut take = |field: &str| {
            row.shift_remove(field)
                .ok_or_else(|| self.error(Some(field), "is missing; a pair has `chosen` and `rejected`".into()))
        };
        let (chosen, rejected) = (take("chosen")?, take("rejected")?);
        let rejected = match rejected {
            Value::Array(items) if items.iter().all(Value::is_string) => {
                self.strings("rejected", items)?.into_iter().map(|text| (None, text)).collect()
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
    fn candidate(&self, field: &str, value: Value) -> Result<(Option<Vec<Message>>, String), RowError> {
        match value {
            Value::String(text) => Ok((None, text)),
            Value::Array(turns) => {
                let mut messages = self.messages(field, turns)?;
                match messages.pop() {
                    Some(Message { role: Role::Assistant, content }) => {
                        Ok(((!messages.is_empty()).then_some(messages), content))
                    }
                    _ => Err(self.error(Some(field), "expected its last turn to be the assistant's".into())),
                }
            }
            other => Err(self.expected(field, "a string or a list of {role, content}", &other)),
        }
    }

    fn check_last_turn(&self, messages: &[Message]) -> Result<(), RowError> {
        match messages.last() {
            Some(Message { role: Role::User, .. }) => Ok(()),
            _ => Err(self.error(
                Some("messages"),
                "expected the last turn to be the user's: it is what the responses answer".into(),
            )),
        }
    }
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
        assert_eq!((field.as_deref(), message.as_str()), (Some("responses[1]"), "expected a string, found a number"));
        let (field, message) = error(r#"{"prompt": "q", "responses": ["a"], "preferred": 1}"#);
        assert_eq!(field.as_deref(), Some("preferred"));
        assert_eq!(message, "expected the index of a response, 0 to 0, found 1");
        assert_eq!(error(r#"{"responses": ["a"]}"#).0, None);
        let (field, _) = error(r#"{"messages": [{"role": "robot", "content": "x"}], "responses": ["a"]}"#);
        assert_eq!(field.as_deref(), Some("messages[0].role"));
        let (field, _) = error(r#"{"messages": [{"role": "assistant", "content": "x"}], "responses": ["a"]}"#);
        assert_eq!(field.as_deref(), Some("messages"));
        assert_eq!(error(r#"{"prompt": "q", "chosen": "a"}"#).0.as_deref(), Some("rejected"));
        assert_eq!(error(r#"{"prompt": "\ud800", "responses": ["a"]}"#).0, None);
    }

    #[test]
    fn an_id_that_reads_as_another_number_is_refused() {
        let id =
            |id: &str| parse_row(1, &format!(r#"{{"id": {id}, "prompt": "q", "responses": ["a"]}}"#)).map(|t| t.id);
        assert_eq!(id("18446744073709551615").unwrap(), "18446744073709551615");
        assert_eq!(id("1.5").unwrap(), "1.5");
        let refused = id("1e30").unwrap_err();
        assert_eq!(refused.field.as_deref(), Some("id"));
        assert!(refused.message.starts_with("expected a string or a whole number of at most 64 bits"), "{refused}");
        let refused = id("123456789012345678901234567890").unwrap_err();
        assert_eq!(refused.field.as_deref(), Some("id"));
        assert!(refused.message.starts_with("expected an integer of 64 bits"), "{refused}");
    }

    #[test]
    fn an_error_about_a_row_carries_its_id_where_it_has_one() {
        let error = parse_row(1, r#"{"id": "x", "prompt": "q"}"#).unwrap_err();
        assert_eq!(error.id.as_deref(), Some("x"));
        assert!(error.to_string().starts_with("line 1, field `responses`: is missing"));
    }
}
