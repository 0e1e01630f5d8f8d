//! What a model wrote.

use serde::{Deserialize, Serialize};

/// What a model wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The answer, without thinking and without the stop string.
    pub text: String,
    /// The thinking that came before the answer; `None` if there was none. Parsers never see it.
    pub thinking: Option<String>,
    /// Why it ended.
    pub finish: FinishReason,
    /// What it cost.
    pub usage: Usage,
    /// The tokens of `text`; empty unless the request asked for log-probabilities.
    pub tokens: Vec<Token>,
    /// Mean natural logarithm of the probability of the answer's tokens, at most 0; `None` if it was not measured.
    pub answer_logprob: Option<f64>,
    /// The same of the thinking.
    pub thinking_logprob: Option<f64>,
}

impl Completion {
    /// Returns a completion of this text alone, as made up for tests and trials: without thinking, tokens or costs.
    pub fn of_text(text: impl Into<String>, finish: FinishReason) -> Self {
        Self {
            text: text.into(),
            thinking: None,
            finish,
            usage: Usage::default(),
            tokens: Vec::new(),
            answer_logprob: None,
            thinking_logprob: None,
        }
    }

    /// Returns the mean log-probability of these tokens, at most 0; `None` if there are none, or one is no number.
    pub fn mean_logprob(tokens: &[Token]) -> Option<f64> {
        let mean = tokens.iter().map(|token| token.logprob).sum::<f64>() / tokens.len() as f64;
        mean.is_finite().then_some(mean.min(0.0))
    }

    /// Returns what a parser sees of it: neither the thinking nor the costs.
    pub fn without_thinking(&self) -> Self {
        Self { tokens: self.tokens.clone(), ..Self::of_text(self.text.clone(), self.finish) }
    }
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model ended its turn, or wrote a stop string.
    Stop,
    /// The token limit was reached: the text may be cut anywhere.
    Length,
}

/// Tokens read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt, chat template included.
    pub prompt_tokens: u32,
    /// Tokens written, thinking and the end-of-turn token included.
    pub completion_tokens: u32,
}

/// A token that the model wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// Its text; U+FFFD stands for bytes that are a character only together with a neighbour's.
    pub text: String,
    /// Natural logarithm of its probability under the model at temperature 1, before any constraint. At most 0.
    pub logprob: f64,
    /// The most probable tokens at this place, best first.
    pub alternatives: Vec<Alternative>,
}

/// A token that the model could have written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// Its text, as in [`Token::text`].
    pub text: String,
    /// As [`Token::logprob`].
    pub logprob: f64,
}
