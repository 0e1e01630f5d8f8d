//! A string or number in a field of JSON, wherever the JSON stands.

/// The last value of the field, as its text without quotes; none where the text has no such field with a string or a
/// number. The text need not be JSON as a whole.
pub(crate) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let key = format!("\"{name}\"");
    text.rmatch_indices(&key).find_map(|(at, _)| {
        let value = text.get(at + key.len()..)?.trim_start().strip_prefix(':')?.trim_start();
        match value.strip_prefix('"') {
            Some(string) => string.split_once('"').map(|(value, _)| value),
            None => {
                let length = value.bytes().take_while(u8::is_ascii_digit).count();
                (length > 0).then(|| value.get(..length))?
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_the_field_is_found_in_and_around_other_text() {
        assert_eq!(field(r#"{"choice": "A"}"#, "choice"), Some("A"));
        assert_eq!(field("```json\n{\"why\": \"x\",\n \"choice\" : 2}\n```", "choice"), Some("2"));
        assert_eq!(field(r#"{"choice": "A"} no, {"choice": "B"}"#, "choice"), Some("B"));
        assert_eq!(field(r#"{"why": "a \"choice\": \"A\""}"#, "choice"), None);
    }

    #[test]
    fn what_is_no_string_or_number_is_no_value() {
        for text in ["", "choice: A", r#"{"choice": null}"#, r#"{"choice": "A"#, r#"{"choice"}"#, r#"{"choices": "A"}"#]
        {
            assert_eq!(field(text, "choice"), None, "{text}");
        }
    }
}
