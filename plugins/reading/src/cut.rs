//! Verdicts in texts that the token limit cut.

use rewarden_plugin::{Completion, FinishReason};

/// Whether what stands at `start..end` of a text can be its verdict, going by where the text was cut. `text` may be the plain form
/// of the completion's.
///
/// A text that was cut while it was still arguing gives no verdict: the marks in it are the form or the scale that it was asked to
/// keep to, said again, or a draft. Only what the text begins with, or ends with, stands for what the judge meant to say.
pub fn counts(completion: &Completion, text: &str, start: usize, end: usize) -> bool {
    let says_nothing = |part: Option<&str>| !part.is_some_and(|part| part.contains(char::is_alphanumeric));
    completion.finish != FinishReason::Length || says_nothing(text.get(..start)) || says_nothing(text.get(end..))
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
        for text in ["**[[A]]** since the first", "It is right. [[A]].\n", " [[A]] "] {
            assert!(of(text, FinishReason::Length), "{text}");
        }
        let restated = "I shall write [[A]] if the first is better. Now the first";
        assert!(!of(restated, FinishReason::Length));
        assert!(of(restated, FinishReason::Stop));
    }
}
