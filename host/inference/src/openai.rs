//! A model behind a server that speaks the OpenAI chat protocol: vLLM, SGLang, llama.cpp, a hosted service.
//!
//! Replies are streamed where the server streams, and read as plain JSON where it does not. What the server is told
//! goes through its own interpretation: the seed is passed on (see [`ConstraintDialect`] for constraints), but whether
//! equal seeds give equal texts, and whether control tokens in messages are defused, is up to the server.

mod constraint;
mod reply;
mod request;

use std::fmt;

use async_trait::async_trait;

pub use constraint::ConstraintDialect;

use crate::server::{Endpoint, RemoteServer, ServerTerms};
use rewarden_types::ModelError;
use rewarden_types::{Completion, GenerateProgress, GenerateRequest, Identity, Model};

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
        let server = RemoteServer::new(endpoint, model, options.terms.clone())?;
        Ok(OpenAiModel { identity, options, server })
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
        let body = request::body(&self.identity.model, request, self.options.constraints)?;
        let read =
            |response| async move { reply::complete(reply::receive(response, request, progress).await?, request) };
        self.server.ask(&body, read).await
    }
}
