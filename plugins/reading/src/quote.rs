//! Quotations of a completion.

use rewarden_plugin::{Completion, FinishReason};

/// Characters of the completion that a message quotes.
const EXCERPT: usize = 80;

/// Bytes of the completion that are kept as its critique, for people.
const CRITIQUE: usize = 16_000;

/// The beginning of `text`, at most 80 characters, with three points where more follows.
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// How the completion ends, for a message: its last 80 characters at most, and whether the token limit cut it there.
pub fn end_of(completion: &Completion) -> String {
    let text = completion.text.trim();
    if text.is_empty() {
        return match completion.finish {
            FinishReason::Length => "the text is empty: the token limit came first, raise it".to_owned(),
            FinishReason::Stop => "the text is empty".to_owned(),
        };
    }
    let from = text.char_indices().rev().nth(EXCERPT - 1).map_or(0, |(at, _)| at);
    let end = text.get(from..).unwrap_or_default();
    match completion.finish {
        FinishReason::Length => {
            format!("the token limit cut the text, which ends `{end}`: raise it, or have the model write less")
        }
        FinishReason::Stop => format!("the text ends `{end}`"),
    }
}

/// The completion as a critique for people: trimmed, at most 16,000 bytes, none where it has no more than `verdict`
/// bytes, those of the verdict itself, and a few signs around it.
pub fn critique(text: &str, verdict: usize) -> Option<String> {
    let text = text.trim();
    if text.len() <= verdict + 8 {
        return None;
    }
    let mut end = text.len().min(CRITIQUE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_quoted_by_characters_and_a_cut_is_named() {
        let completion = |text: &str, finish| Completion { text: text.to_owned(), finish, tokens: vec![] };
        let end = end_of(&completion(&"\u{e9}".repeat(200), FinishReason::Stop));
        assert_eq!(end.matches('\u{e9}').count(), 80);
        assert!(end_of(&completion("so", FinishReason::Length)).contains("token limit"));
        assert_eq!(end_of(&completion(" \n", FinishReason::Stop)), "the text is empty");
    }

    #[test]
    fn a_critique_is_more_than_the_verdict_and_bounded() {
        assert_eq!(critique("**Output (a)**.", 10), None);
        assert_eq!(critique(" It is wrong. Output (b) \n", 10).as_deref(), Some("It is wrong. Output (b)"));
        assert_eq!(critique(&"\u{e9}".repeat(20_000), 10).map(|kept| kept.len()), Some(16_000));
    }
}
