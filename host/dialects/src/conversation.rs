//! Conversations as the consumers write them, read as everywhere.

use rewarden_input::ForeignTurn;
use serde_json::Value;

use crate::ask::Turn;
use crate::problem::Problem;

impl From<ForeignTurn> for Turn {
    fn from(ForeignTurn { role, content }: ForeignTurn) -> Self {
        Self { role: role.name().to_owned(), content }
    }
}

/// Reads a conversation: a text or a list of messages. `at` is its JSON pointer. The last turn is the one that is answered.
pub(crate) fn turns(conversation: &Value, at: &str) -> Result<Vec<Turn>, Problem> {
    Ok(rewarden_input::turns(conversation, at)?.into_iter().map(Turn::from).collect())
}

/// Reads a content: a text, or parts that are all text.
pub(crate) fn content(content: &Value, at: &str) -> Result<String, Problem> {
    Ok(rewarden_input::content(content, at)?)
}

/// Reads a ground truth: the texts of which any one counts.
pub(crate) fn references(label: Option<&Value>, at: &str) -> Result<Vec<String>, Problem> {
    Ok(rewarden_input::references(label.unwrap_or(&Value::Null), at)?)
}

/// Reads the ground truth under the first of these names that an object has one under. `at` is the object's JSON pointer.
pub(crate) fn references_under(
    names: &[&str],
    object: &serde_json::Map<String, Value>,
    at: &str,
) -> Result<Vec<String>, Problem> {
    for name in names {
        let texts = references(object.get(*name), &format!("{at}/{name}"))?;
        if !texts.is_empty() {
            return Ok(texts);
        }
    }
    Ok(Vec::new())
}

/// A conversation of one user turn.
pub(crate) fn question(text: impl Into<String>) -> Vec<Turn> {
    vec![Turn { role: "user".to_owned(), content: text.into() }]
}
