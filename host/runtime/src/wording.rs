//! Foreign text inside our own messages: names that a component chose, and wasmtime's words, which repeat such names.

/// Bytes of a name, or of a message, that are shown.
const SHOWN: usize = 200;

/// `text` on one line, without anything that a terminal would obey, and cut where it is long: after 200 bytes.
pub fn shown(text: &str) -> String {
    shown_within(text, SHOWN)
}

/// As [`shown`], cut after so many bytes.
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

/// The first few of these names.
pub(crate) fn listed(names: &[String]) -> String {
    const MOST: usize = 8;
    let mut text = names.iter().take(MOST).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    if let Some(more) = names.len().checked_sub(MOST).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
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

    #[test]
    fn a_list_names_the_first_few_and_counts_the_rest() {
        let names: Vec<String> = (0..10).map(|index| format!("n{index}")).collect();
        assert_eq!(listed(&names), "n0, n1, n2, n3, n4, n5, n6, n7 and 2 more");
        assert_eq!(listed(&names[..2]), "n0, n1");
    }
}
