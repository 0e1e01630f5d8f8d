//! Text without the dress that does not change what it says.

/// Emphasis and double quotes.
const DRESS: [char; 5] = ['*', '`', '"', '\u{201c}', '\u{201d}'];

/// The text without Markdown emphasis (`*`, backquotes) and double quotes, each run of white space one blank, or one
/// line feed where the run holds one. In ASCII lower case where `fold_case` asks for it.
///
/// A dress sign between two letters or digits stays, so that nothing is ever joined: `1*0` is not 10.
pub fn plain(text: &str, fold_case: bool) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        // Nearly all of a text goes over as it is.
        let length = unchanged(rest.as_bytes(), plain.as_bytes());
        let (same, changed) = rest.split_at_checked(length).unwrap_or((rest, ""));
        plain.push_str(same);
        let Some(char) = changed.chars().next() else { break };
        if char.is_whitespace() {
            rest = changed.trim_start();
            let run = changed.get(..changed.len() - rest.len()).unwrap_or_default();
            let mut line_feed = run.contains('\n');
            // White space on both sides of a dress sign that went is one run too: `is ** better`.
            if plain.ends_with([' ', '\n']) {
                line_feed |= plain.pop() == Some('\n');
            }
            plain.push(if line_feed { '\n' } else { ' ' });
        } else if DRESS.contains(&char) {
            rest = changed.trim_start_matches(DRESS);
            if plain.ends_with(char::is_alphanumeric) && rest.starts_with(char::is_alphanumeric) {
                plain.push_str(changed.get(..changed.len() - rest.len()).unwrap_or_default());
            }
        } else {
            plain.push(char);
            rest = changed.get(char.len_utf8()..).unwrap_or_default();
        }
    }
    if fold_case {
        plain.make_ascii_lowercase();
    }
    plain
}

/// How many bytes from the beginning of `text` on are ASCII and neither dress nor white space, single blanks between
/// words aside.
fn unchanged(text: &[u8], before: &[u8]) -> usize {
    let mut after_space = matches!(before.last(), None | Some(b' ' | b'\n'));
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b' ' if !after_space => after_space = true,
            0..=b' ' | b'*' | b'`' | b'"' | 0x80.. => return at,
            _ => after_space = false,
        }
    }
    text.len()
}

/// Whether `start..end` of the text stands by itself: it does not begin or end inside a word or a number.
pub fn bounded(text: &str, start: usize, end: usize) -> bool {
    let inside = text.get(start..end).unwrap_or_default();
    let before = text.get(..start).unwrap_or_default();
    let after = text.get(end..).unwrap_or_default();
    let cuts_before = inside.starts_with(char::is_alphanumeric) && before.ends_with(char::is_alphanumeric);
    let cuts_after = inside.ends_with(char::is_alphanumeric) && after.starts_with(char::is_alphanumeric);
    !cuts_before && !cuts_after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dress_and_spacing_go_and_words_stay() {
        assert_eq!(plain("**Output (a)** is  `better`.\r\n\r\n Yes", false), "Output (a) is better.\nYes");
        assert_eq!(plain("Output (**a**) IS \u{201c}better\u{201d}", true), "output (a) is better");
        assert_eq!(plain("is ** better", false), "is better");
        assert_eq!(plain(" is\n * better\u{a0}\u{e9} *", false), " is\nbetter \u{e9} ");
    }

    #[test]
    fn taking_dress_off_joins_nothing() {
        assert_eq!(plain("1*0 and 1**0", false), "1*0 and 1**0");
    }

    #[test]
    fn a_piece_of_a_word_or_number_does_not_stand_by_itself() {
        assert!(bounded("Response 1.", 0, 10));
        assert!(!bounded("Response 12", 0, 10));
        assert!(!bounded("unscore: 7", 2, 8));
        assert!(bounded("x[[A]]y", 1, 6));
    }
}
