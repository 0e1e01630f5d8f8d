//! Keeps what a model thought apart from what it answered.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Returns whether a text ends by opening a thinking block.
pub fn ends_inside(text: &str) -> bool {
    text.trim_end().ends_with(OPEN)
}

/// Returns whether a control token is one of the tags, and so belongs to the text.
pub fn is_tag(text: &str) -> bool {
    text == OPEN || text == CLOSE
}

/// A text in its two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split<'a> {
    /// What stands in the thinking block, trimmed; `None` if there is no block or it is blank.
    pub thinking: Option<&'a str>,
    /// The rest, without the white space that follows the block.
    pub answer: &'a str,
    /// Where the answer begins, in bytes.
    pub answer_start: usize,
}

/// Where a text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Inside a thinking block: the prompt ended with the opening tag, as some chat templates make it do.
    Inside,
    /// Not known, as with a server that applies the template itself: a closing tag before any opening one tells.
    Unknown,
}

/// Splits a leading `<think>…</think>` block from the answer.
///
/// A block that is never closed leaves an empty answer: the model ran out of tokens while it thought, and what it
/// thought must not be parsed as its answer. Tags further on are text.
pub fn split(text: &str, start: Start) -> Split<'_> {
    let lead = text.len() - text.trim_start().len();
    let body = text.get(lead..).unwrap_or_default();
    let (inside, inside_start) = match body.strip_prefix(OPEN) {
        Some(rest) => (rest, lead + OPEN.len()),
        None if start == Start::Inside || closes_first(text) => (text, 0),
        None => return Split { thinking: None, answer: text, answer_start: 0 },
    };
    let (thinking, answer, answer_start) = match inside.split_once(CLOSE) {
        Some((thinking, rest)) => {
            let answer = rest.trim_start();
            let blank = rest.len() - answer.len();
            (thinking, answer, inside_start + thinking.len() + CLOSE.len() + blank)
        }
        None => (inside, "", text.len()),
    };
    Split { thinking: Some(thinking.trim()).filter(|t| !t.is_empty()), answer, answer_start }
}

/// Returns whether a closing tag comes first of all tags.
fn closes_first(text: &str) -> bool {
    match (text.find(CLOSE), text.find(OPEN)) {
        (Some(close), Some(open)) => close < open,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_known_to_start_inside_is_thinking_until_the_block_closes() {
        let inside = |text| split(text, Start::Inside);
        assert_eq!((inside("8, 5").thinking, inside("8, 5").answer), (Some("8, 5"), ""));
        assert_eq!((inside("hm</think>8").thinking, inside("hm</think>8").answer), (Some("hm"), "8"));
        assert_eq!((inside("<think>hm</think>8").thinking, inside("<think>hm</think>8").answer), (Some("hm"), "8"));
    }

    #[test]
    fn thinking_is_split_from_the_answer() {
        #[rustfmt::skip]
        let table = [
            // text, thinking, answer
            ("8, 5", None, "8, 5"),
            ("", None, ""),
            ("<think>first 8, then 5</think>\n\n\\boxed{8, 5}", Some("first 8, then 5"), "\\boxed{8, 5}"),
            ("\n <think>\nhm\n</think>yes", Some("hm"), "yes"),
            ("<think>\n\n</think>\n\nyes", None, "yes"),
            ("<think></think>", None, ""),
            ("<think>never closed \\boxed{8, 5}", Some("never closed \\boxed{8, 5}"), ""),
            ("<think>", None, ""),
            ("so it is 5.\n</think>\n\\boxed{5}", Some("so it is 5."), "\\boxed{5}"),
            ("</think>5", None, "5"),
            ("<think>a</think>b</think>c", Some("a"), "b</think>c"),
            ("the response says <think>x</think>: 5", None, "the response says <think>x</think>: 5"),
            ("<thinking>not ours</thinking> 5", None, "<thinking>not ours</thinking> 5"),
            ("<think>é</think>ü", Some("é"), "ü"),
        ];
        for (text, thinking, answer) in table {
            let split = split(text, Start::Unknown);
            assert_eq!((split.thinking, split.answer), (thinking, answer), "{text:?}");
            assert_eq!(&text[split.answer_start..], answer, "{text:?}");
        }
    }
}
