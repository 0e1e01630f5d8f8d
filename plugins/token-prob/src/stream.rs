//! The tokens of an answer as one text, and back from a place in the text to its token.

use rewarden_plugin::{Completion, ParseFailure, Token};

pub(crate) use reading::odds::{DRESS, bare, odds};

/// Tokens and the text that they make.
pub(crate) struct Stream<'a> {
    /// In ASCII lower case, so that places are the same in any case.
    pub text: String,
    tokens: &'a [Token],
    /// Where each token begins in the text.
    starts: Vec<usize>,
}

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
