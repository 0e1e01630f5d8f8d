//! A value that no text of a task can be made of.

use serde_json::Value;

/// A value that no text of a task can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct UnreadableValue {
    /// The JSON pointer of the value at fault, from the pointer that the caller gave.
    pub pointer: String,
    /// What was expected, what was found, and what to do.
    pub detail: String,
}

impl UnreadableValue {
    pub(crate) fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }

    pub(crate) fn expected(pointer: impl Into<String>, expected: &str, found: &Value) -> Self {
        Self::new(pointer, format!("expected {expected}, found {}", kind(found)))
    }
}

/// What a value is, in a few words, whatever its size.
pub(crate) fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.is_empty() => "an empty text".to_owned(),
        Value::String(text) => format!("the text `{}`", crate::shown_within(text, 40)),
        Value::Array(entries) => format!("a list of {}", entries.len()),
        Value::Object(fields) if fields.is_empty() => "an object without fields".to_owned(),
        Value::Object(fields) => {
            let names: Vec<String> = fields.keys().take(5).map(|name| crate::shown_within(name, 30)).collect();
            let more = if fields.len() > names.len() { " and others" } else { "" };
            format!("an object with {}{more}", names.join(", "))
        }
    }
}
