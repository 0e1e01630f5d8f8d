//! Foreign text inside our own messages: names that a component chose, and wasmtime's words, which repeat such names.

/// Bytes of a name, or of a message, that are shown.
const SHOWN: usize = 200;

/// `text` on one line, without anything that a terminal would obey, and cut where it is long: after 200 bytes.
pub fn shown(text: &str) -> String {
    shown_within(text, SHOWN)
}

/// Returns the text as [`shown`] does, cut after so many bytes.
pub fn shown_within(text: &str, bytes: usize) -> String {
    let cut = text.get(..text.floor_char_boundary(bytes)).unwrap_or(text);
    let mut line = String::with_capacity(cut.len());
    for character in cut.chars() {
        match character {
            // Not what `escape_debug` would do with them: they are harmless, and messages are full of them.
            '\'' | '"' | '\\' => line.push(character),
            '\n' => line.push_str("; "),
            _ => line.extend(character.escape_debug()),
        }
    }
    if cut.len() < text.len() {
        line.push_str(&format!("… ({} bytes)", text.len()));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_they_are_unless_they_are_long_or_would_move_the_cursor() {
        assert_eq!(shown("wasi:cli/environment@0.2.6"), "wasi:cli/environment@0.2.6");
        assert_eq!(shown("a\u{1b}[31m\u{202e}\nb"), r"a\u{1b}[31m\u{202e}; b");
        assert_eq!(shown(&"é".repeat(150)), format!("{}… (300 bytes)", "é".repeat(100)));
    }
}
