//! Ids as rows have them.

use serde_json::Value;

/// Returns the text that stands for an id of any JSON kind: a text itself, and anything else as `written`, its JSON in the
/// row, so that `1e30` stays `1e30`. `None` for null and an empty text, which name nothing.
pub fn id_text(value: &Value, written: &str) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        _ => Some(written.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_stays_as_it_was_written() {
        assert_eq!(id_text(&json!("a"), "\"a\"").as_deref(), Some("a"));
        assert_eq!(id_text(&json!(1e30), " 1e30").as_deref(), Some("1e30"));
        assert_eq!(id_text(&json!([1]), "[1 ]").as_deref(), Some("[1 ]"));
        assert_eq!(id_text(&json!(false), "false").as_deref(), Some("false"));
        assert_eq!(id_text(&json!(null), "null"), None);
        assert_eq!(id_text(&json!(""), "\"\""), None);
    }
}
