//! What a model is asked and what it answers, whatever runs it.

use std::borrow::Cow;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::constraint::Constraint;
use crate::error::ModelError;

/// Most alternatives per token that a request may ask for; the limit of the plugin contract and of common servers.
pub const MAX_TOP_LOGPROBS: u8 = 20;

/// Most stop strings of a request. Each is looked for after every token; servers take 4 to 16.
pub(crate) const MAX_STOPS: usize = 64;

/// Most bytes of a stop string.
pub(crate) const MAX_STOP_BYTES: usize = 1024;

/// Something that continues a conversation.
///
/// The same request, seed included, gives the same completion on the same machine from the in-process backend. A server
/// behind an endpoint promises less: it gets the seed, and what it makes of it is its own affair.
#[async_trait]
pub trait Model: Send + Sync {
    /// What this model is, for provenance.
    fn identity(&self) -> &Identity;

    /// How many [`generate`](Model::generate) calls are useful at once, at least 1. More are allowed and wait their
    /// turn.
    fn concurrency(&self) -> usize;

    /// Continues the conversation. `progress` is called as tokens arrive. Dropping the future ends the generation.
    async fn generate(
        &self,
        request: &GenerateRequest,
        progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, ModelError>;
}

/// What makes the text. Holds names and digests, never paths or keys, so equal models have equal identities everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `mistral.rs`, `openai` or `scalar`; `recorded` where the completions came from elsewhere.
    pub backend: Cow<'static, str>,
    /// File name, directory name, Hugging Face id, or the name that the server knows the model by.
    pub model: String,
    /// `sha256:` and 64 hex digits: of a local GGUF file, or of the sorted file digests of a local directory. None
    /// where the weights are not at hand.
    pub digest: Option<String>,
    /// `cpu`, `cuda:0`, `metal:0`; none for a server.
    pub device: Option<String>,
    /// The base URL without credentials; none for a model in process.
    pub endpoint: Option<String>,
}

/// One generation to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerateRequest {
    /// Oldest first, at least one; the model's own chat template is applied to them.
    pub messages: Vec<Message>,
    /// How the tokens are chosen, and how many.
    pub sampling: Sampling,
    /// A form that the text must have.
    pub constraint: Option<Constraint>,
    /// Generation ends before the first of these; they are not part of the text. None is empty.
    pub stop: Vec<String>,
    /// Alternatives wanted for every token, 0 to [`MAX_TOP_LOGPROBS`]; 0 also means that no tokens are returned.
    pub top_logprobs: u8,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions that stand above the conversation.
    System,
    /// The one who asks.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The name that chat templates and chat APIs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

/// One turn. `content` is data: the backends keep it from being read as a control token where they tokenize themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// How tokens are chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Finite, at least 0; 0 is greedy decoding, 1 the model's own distribution.
    pub temperature: f64,
    /// Nucleus sampling: above 0, at most 1. None is 1.
    pub top_p: Option<f64>,
    /// Upper bound on new tokens, thinking included; at least 1.
    pub max_tokens: u32,
    /// Decides every random choice of this generation.
    pub seed: u64,
}

/// What the model wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The answer, without thinking and without the stop string.
    pub text: String,
    /// The thinking that came before the answer; none when there was none.
    pub thinking: Option<String>,
    /// Why it ended.
    pub finish: FinishReason,
    /// What it cost.
    pub usage: Usage,
    /// The tokens of `text`; empty unless the request asked for log-probabilities.
    pub tokens: Vec<Token>,
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

/// News of a generation that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenerateProgress {
    /// Tokens that arrived since the previous call. Some servers send only text: a piece of it then counts as one.
    pub new_tokens: u32,
}

impl GenerateRequest {
    /// Checks the ranges that the fields' documentation states, so that no backend interprets them in its own way.
    pub fn validate(&self) -> Result<(), ModelError> {
        let invalid = |field, found: String, expected| Err(ModelError::InvalidRequest { field, found, expected });
        let Sampling { temperature, top_p, max_tokens, .. } = self.sampling;
        if self.messages.is_empty() {
            return invalid("messages", "none".into(), "at least one");
        }
        if !(temperature.is_finite() && temperature >= 0.0) {
            return invalid("temperature", temperature.to_string(), "a finite number of at least 0");
        }
        if let Some(top_p) = top_p.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
            return invalid("top_p", top_p.to_string(), "a number above 0 and at most 1");
        }
        if max_tokens == 0 {
            return invalid("max_tokens", "0".into(), "at least 1");
        }
        if self.stop.len() > MAX_STOPS || self.stop.iter().any(|stop| stop.len() > MAX_STOP_BYTES) {
            let longest = self.stop.iter().map(String::len).max().unwrap_or_default();
            let found = format!("{} strings, the longest of {longest} bytes", self.stop.len());
            return invalid("stop", found, "at most 64 strings of at most 1024 bytes");
        }
        if let Some(constraint) = &self.constraint {
            constraint
                .check()
                .map_err(|message| ModelError::ConstraintInvalid { constraint: constraint.kind(), message })?;
        }
        if self.stop.iter().any(String::is_empty) {
            return invalid("stop", "an empty string".into(), "strings of at least one character");
        }
        if self.top_logprobs > MAX_TOP_LOGPROBS {
            return invalid("top_logprobs", self.top_logprobs.to_string(), "0 to 20");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> GenerateRequest {
        GenerateRequest {
            messages: vec![Message { role: Role::User, content: "hi".into() }],
            sampling: Sampling { temperature: 0.5, top_p: None, max_tokens: 8, seed: 1 },
            constraint: None,
            stop: vec![],
            top_logprobs: 0,
        }
    }

    #[test]
    fn a_plain_request_is_valid() {
        request().validate().unwrap();
    }

    #[test]
    fn every_out_of_range_field_is_named() {
        type Breakage = fn(&mut GenerateRequest);
        let broken: [(&str, Breakage); 11] = [
            ("messages", |r| r.messages.clear()),
            ("temperature", |r| r.sampling.temperature = -0.1),
            ("temperature", |r| r.sampling.temperature = f64::NAN),
            ("temperature", |r| r.sampling.temperature = f64::INFINITY),
            ("top_p", |r| r.sampling.top_p = Some(0.0)),
            ("top_p", |r| r.sampling.top_p = Some(1.5)),
            ("max_tokens", |r| r.sampling.max_tokens = 0),
            ("stop", |r| r.stop.push(String::new())),
            ("stop", |r| r.stop.push("x".repeat(MAX_STOP_BYTES + 1))),
            ("stop", |r| r.stop = vec!["x".into(); MAX_STOPS + 1]),
            ("top_logprobs", |r| r.top_logprobs = 21),
        ];
        for (field, breaking) in broken {
            let mut request = request();
            breaking(&mut request);
            let error = request.validate().unwrap_err();
            assert!(matches!(&error, ModelError::InvalidRequest { field: f, .. } if *f == field), "{field}: {error}");
        }
        let large = GenerateRequest { constraint: Some(Constraint::Regex("(a{1000}){1000}".into())), ..request() };
        let error = large.validate().unwrap_err();
        assert!(matches!(&error, ModelError::ConstraintInvalid { constraint: "regular expression", .. }), "{error}");
    }
}
