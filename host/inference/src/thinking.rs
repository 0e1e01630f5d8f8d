//! Keeps what a model thought apart from what it answered.

/// A pair of tags between which models think.
struct Tags {
    open: &'static str,
    close: &'static str,
    /// Whether chat templates end prompts with the opening one, so that a text may hold the closing one alone.
    in_prompts: bool,
}

const fn tags(open: &'static str, close: &'static str, in_prompts: bool) -> Tags {
    Tags { open, close, in_prompts }
}

/// In any case. Qwen and DeepSeek; prompts; Gemini's and others' training data; Magistral; Seed; Kimi; Sky-T1; Command; gpt-oss.
const KINDS: [Tags; 10] = [
    tags("<think>", "</think>", true),
    tags("<thinking>", "</thinking>", false),
    tags("<thought>", "</thought>", false),
    tags("<reasoning>", "</reasoning>", false),
    tags("[THINK]", "[/THINK]", true),
    tags("<seed:think>", "</seed:think>", true),
    tags("\u{25c1}think\u{25b7}", "\u{25c1}/think\u{25b7}", true),
    tags("<|begin_of_thought|>", "<|end_of_thought|>", false),
    tags("<|START_THINKING|>", "<|END_THINKING|>", true),
    tags("<|channel|>analysis<|message|>", "<|end|>", false),
];

/// Returns whether a text ends by opening a thinking block.
pub fn ends_inside(text: &str) -> bool {
    let text = text.trim_end();
    KINDS.iter().any(|kind| kind.in_prompts && text.ends_with(kind.open))
}

/// Returns whether a control token is one of the tags, and so belongs to the text.
pub fn is_tag(text: &str) -> bool {
    KINDS.iter().any(|kind| text == kind.open || text == kind.close)
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

/// Splits the thinking blocks that a text begins with from the answer.
///
/// A block that is never closed leaves an empty answer: the model ran out of tokens while it thought, and what it
/// thought must not be parsed as its answer. Tags further on are text: judges quote what they judge.
pub fn split(text: &str, start: Start) -> Split<'_> {
    // As many bytes, so places are the same.
    let folded = text.to_ascii_lowercase();
    let (inside_start, mut close) = match opens(&folded, 0) {
        Some((at, kind)) => (at, folded_close(kind)),
        None => match closes_first(&folded, start == Start::Inside) {
            Some(close) => (0, close),
            None if start == Start::Inside => return Split::of(text, 0, text.len(), text.len()),
            None => return Split { thinking: None, answer: text, answer_start: 0 },
        },
    };
    let mut from = inside_start;
    loop {
        let Some(closed) = find(&folded, from, &close) else {
            return Split::of(text, inside_start, text.len(), text.len());
        };
        let after = closed + close.len();
        match opens(&folded, after) {
            Some((at, kind)) => (from, close) = (at, folded_close(kind)),
            None => return Split::of(text, inside_start, closed, after),
        }
    }
}

impl<'a> Split<'a> {
    /// Thinking at `inside_start..inside_end`, and the answer from `after` on.
    fn of(text: &'a str, inside_start: usize, inside_end: usize, after: usize) -> Self {
        let thinking = text.get(inside_start..inside_end).unwrap_or_default().trim();
        let answer = text.get(after..).unwrap_or_default().trim_start();
        Split { thinking: Some(thinking).filter(|t| !t.is_empty()), answer, answer_start: text.len() - answer.len() }
    }
}

fn folded_close(kind: &Tags) -> String {
    kind.close.to_ascii_lowercase()
}

/// The block that opens at `from`, white space aside: where its inside begins.
fn opens(folded: &str, from: usize) -> Option<(usize, &'static Tags)> {
    let rest = folded.get(from..)?.trim_start();
    let kind = KINDS.iter().find(|kind| rest.starts_with(&kind.open.to_ascii_lowercase()))?;
    Some((folded.len() - rest.len() + kind.open.len(), kind))
}

fn find(folded: &str, from: usize, tag: &str) -> Option<usize> {
    Some(from + folded.get(from..)?.find(tag)?)
}

/// The closing tag that comes first of all tags of its kind; of several the first.
fn closes_first(folded: &str, is_inside: bool) -> Option<String> {
    let closing = |kind: &Tags| {
        let close = folded_close(kind);
        let at = folded.find(&close)?;
        let opened = folded.find(&kind.open.to_ascii_lowercase()).is_some_and(|open| open < at);
        (kind.in_prompts && (is_inside || !opened)).then_some((at, close))
    };
    KINDS.iter().filter_map(closing).min_by_key(|(at, _)| *at).map(|(_, close)| close)
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
            ("<thinking>3, 9</thinking> 5", Some("3, 9"), "5"),
            ("<THINK>3, 9</Think>none", Some("3, 9"), "none"),
            ("[THINK]3, 9[/THINK]8", Some("3, 9"), "8"),
            ("\u{25c1}think\u{25b7}3, 9\u{25c1}/think\u{25b7}8", Some("3, 9"), "8"),
            ("3, 9[/THINK]8", Some("3, 9"), "8"),
            ("<think>a</think>\n<think>b</think>c", Some("a</think>\n<think>b"), "c"),
            ("<think>a</think><thought>3, 9", Some("a</think><thought>3, 9"), ""),
            ("<think>the <thinking> tag</think>c", Some("the <thinking> tag"), "c"),
            ("it says </reasoning>: 5", None, "it says </reasoning>: 5"),
            ("<think>é</think>ü", Some("é"), "ü"),
        ];
        for (text, thinking, answer) in table {
            let split = split(text, Start::Unknown);
            assert_eq!((split.thinking, split.answer), (thinking, answer), "{text:?}");
            assert_eq!(&text[split.answer_start..], answer, "{text:?}");
        }
    }
}
