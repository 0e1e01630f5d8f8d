//! Conversations, with tools and without, and completions that are conversations.

use serde_json::Value;

use crate::content::content;
use crate::unreadable::{UnreadableValue, kind};

/// Who says a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignRole {
    /// The operator.
    System,
    /// The one who asks; a tool, too.
    User,
    /// The model.
    Assistant,
}

impl ForeignRole {
    /// `system`, `user` or `assistant`.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// A turn, as a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignTurn {
    /// Who says it.
    pub role: ForeignRole,
    /// What is said.
    pub content: String,
}

/// What a policy wrote in answer to a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForeignCompletion {
    /// The turns before the answer: calls of tools, what came back, earlier exchanges.
    pub before: Vec<ForeignTurn>,
    /// The answer. Empty if the completion ends without one.
    pub answer: String,
}

/// Returns the turns of a conversation: a list of `{role, content}`, or one text, which is the user's.
///
/// `developer` is read as `system`. A result of a tool (`tool`, `function`, or an item `function_call_output` of OpenAI's
/// Responses API) is a turn of the user's that says so, and calls of tools stand behind the text of their turn, which may then
/// be null or missing. Items of reasoning are left out.
///
/// # Errors
///
/// There is no turn, or one has another role or no text. `at` is the JSON pointer of the value.
pub fn turns(value: &Value, at: &str) -> Result<Vec<ForeignTurn>, UnreadableValue> {
    match value {
        Value::String(text) => Ok(vec![ForeignTurn { role: ForeignRole::User, content: text.clone() }]),
        Value::Array(messages) => {
            let turns = said(messages, at)?;
            if turns.is_empty() {
                return Err(UnreadableValue::new(at, "expected at least one message, found none"));
            }
            Ok(turns)
        }
        other => Err(UnreadableValue::expected(at, "a text or a list of messages", other)),
    }
}

/// Returns a completion: a text, parts of one, or a list of turns, of which the assistant's last ones are the answer.
///
/// # Errors
///
/// It is none of these. `at` is the JSON pointer of the value.
pub fn completion(value: &Value, at: &str) -> Result<ForeignCompletion, UnreadableValue> {
    let messages = match value {
        Value::Array(entries) if entries.iter().any(is_message) => entries,
        value => return Ok(ForeignCompletion { before: Vec::new(), answer: content(value, at)? }),
    };
    let mut before = said(messages, at)?;
    let mut answer: Vec<String> = Vec::new();
    while let Some(last) = before.pop_if(|turn| turn.role == ForeignRole::Assistant) {
        answer.push(last.content);
    }
    answer.retain(|text| !text.is_empty());
    answer.reverse();
    Ok(ForeignCompletion { before, answer: answer.join("\n\n") })
}

/// Returns the answers of a task's responses, each a [`completion`], and puts the turns before them behind the conversation.
///
/// # Errors
///
/// A response cannot be read, or two of them have other turns before their answers: those answer different conversations and are
/// tasks of their own. `at` is the JSON pointer of the list.
pub fn answers(
    conversation: &mut Vec<ForeignTurn>,
    responses: &[Value],
    at: &str,
) -> Result<Vec<String>, UnreadableValue> {
    let mut answers = Vec::with_capacity(responses.len());
    let mut shared: Option<Vec<ForeignTurn>> = None;
    for (index, response) in responses.iter().enumerate() {
        let pointer = format!("{at}/{index}");
        let ForeignCompletion { before, answer } = completion(response, &pointer)?;
        match &shared {
            Some(shared) if *shared != before => {
                let detail = "expected the turns before the answer to be those of the other responses; give it a task of its own";
                return Err(UnreadableValue::new(pointer, detail));
            }
            Some(_) => {}
            None => shared = Some(before),
        }
        answers.push(answer);
    }
    conversation.extend(shared.unwrap_or_default());
    Ok(answers)
}

/// Whether an entry of a list is a turn and no part of a text.
fn is_message(entry: &Value) -> bool {
    entry.get("role").is_some() || entry.get("content").is_some() || item_type(entry).is_some_and(is_item)
}

fn item_type(message: &Value) -> Option<&str> {
    message.get("type").and_then(Value::as_str)
}

fn is_item(name: &str) -> bool {
    matches!(name, "message" | "reasoning" | "function_call" | "function_call_output")
}

fn said(messages: &[Value], at: &str) -> Result<Vec<ForeignTurn>, UnreadableValue> {
    let places = messages.iter().enumerate();
    places.filter_map(|(index, message)| turn(message, &format!("{at}/{index}")).transpose()).collect()
}

/// One turn; `None` for an item of reasoning.
fn turn(message: &Value, at: &str) -> Result<Option<ForeignTurn>, UnreadableValue> {
    let made = |role, content| Ok(Some(ForeignTurn { role, content }));
    match item_type(message) {
        Some("reasoning") => return Ok(None),
        Some("function_call") => return made(ForeignRole::Assistant, call(message, at)?),
        Some("function_call_output") => {
            let output = required(message, "output", at)?;
            return made(ForeignRole::User, result(message, &content(output, &format!("{at}/output"))?));
        }
        _ => {}
    }
    let role = required(message, "role", at)?;
    let text = || content(required(message, "content", at)?, &format!("{at}/content"));
    match role.as_str() {
        Some("system" | "developer") => made(ForeignRole::System, text()?),
        Some("user") => made(ForeignRole::User, text()?),
        Some("tool" | "function") => {
            // A tool that gives nothing back says nothing.
            let said = if is_null(message, "content") { String::new() } else { text()? };
            made(ForeignRole::User, result(message, &said))
        }
        Some("assistant") => {
            let calls = calls(message, at)?;
            // Null and nothing are what servers send beside calls of tools, and for a turn that is empty.
            let mut said = if is_null(message, "content") { refusal(message).to_owned() } else { text()? };
            for call in calls {
                if !said.is_empty() {
                    said.push('\n');
                }
                said.push_str(&call);
            }
            made(ForeignRole::Assistant, said)
        }
        _ => {
            let detail = format!(
                "expected system, developer, user, assistant, tool or function, found {}; other turns are not judged",
                kind(role)
            );
            Err(UnreadableValue::new(format!("{at}/role"), detail))
        }
    }
}

fn required<'m>(message: &'m Value, name: &str, at: &str) -> Result<&'m Value, UnreadableValue> {
    message.get(name).ok_or_else(|| {
        let found = item_type(message)
            .map_or_else(|| kind(message), |name| format!("a {} item", crate::shown_within(name, 40)));
        let detail = format!("expected a message with `role` and `content`, found {found}");
        UnreadableValue::new(format!("{at}/{name}"), detail)
    })
}

fn is_null(message: &Value, name: &str) -> bool {
    message.get(name).is_none_or(Value::is_null)
}

fn refusal(message: &Value) -> &str {
    message.get("refusal").and_then(Value::as_str).unwrap_or_default()
}

/// The calls of tools of a turn, as texts.
fn calls(message: &Value, at: &str) -> Result<Vec<String>, UnreadableValue> {
    match message.get("tool_calls") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(calls)) => {
            let places = calls.iter().enumerate();
            places
                .map(|(index, one)| call(one.get("function").unwrap_or(one), &format!("{at}/tool_calls/{index}")))
                .collect()
        }
        Some(other) => Err(UnreadableValue::expected(format!("{at}/tool_calls"), "a list of calls", other)),
    }
}

fn call(function: &Value, at: &str) -> Result<String, UnreadableValue> {
    let Some(name) = function.get("name").and_then(Value::as_str) else {
        return Err(UnreadableValue::expected(at, "a call with the `name` of a tool", function));
    };
    Ok(match function.get("arguments") {
        None | Some(Value::Null) => format!("[call of {name}]"),
        Some(Value::String(arguments)) => format!("[call of {name}: {arguments}]"),
        Some(arguments) => format!("[call of {name}: {arguments}]"),
    })
}

fn result(message: &Value, text: &str) -> String {
    match message.get("name").and_then(Value::as_str) {
        Some(name) => format!("[result of {name}]\n{text}"),
        None => format!("[result of a tool]\n{text}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(turns: &[ForeignTurn]) -> Vec<(&'static str, &str)> {
        turns.iter().map(|turn| (turn.role.name(), turn.content.as_str())).collect()
    }

    #[test]
    fn a_text_is_the_user_s_and_messages_are_turns() {
        assert_eq!(texts(&turns(&json!("2+2?"), "").unwrap()), [("user", "2+2?")]);
        let value = json!([
            { "role": "developer", "content": "Be brief." },
            { "role": "user", "content": [{ "type": "text", "text": "2" }, { "type": "text", "text": "+2?" }] },
        ]);
        assert_eq!(texts(&turns(&value, "").unwrap()), [("system", "Be brief."), ("user", "2+2?")]);
    }

    #[test]
    fn calls_of_tools_and_their_results_are_turns_whatever_stands_for_the_missing_text() {
        let call = json!([{ "type": "function", "function": { "name": "multiply", "arguments": { "a": 12 } } }]);
        for message in [
            json!({ "role": "assistant", "content": null, "tool_calls": call }),
            json!({ "role": "assistant", "content": "", "tool_calls": call }),
            json!({ "role": "assistant", "tool_calls": call }),
            json!({ "type": "function_call", "name": "multiply", "arguments": "{\"a\":12}" }),
        ] {
            let read = completion(
                &json!([message, { "role": "tool", "name": "multiply", "content": "144" }, { "role": "assistant", "content": "It is 144." }]),
                "",
            );
            let read = read.unwrap();
            assert_eq!(read.answer, "It is 144.");
            let before = [("assistant", "[call of multiply: {\"a\":12}]"), ("user", "[result of multiply]\n144")];
            assert_eq!(texts(&read.before), before);
        }
    }

    #[test]
    fn an_answer_is_what_the_assistant_said_last() {
        let answer = |value: Value| completion(&value, "").unwrap().answer;
        assert_eq!(answer(json!("4")), "4");
        assert_eq!(answer(json!([{ "type": "text", "text": "4" }])), "4");
        assert_eq!(answer(json!([])), "");
        assert_eq!(answer(json!([{ "role": "assistant", "content": null }])), "");
        let twice = json!([{ "role": "assistant", "content": "First." }, { "role": "assistant", "content": "Then." }]);
        assert_eq!(answer(twice), "First.\n\nThen.");
        let cut = json!([{ "role": "assistant", "content": "Let me see." }, { "role": "tool", "content": null }]);
        let cut = completion(&cut, "").unwrap();
        assert_eq!((cut.answer.as_str(), cut.before.len()), ("", 2));
        let thought =
            json!([{ "type": "reasoning", "summary": [] }, { "type": "message", "role": "assistant", "content": "4" }]);
        assert_eq!(answer(thought), "4");
    }

    #[test]
    fn responses_that_share_their_turns_are_one_task_and_others_are_told() {
        let with_tool = |result: &str, answer: &str| json!([{ "role": "tool", "name": "f", "content": result }, { "role": "assistant", "content": answer }]);
        let mut asked = turns(&json!("q"), "").unwrap();
        let read = answers(&mut asked, &[with_tool("1", "a"), with_tool("1", "b")], "/responses").unwrap();
        assert_eq!(read, ["a", "b"]);
        assert_eq!(texts(&asked), [("user", "q"), ("user", "[result of f]\n1")]);
        for other in [with_tool("2", "b"), json!("b")] {
            let error = answers(&mut asked.clone(), &[with_tool("1", "a"), other], "/responses").unwrap_err();
            assert_eq!(error.pointer, "/responses/1");
        }
    }

    #[test]
    fn what_is_no_turn_is_named_by_its_place() {
        for (value, pointer, found) in [
            (json!([]), "/m", "found none"),
            (json!(null), "/m", "found null"),
            (json!([{ "role": "robot", "content": "x" }]), "/m/0/role", "the text `robot`"),
            (json!([{ "role": "user", "content": null }]), "/m/0/content", "found null"),
            (json!([{ "role": "user" }]), "/m/0/content", "an object with role"),
            (json!([{ "type": "computer_call" }]), "/m/0/role", "a computer_call item"),
            (json!([{ "role": "assistant", "tool_calls": [{}] }]), "/m/0/tool_calls/0", "an object without fields"),
        ] {
            let error = turns(&value, "/m").unwrap_err();
            assert_eq!(error.pointer, pointer);
            assert!(error.detail.contains(found), "{error}");
        }
    }
}
