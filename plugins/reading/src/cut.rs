//! Verdicts in texts that the token limit cut.

use rewarden_plugin::{Completion, FinishReason};

/// Whether what stands at `start..end` of a text can be its verdict, going by where the text was cut. `text` may be the plain form
/// of the completion's.
///
/// A text that was cut while it was still arguing gives no verdict: the marks in it are the form or the scale that it was asked to
/// keep to, said again, or a draft. Only what the text begins with, or ends with, stands for what the judge meant to say; and not
/// what it begins with if the words after it say what the mark is for (`[[A]] if the first is better`).
pub fn counts(completion: &Completion, text: &str, start: usize, end: usize) -> bool {
    let says_nothing = |part: Option<&str>| !part.is_some_and(|part| part.contains(char::is_alphanumeric));
    let begins = || says_nothing(text.get(..start)) && !text.get(end..).is_some_and(explains);
    completion.finish != FinishReason::Length || says_nothing(text.get(end..)) || begins()
}

/// What follows a mark whose meaning is being explained.
const EXPLAINING: [&str; 15] = [
    "if", "when", "where", "for", "means", "mean", "is", "stands", "would", "should", "to", "through", "or", "and",
    "vs",
];

/// Whether the words after a mark, or the signs before them, say what it is for and not why it was given.
fn explains(rest: &str) -> bool {
    let before_words = rest.find(char::is_alphanumeric).unwrap_or(rest.len());
    let (signs, words) = rest.split_at(before_words);
    if signs.contains(['=', '\u{2192}', '\u{2013}', '/', '|']) {
        return true;
    }
    // A sentence or a line of its own is over.
    let ended = signs.contains(['.', '\n', '!', ';']);
    let word: String = words.chars().take_while(|char| char.is_alphabetic()).collect();
    !ended && EXPLAINING.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_says_what_it_begins_or_ends_with() {
        let of = |text: &str, finish| {
            let completion = Completion { text: text.to_owned(), finish, tokens: vec![] };
            let start = text.find("[[").unwrap();
            counts(&completion, text, start, text.find("]]").unwrap() + 2)
        };
        for text in [
            "**[[A]]** since the first",
            "[[A]]\nFor the first is",
            "[[A]]. If I had",
            "It is right. [[A]].\n",
            " [[A]] ",
        ] {
            assert!(of(text, FinishReason::Length), "{text}");
        }
        let restated = "I shall write [[A]] if the first is better. Now the first";
        assert!(!of(restated, FinishReason::Length));
        for text in [
            "[[A]] if the first is better. Now the first",
            "\"[[A]]\" would be for the first. It says",
            "[[A]] = the first, [[B]] = the second. The first",
            "**[[A]]** or [[B]]: which",
        ] {
            assert!(!of(text, FinishReason::Length) && of(text, FinishReason::Stop), "{text}");
        }
        assert!(of(restated, FinishReason::Stop));
    }
}
