//! The tokens of an answer as one text, and back from a place in the text to its token.

use rewarden_plugin::{Completion, ParseFailure, Token};

/// What may stand between a marker and what it marks, or before an answer.
pub(crate) const DRESS: [char; 14] = ['*', '_', '`', '"', '\'', '$', '(', '[', '{', ':', ' ', '\n', '\r', '\t'];

/// How much probabilities may add up to beyond 1, for servers that round them.
const ROUNDING: f64 = 0.01;

/// Tokens and the text that they make.
pub(crate) struct Stream<'a> {
    /// In ASCII lower case, so that places are the same in any case.
    pub text: String,
    tokens: &'a [Token],
    /// Where each token begins in the text.
    starts: Vec<usize>,
}

/// What a token could have been, with its probability.
pub(crate) struct Odds<'a>(pub Vec<(&'a str, f64)>);

impl<'a> Stream<'a> {
    /// # Errors
    /// When the completion has no tokens.
    pub(crate) fn of(completion: &'a Completion) -> Result<Self, ParseFailure> {
        if completion.tokens.is_empty() {
            return Err(ParseFailure::Unparsable(
                "expected tokens with log-probabilities, found none: use a template that asks for `top_logprobs`, and a \
                 model or server that gives them"
                    .to_owned(),
            ));
        }
        let mut text = String::new();
        let mut starts = Vec::with_capacity(completion.tokens.len());
        for token in &completion.tokens {
            starts.push(text.len());
            text.push_str(&token.text);
        }
        text.make_ascii_lowercase();
        Ok(Stream { text, tokens: &completion.tokens, starts })
    }

    /// Where what is asked for stands: after the last marker, or at the beginning where there are none, with dress
    /// passed over. None where no marker is in the text.
    pub(crate) fn place(&self, markers: &[String]) -> Option<usize> {
        let after = |marker: &String| {
            let marker = marker.trim().to_ascii_lowercase();
            self.text.rfind(&marker).map(|at| at + marker.len())
        };
        let at = if markers.is_empty() { 0 } else { markers.iter().filter_map(after).max()? };
        Some(self.past_dress(at))
    }

    /// The first place from `at` on that is no dress.
    pub(crate) fn past_dress(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        self.text.len() - rest.trim_start_matches(DRESS).len()
    }

    /// The token over a place in the text.
    pub(crate) fn token_at(&self, place: usize) -> Option<&'a Token> {
        let after = self.starts.partition_point(|start| *start <= place);
        // Several tokens begin at one place where some show nothing; the last of them holds it.
        self.tokens.get(after.checked_sub(1)?)
    }
}

/// What the token could have been: its alternatives and itself.
///
/// # Errors
/// When it has no alternatives, or its log-probabilities are none.
pub(crate) fn odds(token: &Token) -> Result<Odds<'_>, ParseFailure> {
    if token.alternatives.is_empty() {
        return Err(ParseFailure::Unparsable(format!(
            "expected alternatives to the token `{}`, found none: use a template that asks for `top_logprobs`",
            token.text
        )));
    }
    let mut all: Vec<(&str, f64)> =
        token.alternatives.iter().map(|alternative| (alternative.text.as_str(), alternative.logprob)).collect();
    if !all.iter().any(|(text, _)| *text == token.text) {
        all.push((&token.text, token.logprob));
    }
    for (text, value) in &mut all {
        // Minus infinity is a probability of 0.
        if value.is_nan() || *value > ROUNDING {
            return Err(ParseFailure::NotFinite(format!(
                "the log-probability of `{text}` is {value}, expected a number of at most 0"
            )));
        }
        *value = value.exp().min(1.0);
    }
    let total: f64 = rewarden_plugin::sum(all.iter().map(|(_, probability)| *probability));
    if total > 1.0 + ROUNDING {
        return Err(ParseFailure::Unparsable(format!(
            "expected probabilities that add up to at most 1 at the token `{}`, found {total:.3}",
            token.text
        )));
    }
    Ok(Odds(all))
}

/// A token's text without blanks and dress around it.
pub(crate) fn bare(text: &str) -> &str {
    // Some servers give tokens as the vocabulary has them, with a sign for the blank.
    text.trim_matches(|char: char| DRESS.contains(&char) || char == '\u{2581}' || char == '\u{120}')
}
