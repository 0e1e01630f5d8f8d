//! A model behind a server that speaks the OpenAI chat protocol: vLLM, SGLang, llama.cpp, a hosted service.
//!
//! Replies are streamed where the server streams, and read as plain JSON where it does not. What the server is told
//! goes through its own interpretation: the seed is passed on (see [`ConstraintDialect`] for constraints), but whether
//! equal seeds give equal texts, and whether control tokens in messages are defused, is up to the server.

mod constraint;
mod engine;
mod negotiation;
mod reply;
mod request;
mod wire;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tokio::sync::OnceCell;

pub use constraint::ConstraintDialect;

use self::engine::ServerEngine;
use self::negotiation::{Negotiation, Prober, Written};
use self::request::{Route, TokenBound};
use crate::server::{Endpoint, RemoteServer, ServerTerms};
use rewarden_types::{
    Completion, Constraint, GenerateProgress, GenerateRequest, Identity, Model, ModelError, PromptInput,
};

/// How a server is asked.
#[derive(Clone, Debug, Default)]
pub struct OpenAiOptions {
    /// How often, and how long at most.
    pub terms: ServerTerms,
    /// How the server takes constraints.
    pub constraints: ConstraintDialect,
}

/// A model behind a server.
pub struct OpenAiModel {
    identity: Identity,
    options: OpenAiOptions,
    server: RemoteServer,
    /// The same server where it applies no chat template: made when a prompt first needs it.
    text_server: OnceCell<RemoteServer>,
    text_endpoint: String,
    /// What is known of how the server takes constraints.
    negotiation: Negotiation,
    /// Whether the server refused `max_tokens` and wants `max_completion_tokens`.
    renamed_bound: AtomicBool,
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
    /// other path is taken as it is. `/chat/completions` is added to it, or `/completions` for prompts without a chat template.
    pub fn new(endpoint: &str, model: &str, options: OpenAiOptions) -> Result<OpenAiModel, ModelError> {
        let text_endpoint = endpoint.to_owned();
        let endpoint = Endpoint::parse(endpoint, "/v1", "/chat/completions")?;
        let identity = Identity { endpoint: Some(endpoint.base().to_owned()), ..Identity::new("openai", model) };
        let server = RemoteServer::new(endpoint, model, options.terms.clone())?;
        let (text_server, renamed_bound) = (OnceCell::new(), AtomicBool::new(false));
        let negotiation = Negotiation::new(options.constraints);
        Ok(OpenAiModel { identity, options, server, text_server, text_endpoint, negotiation, renamed_bound })
    }

    async fn text_server(&self) -> Result<&RemoteServer, ModelError> {
        let make = async || {
            let base = self.text_endpoint.trim().trim_end_matches('/');
            let endpoint =
                Endpoint::parse(base.strip_suffix("/chat/completions").unwrap_or(base), "/v1", "/completions")?;
            RemoteServer::new(endpoint, &self.identity.model, self.options.terms.clone())
        };
        self.text_server.get_or_try_init(make).await
    }

    /// Asks for a completion, with the bound of its length under the name that the server takes.
    async fn ask(
        &self,
        request: &GenerateRequest,
        written: Option<Written>,
        progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, ModelError> {
        if self.renamed_bound.load(Ordering::Relaxed) {
            return self.post(request, written, TokenBound::MaxCompletionTokens, progress).await;
        }
        match self.post(request, written.clone(), TokenBound::MaxTokens, progress).await {
            Err(ModelError::HttpStatus { status: 400 | 422, body, .. }) if request::wants_renamed_bound(&body) => {
                self.renamed_bound.store(true, Ordering::Relaxed);
                self.post(request, written, TokenBound::MaxCompletionTokens, progress).await
            }
            answered => answered,
        }
    }

    async fn post(
        &self,
        request: &GenerateRequest,
        written: Option<Written>,
        bound: TokenBound,
        progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, ModelError> {
        let (route, body) = request::body(&self.identity.model, request, written, bound)?;
        let read =
            |response| async move { reply::complete(reply::receive(response, request, progress).await?, request) };
        let server = match route {
            Route::Chat => &self.server,
            Route::Text => self.text_server().await?,
        };
        server.ask(&body, read).await
    }

    /// The constraint in the form in which the server obeys it, which is found out before its first use.
    async fn written(&self, input: &PromptInput, constraint: &Constraint) -> Result<Written, ModelError> {
        self.negotiation.write(self, input, constraint).await
    }
}

impl Prober for OpenAiModel {
    async fn engine(&self) -> Result<ServerEngine, ModelError> {
        engine::ask(&self.server, self.identity.endpoint.as_deref().unwrap_or_default()).await
    }

    async fn answer(&self, request: &GenerateRequest, written: Written) -> Result<(String, bool), ModelError> {
        let completion = self.ask(request, Some(written), &|_| {}).await?;
        Ok((completion.text, completion.thinking.is_some()))
    }
}

#[async_trait]
impl Model for OpenAiModel {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn concurrency(&self) -> usize {
        self.options.terms.concurrency
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, ModelError> {
        crate::request::validate(request)?;
        let written = match &request.constraint {
            Some(constraint) => Some(self.written(&request.input, constraint).await?),
            None => None,
        };
        self.ask(request, written, progress).await
    }

    async fn holds_to(&self, input: &PromptInput, constraint: &Constraint) -> Result<(), ModelError> {
        crate::constraint::check(constraint)
            .map_err(|message| ModelError::ConstraintInvalid { constraint: constraint.kind(), message })?;
        self.written(input, constraint).await.map(drop)
    }

    async fn found(&self) -> Option<String> {
        let found = self.negotiation.found().await?;
        Some(format!("{} is {found}", self.identity.endpoint.as_deref().unwrap_or_default()))
    }
}
