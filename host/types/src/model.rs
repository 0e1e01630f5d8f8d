//! What a model is asked and what it answers, whatever runs it.

use std::borrow::Cow;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::completion::Completion;
use crate::digest::Sha256Digest;
use crate::model_error::ModelError;
use crate::prompt::{Constraint, PromptInput, PromptTurn, Question};

/// Most alternatives per token that a request may ask for; the limit of the plugin contract and of common servers.
pub const MAX_TOP_LOGPROBS: u8 = 20;

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

    /// Finds out whether answers to prompts like `input` can be held to this constraint. A server is asked once and what it
    /// answered is remembered; a model in process holds to every kind.
    ///
    /// # Errors
    /// [`ModelError::ConstraintUnsupported`] if not; other errors say why it could not be found out.
    async fn holds_to(&self, _input: &PromptInput, _constraint: &Constraint) -> Result<(), ModelError> {
        Ok(())
    }

    /// What a server turned out to be, in one line; `None` where nothing was asked of one.
    async fn found(&self) -> Option<String> {
        None
    }
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
    /// Whether samples are the same bit for bit whatever else runs at the same time, as the model's self-check found at
    /// load. None for a server, of which nothing is known, and in runs of hosts that had no self-check of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_invariant: Option<bool>,
    /// The kinds of constraints that its server lacks and that prompts were sent without, because the pack prefers an
    /// unconstrained answer to none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unconstrained: Vec<Cow<'static, str>>,
}

impl Identity {
    /// Returns what is known by its name alone; where more is known, it replaces the fields that are none here.
    pub fn new(backend: impl Into<Cow<'static, str>>, model: impl Into<String>) -> Self {
        Identity {
            backend: backend.into(),
            model: model.into(),
            digest: None,
            device: None,
            endpoint: None,
            batch_invariant: None,
            unconstrained: Vec::new(),
        }
    }
}

/// One generation to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateRequest {
    /// What the model is given; a conversation has at least one turn.
    pub input: PromptInput,
    /// The beginning of the answer, which the model goes on with; not part of the text.
    pub prefill: Option<String>,
    /// How the tokens are chosen, and how many.
    pub sampling: Sampling,
    /// A form that the text must have.
    pub constraint: Option<Constraint>,
    /// Generation ends before the first of these; they are not part of the text. None is empty.
    pub stop: Vec<String>,
    /// Alternatives wanted for every token, 0 to [`MAX_TOP_LOGPROBS`]; 0 also means that no tokens are returned.
    pub top_logprobs: u8,
    /// Fields that go to a server as they stand; an engine in this process sets those that it has and refuses others.
    pub fields: Map<String, Value>,
}

impl GenerateRequest {
    /// Returns a request with nothing but its input and how tokens are chosen.
    pub fn new(input: PromptInput, sampling: Sampling) -> Self {
        Self { input, prefill: None, sampling, constraint: None, stop: Vec::new(), top_logprobs: 0, fields: Map::new() }
    }

    /// Returns its digest, by which runs know what a model was asked: SHA-256 of the request as JSON, sampling parameters and
    /// seed included. A request that could be made before contract 0.3 has the digest that it had then.
    pub fn digest(&self) -> Sha256Digest {
        #[derive(Serialize)]
        struct Text<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            messages: Option<&'a [PromptTurn]>,
            #[serde(skip_serializing_if = "Option::is_none")]
            text: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            state: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            questions: Option<&'a [Question]>,
            sampling: &'a Sampling,
            constraint: &'a Option<Constraint>,
            stop: &'a [String],
            top_logprobs: u8,
            #[serde(skip_serializing_if = "Option::is_none")]
            prefill: Option<&'a str>,
            #[serde(skip_serializing_if = "Map::is_empty")]
            fields: &'a Map<String, Value>,
        }
        let (messages, text, state, questions) = match &self.input {
            PromptInput::Chat(turns) => (Some(turns.as_slice()), None, None, None),
            PromptInput::Text(text) => (None, Some(text.as_str()), None, None),
            PromptInput::Questions { state, questions } => {
                (None, None, Some(state.as_str()), Some(questions.as_slice()))
            }
        };
        let text = Text {
            messages,
            text,
            state,
            questions,
            sampling: &self.sampling,
            constraint: &self.constraint,
            stop: &self.stop,
            top_logprobs: self.top_logprobs,
            prefill: self.prefill.as_deref(),
            fields: &self.fields,
        };
        // Strings and numbers only: nothing that JSON could refuse.
        Sha256Digest::of(&serde_json::to_vec(&text).unwrap_or_default())
    }
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

/// News of a generation that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenerateProgress {
    /// Tokens that arrived since the previous call. Some servers send only text: a piece of it then counts as one.
    pub new_tokens: u32,
}
