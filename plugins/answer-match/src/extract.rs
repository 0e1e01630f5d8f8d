//! Finds answers in texts.

use crate::number::Number;

/// What the reference says: the content of its last box, what follows its last `####`, or all of it.
pub(crate) fn reference(text: &str) -> &str {
    if let Some(Some(boxed)) = last_box(text) {
        return boxed.trim();
    }
    text.rsplit_once("####").map_or(text, |(_, answer)| answer).trim()
}

/// The content of the last `\boxed{}`; `Some(None)` where it is never closed, none where there is no box.
pub(crate) fn last_box(text: &str) -> Option<Option<&str>> {
    // `rmatch_indices` goes on to earlier words only while no brace follows, as in "put it in \boxed".
    let content = text.rmatch_indices("\\boxed").find_map(|(at, word)| {
        let rest = text.get(at + word.len()..)?.trim_start();
        rest.strip_prefix('{')
    })?;
    let mut depth = 0_usize;
    for (at, byte) in content.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(content.get(..at)),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    Some(None)
}

/// The last number in a text, where it stands by itself: not the 2 of `H2O`, `x_2` or `1.2.3`.
pub(crate) fn last_number(text: &str) -> Option<Number> {
    let mut last = None;
    let mut at = 0;
    // A number may begin after this.
    let mut before = ' ';
    while let Some(rest) = text.get(at..) {
        let Some(char) = rest.chars().next() else { break };
        let begins = char.is_ascii_digit() || "+-\u{2212}.\\".contains(char);
        let found = if begins && !in_word(before) { Number::first(rest) } else { None };
        let (number, length) = match found {
            Some((number, length)) => (Some(number), length),
            None if char.is_ascii_digit() => {
                (None, rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count())
            }
            None => (None, char.len_utf8()),
        };
        let after = rest.get(length..).unwrap_or_default();
        if let Some(number) = number {
            let mut following = after.chars();
            let (next, second) = (following.next(), following.next());
            let goes_on = next.is_some_and(|next| next.is_alphanumeric() || next == '_')
                || (next == Some('.') && second.is_some_and(|second| second.is_ascii_digit()));
            // Units such as `5cm` are letters too, and then the number is the one before them.
            if !goes_on || next.is_some_and(char::is_alphabetic) {
                last = Some(number);
            }
        }
        at += length;
        before = rest.get(..length).and_then(|done| done.chars().next_back()).unwrap_or(' ');
    }
    last
}

fn in_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_' || char == '.'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(text: &str) -> Option<Number> {
        last_number(text)
    }

    #[test]
    fn the_last_box_is_found_with_the_braces_in_it() {
        assert_eq!(last_box(r"\boxed{1} or \boxed{\frac{1}{2}}."), Some(Some(r"\frac{1}{2}")));
        assert_eq!(last_box(r"\boxed{1} as told, in \boxed"), Some(Some("1")));
        assert_eq!(last_box(r"\boxed{1} or \boxed{2"), Some(None));
        assert_eq!(last_box("boxed{1}"), None);
    }

    #[test]
    fn the_last_number_stands_by_itself() {
        for (text, number) in [
            ("It is 41, no, 42.", "42"),
            ("so $1,234.50 it is", "1234.5"),
            ("that gives -3", "-3"),
            (r"hence $\frac{3}{4}$.", "3/4"),
            ("5 cm long", "5"),
            ("5cm long", "5"),
            ("3 of H2O", "3"),
            ("7 for version 1.2.3", "7"),
            ("about 75%.", "3/4"),
            ("(7)", "7"),
            ("x = .5", "1/2"),
            ("10-3", "3"),
        ] {
            assert_eq!(last(text), Number::whole(number), "{text}");
        }
        assert_eq!(last("none here"), None);
        assert_eq!(last(""), None);
    }
}
