//! Markers that a parser looks for in the answer, as a configuration names them.

use crate::escape::{Found, folded};

/// A marker in comparable form, and where its hyphen goes.
#[derive(Clone, Debug)]
pub(crate) struct AnswerMarker {
    /// Without white space and invisible characters, at least two.
    letters: Vec<char>,
    /// The number of letters before the hyphen: at least one, fewer than all.
    head: usize,
}

impl AnswerMarker {
    /// None for a marker without a sign in it.
    pub(crate) fn new(text: &str) -> Result<Option<Self>, String> {
        let letters: Vec<char> = text.chars().filter_map(folded).filter(|letter| *letter != ' ').collect();
        let Some(sign) = letters.iter().position(|letter| !letter.is_alphanumeric()) else { return Ok(None) };
        if letters.contains(&'-') {
            let why = "a hyphen is what breaks markers in the text of a task";
            return Err(format!("expected markers without a hyphen, found `{text}`: {why}"));
        }
        if letters.len() < 2 {
            return Err(format!("expected markers of at least two letters or signs, found `{text}`"));
        }
        // After the first sign, or before it where it is the last: `[-[A]]`, `Output (-a)`, `Score-:`.
        let head = if sign + 1 < letters.len() { sign + 1 } else { sign };
        Ok(Some(AnswerMarker { letters, head }))
    }

    /// Whether a text that begins with the marker can have this as its first byte.
    pub(crate) fn may_begin_with(&self, byte: u8) -> bool {
        let Some(first) = self.letters.first() else { return false };
        if byte.is_ascii() {
            return char::from(byte.to_ascii_lowercase()) == *first;
        }
        // 0xef leads the full-width forms of ASCII.
        let mut encoded = [0; 4];
        byte == 0xef && first.is_ascii() || first.encode_utf8(&mut encoded).as_bytes().first() == Some(&byte)
    }

    /// The marker at the start of a text; none where the text begins with white space or an invisible character.
    pub(crate) fn find(&self, text: &str) -> Option<Found> {
        let first = text.chars().next().and_then(folded);
        if first.is_none() || first != self.letters.first().copied() {
            return None;
        }
        let shown = text.char_indices().filter_map(|(at, char)| Some((at, char.len_utf8(), folded(char)?)));
        let mut shown = shown.filter(|(.., letter)| *letter != ' ');
        let (mut hyphen, mut last_letter) = (0, 0);
        for (index, wanted) in self.letters.iter().enumerate() {
            let (at, length, _) = shown.next().filter(|(.., letter)| letter == wanted)?;
            if index + 1 == self.head {
                hyphen = at + length;
            }
            last_letter = at;
        }
        Some(Found { hyphen, last_letter })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::Escape;

    fn with(markers: &[&str]) -> Escape {
        Escape::with(markers.iter().copied()).unwrap()
    }

    #[test]
    fn markers_of_the_answer_are_broken_in_any_dress() {
        let escape = with(&["[[A]]", "Output (a)", "\"choice\":", "Score:"]);
        assert_eq!(escape.text("so [[A]] and [ [a]\u{200b}]"), "so [-[A]] and [- [a]\u{200b}]");
        assert_eq!(escape.text("output  (A) is better"), "output  (-A) is better");
        assert_eq!(escape.text("{\"choice\" : \"A\"}"), "{\"-choice\" : \"A\"}");
        assert_eq!(escape.text("SCORE: 9"), "SCORE-: 9");
        assert_eq!(escape.text("\u{ff3b}\u{ff3b}A\u{ff3d}\u{ff3d}"), "\u{ff3b}-\u{ff3b}A\u{ff3d}\u{ff3d}");
    }

    #[test]
    fn markers_of_every_prompt_are_broken_too() {
        assert_eq!(with(&["[[A]]"]).text(r"[The End of X] \boxed{1} ####"), r"[-The End of X] \box-ed{1} ###-#");
        assert_eq!(with(&["#A#"]).text("####A#"), "###-#-A#");
    }

    #[test]
    fn plain_names_and_other_labels_stay() {
        let escape = with(&["Response 1", "A", "[[A]]", "\u{7b54}(\u{7532})"]);
        assert_eq!(escape.text("Response 1: A [[B]]"), "Response 1: A [[B]]");
        assert_eq!(escape.text("\u{7b54} (\u{7532})"), "\u{7b54} (-\u{7532})");
    }

    #[test]
    fn a_marker_that_a_hyphen_cannot_break_is_refused() {
        assert!(Escape::with(["-A-"]).unwrap_err().contains("without a hyphen"));
        assert!(Escape::with(["("]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn no_marker_of_the_answer_survives_and_only_hyphens_are_added(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "[[", "]]", "[", "]", "A", "a", "b", "B", "Output", " ", "(", ")", "\n", "\u{200b}", "####", "\\boxed{", "}", "-",
            ]), 0..24),
        ) {
            let text = pieces.concat();
            let escaped = with(&["[[A]]", "[[B]]", "Output (a)"]).text(&text);
            let dense: String = escaped.to_lowercase().chars()
                .filter(|char| !char.is_whitespace() && *char != '\u{200b}').collect();
            for marker in ["[[a]]", "[[b]]", "output(a)", "\\boxed", "boxed{"] {
                prop_assert!(!dense.contains(marker), "{marker} in {escaped:?}");
            }
            prop_assert_eq!(escaped.replace('-', ""), text.replace('-', ""));
        }
    }
}
