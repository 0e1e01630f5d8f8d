//! What a token could have been, by its alternatives with log-probabilities.

use rewarden_plugin::{ParseFailure, Token};

/// What may stand between a marker and what it marks, or before an answer.
pub const DRESS: [char; 14] = ['*', '_', '`', '"', '\'', '$', '(', '[', '{', ':', ' ', '\n', '\r', '\t'];

/// How much probabilities may add up to beyond 1, for servers that round them.
const ROUNDING: f64 = 0.01;

/// What a token could have been, with its probability.
#[derive(Clone, Debug, PartialEq)]
pub struct Odds<'a>(pub Vec<(&'a str, f64)>);

/// What the token could have been: its alternatives and itself.
///
/// # Errors
/// When it has no alternatives, or its log-probabilities are none.
pub fn odds(token: &Token) -> Result<Odds<'_>, ParseFailure> {
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
pub fn bare(text: &str) -> &str {
    // Some servers give tokens as the vocabulary has them, with a sign for the blank.
    text.trim_matches(|char: char| DRESS.contains(&char) || char == '\u{2581}' || char == '\u{120}')
}
