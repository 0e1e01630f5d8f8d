//! Integers in JSON that no 64 bits hold.
//!
//! The JSON library reads them as the nearest float: two ids become one, and metadata changes, without a word.

/// An integer of a row that would be rounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rounded {
    /// Path of its field, such as `metadata.of[1]`.
    pub field: String,
    /// What is wrong, in words.
    pub message: String,
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// The first integer beyond 64 bits in a JSON text that is known to be whole.
pub fn rounded_integer(json: &str) -> Option<Rounded> {
    let mut path: Vec<Step<'_>> = Vec::new();
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => {
                let length = string_length(rest);
                let (string, after) = rest.split_at_checked(length)?;
                if after.trim_start().starts_with(':')
                    && let Some(step @ Step::Key(_)) = path.last_mut()
                {
                    *step = Step::Key(string.trim_matches('"'));
                }
                length
            }
            '-' | '0'..='9' => {
                let length = rest.find(|c: char| !matches!(c, '+' | '-' | '.' | 'e' | 'E' | '0'..='9'));
                let number = rest.get(..length.unwrap_or(rest.len()))?;
                let is_integer = !number.contains(['.', 'e', 'E']);
                if is_integer && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
                    let message =
                        format!("expected an integer of 64 bits, found {number}; write it as a string to keep it");
                    return Some(Rounded { field: shown(&path), message });
                }
                number.len()
            }
            other => {
                match other {
                    '{' => path.push(Step::Key("")),
                    '[' => path.push(Step::Index(0)),
                    '}' | ']' => drop(path.pop()),
                    ',' => {
                        if let Some(Step::Index(index)) = path.last_mut() {
                            *index += 1;
                        }
                    }
                    _ => {}
                }
                other.len_utf8()
            }
        };
        rest = rest.get(length..)?;
    }
    None
}

/// Bytes of the string that a text begins with, with both quotes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

fn shown(path: &[Step<'_>]) -> String {
    let mut shown = String::new();
    for step in path {
        match step {
            Step::Key(key) if shown.is_empty() => shown.push_str(key),
            Step::Key(key) => shown += &format!(".{key}"),
            Step::Index(index) => shown += &format!("[{index}]"),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_beyond_64_bits_is_found_by_its_field_and_nothing_else_is() {
        let field = |json| rounded_integer(json).map(|rounded| rounded.field);
        assert_eq!(field(r#"{"id": 18446744073709551616}"#).as_deref(), Some("id"));
        assert_eq!(
            field(r#"{"a": "x", "metadata": {"of\"": 1, "n": [1, {"k": [-9223372036854775809]}]}}"#).as_deref(),
            Some("metadata.n[1].k[0]")
        );
        for exact in [
            r#"{"id": 18446744073709551615, "n": -9223372036854775808}"#,
            r#"{"id": "18446744073709551616", "18446744073709551616": "a \\"}"#,
            r#"{"x": 1e30, "y": 123456789012345678901234567890.5}"#,
        ] {
            assert_eq!(field(exact), None, "{exact}");
        }
    }
}
