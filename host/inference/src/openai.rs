//! A model behind a server that speaks the OpenAI chat protocol: vLLM, SGLang, llama.cpp, a hosted service.
//!
//! Replies are streamed where the server streams, and read as plain JSON where it does not. What the server is told
//! goes through its own interpretation: the seed is passed on (see [`ConstraintDialect`] for constraints), but whether
//! equal seeds give equal texts, and whether control tokens in messages are defused, is up to the server.

mod constraint;
mod reply;
mod request;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

pub use constraint::ConstraintDialect;

use crate::error::ModelError;
use crate::model::{Completion, GenerateProgress, GenerateRequest, Identity, Model};
use crate::server::{Endpoint, Server, Terms};

/// How a server is talked to.
#[derive(Clone)]
pub struct OpenAiOptions {
    /// Sent as a bearer token. Never shown: not in errors, not by `Debug`.
    pub api_key: Option<String>,
    /// Most requests at once, at least 1. A request that waits to be retried counts.
    pub concurrency: usize,
    /// Most tries of one request, at least 1.
    pub attempts: u32,
    /// The pause before the second try; doubles with every further one, up to 30 s, plus up to as much again at random.
    /// A longer `Retry-After` (in seconds) of the server takes its place.
    pub first_pause: Duration,
    /// How long one try may take, from connecting to the last token.
    pub try_timeout: Duration,
    /// How long all tries of one request and the pauses between them may take together.
    pub total_timeout: Duration,
    /// How the server takes constraints.
    pub constraints: ConstraintDialect,
}

impl OpenAiOptions {
    fn terms(&self) -> Terms {
        Terms {
            api_key: self.api_key.clone(),
            concurrency: self.concurrency,
            attempts: self.attempts,
            first_pause: self.first_pause,
            try_timeout: self.try_timeout,
            total_timeout: self.total_timeout,
        }
    }
}

impl Default for OpenAiOptions {
    fn default() -> Self {
        let Terms { api_key, concurrency, attempts, first_pause, try_timeout, total_timeout } = Terms::default();
        let constraints = ConstraintDialect::None;
        OpenAiOptions { api_key, concurrency, attempts, first_pause, try_timeout, total_timeout, constraints }
    }
}

impl fmt::Debug for OpenAiOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiOptions")
            .field("api_key", &self.api_key.as_ref().map(|_| "(not shown)"))
            .field("concurrency", &self.concurrency)
            .field("attempts", &self.attempts)
            .field("first_pause", &self.first_pause)
            .field("try_timeout", &self.try_timeout)
            .field("total_timeout", &self.total_timeout)
            .field("constraints", &self.constraints)
            .finish()
    }
}

/// A model behind a server.
pub struct OpenAiModel {
    identity: Identity,
    options: OpenAiOptions,
    server: Server,
}

impl fmt::Debug for OpenAiModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiModel").field("identity", &self.identity).field("options", &self.options).finish()
    }
}

impl OpenAiModel {
    /// A model that the server at `endpoint` knows as `model`. Nothing is sent yet.
    ///
    /// `endpoint` is the base URL: `http://localhost:8000` and `http://localhost:8000/v1` are the same; a URL with any
    /// other path is taken as it is. `/chat/completions` is added to it.
    pub fn new(endpoint: &str, model: &str, options: OpenAiOptions) -> Result<OpenAiModel, ModelError> {
        let endpoint = Endpoint::parse(endpoint, "/v1", "/chat/completions")?;
        let identity = Identity {
            backend: "openai".into(),
            model: model.to_owned(),
            digest: None,
            device: None,
            endpoint: Some(endpoint.base().to_owned()),
        };
        let server = Server::new(endpoint, model, options.terms())?;
        Ok(OpenAiModel { identity, options, server })
    }
}

#[async_trait]
impl Model for OpenAiModel {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn concurrency(&self) -> usize {
        self.options.concurrency
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, ModelError> {
        request.validate()?;
        let body = request::body(&self.identity.model, request, self.options.constraints)?;
        let read = |response| async move { reply::complete(reply::receive(response, progress).await?, request) };
        self.server.ask(&body, read).await
    }
}
