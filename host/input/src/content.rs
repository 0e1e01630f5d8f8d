//! Contents of messages: texts, or parts.

use serde_json::Value;

use crate::unreadable::{UnreadableValue, kind};

/// Parts that hold what a model thought. They are no part of what it said.
const THINKING: [&str; 4] = ["thinking", "redacted_thinking", "reasoning", "reasoning_text"];

/// Returns the text of a content: a text, a part, or a list of parts, which are joined. A refusal is what was said; thinking is not.
///
/// # Errors
///
/// A part is a picture, a sound, a file or anything else that is not text, or the content is no content at all. `at` is the JSON
/// pointer of the content.
pub fn content(value: &Value, at: &str) -> Result<String, UnreadableValue> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => {
            parts.iter().enumerate().map(|(index, one)| part(one, &format!("{at}/{index}"))).collect()
        }
        Value::Object(_) => part(value, at).map(str::to_owned),
        other => Err(UnreadableValue::expected(at, "a text or a list of text parts", other)),
    }
}

fn part<'p>(part: &'p Value, at: &str) -> Result<&'p str, UnreadableValue> {
    let of = |name: &str| part.get(name).and_then(Value::as_str);
    let named = of("type");
    if named.is_some_and(|name| THINKING.contains(&name)) {
        return Ok("");
    }
    part.as_str().or_else(|| of("text")).or_else(|| of("refusal")).ok_or_else(|| {
        let found =
            named.map_or_else(|| kind(part), |name| format!("a part of type `{}`", crate::shown_within(name, 40)));
        let detail =
            format!("expected a text or a part with `text`, found {found}; images, audio and files are not judged");
        UnreadableValue::new(at, detail)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_of_text_are_joined_and_thinking_is_left_out() {
        for (value, text) in [
            (json!("a"), "a"),
            (json!(""), ""),
            (json!([]), ""),
            (json!([{ "type": "text", "text": "What is " }, { "type": "input_text", "text": "2+2?" }]), "What is 2+2?"),
            (json!(["a", { "text": "b" }]), "ab"),
            (json!({ "type": "text", "text": "a" }), "a"),
            (json!([{ "type": "thinking", "thinking": "\\boxed{3}" }, { "type": "text", "text": "4" }]), "4"),
            (json!([{ "type": "refusal", "refusal": "I cannot." }]), "I cannot."),
        ] {
            assert_eq!(content(&value, "").unwrap(), text, "{value}");
        }
    }

    #[test]
    fn what_is_no_text_is_named_by_its_place() {
        for (value, pointer, found) in [
            (
                json!([{ "type": "text", "text": "a" }, { "type": "image_url", "image_url": { "url": "data:," } }]),
                "/c/1",
                "found a part of type `image_url`; images",
            ),
            (json!([{ "text": null }]), "/c/0", "found an object with text;"),
            (json!(null), "/c", "found null"),
            (json!(4), "/c", "found the number 4"),
        ] {
            let error = content(&value, "/c").unwrap_err();
            assert_eq!(error.pointer, pointer);
            assert!(error.detail.contains(found), "{error}");
        }
    }
}
