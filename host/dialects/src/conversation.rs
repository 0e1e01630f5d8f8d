//! Conversations as the consumers write them.

use serde_json::Value;

use crate::ask::Turn;
use crate::problem::Problem;

/// Reads a list of messages, each `{role, content}` with a content of text or of text parts. `at` is the list's JSON
/// pointer.
///
/// `developer` is read as `system`. There must be at least one message; the last is the one that is answered.
pub(crate) fn turns(messages: &[Value], at: &str) -> Result<Vec<Turn>, Problem> {
    if messages.is_empty() {
        return Err(Problem::at(at, "expected at least one message, found none"));
    }
    messages.iter().enumerate().map(|(index, message)| turn(message, &format!("{at}/{index}"))).collect()
}

fn turn(message: &Value, at: &str) -> Result<Turn, Problem> {
    let field = |name: &str| message.get(name).ok_or_else(|| missing(at, name, message));
    let role = field("role")?;
    let role = match role.as_str() {
        Some("system" | "developer") => "system",
        Some("user") => "user",
        Some("assistant") => "assistant",
        _ => {
            let detail =
                format!("expected system, developer, user or assistant, found {role}; other turns are not judged");
            return Err(Problem::at(format!("{at}/role"), detail));
        }
    };
    Ok(Turn { role: role.to_owned(), content: content(field("content")?, &format!("{at}/content"))? })
}

fn missing(at: &str, name: &str, message: &Value) -> Problem {
    let kind = message.get("type").and_then(Value::as_str);
    let found = kind.map_or_else(|| "a value without it".to_owned(), |kind| format!("a {kind} item"));
    Problem::at(format!("{at}/{name}"), format!("expected a message with `role` and `content`, found {found}"))
}

/// Reads a content: a text, or parts that are all text.
pub(crate) fn content(content: &Value, at: &str) -> Result<String, Problem> {
    match content {
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => {
            parts.iter().enumerate().map(|(index, part)| part_text(part, &format!("{at}/{index}"))).collect()
        }
        Value::Object(_) => part_text(content, at).map(str::to_owned),
        other => Err(Problem::at(at, format!("expected a text or a list of text parts, found {other}"))),
    }
}

fn part_text<'p>(part: &'p Value, at: &str) -> Result<&'p str, Problem> {
    let text = part.as_str().or_else(|| part.get("text").and_then(Value::as_str));
    text.ok_or_else(|| Problem::at(at, "expected a part with `text`; images, audio and files are not judged"))
}

/// A conversation of one user turn.
pub(crate) fn question(text: impl Into<String>) -> Vec<Turn> {
    vec![Turn { role: "user".to_owned(), content: text.into() }]
}
