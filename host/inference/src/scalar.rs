//! A reward model with one label behind a server: it reads a conversation and answers with one number. The meta RM of
//! DeepSeek-GRM is one (`Gemma2ForSequenceClassification`), served by vLLM under `/classify` and `/pooling`.
//!
//! It is a [`Model`] like the others, and its number is the completion's text. So a pack renders the conversation with
//! an ordinary template and reads the number with an ordinary rating parser, runs record it like any sample, and
//! replay needs nothing new; a second interface for numbers would double all of that. The text has the fewest decimal
//! digits that read back as the same 64-bit number and never an exponent, which parsers of ratings do not take. It may
//! be negative and has no bounds: the scale must allow for that.
//!
//! The raw logit is asked for by `use_activation: false`. vLLM that does not know the field ignores it and sends the
//! sigmoid: the order is the same until it saturates; there, switch the activation off when the server is started
//! (`--override-pooler-config`, later `--pooler-config`). The older names of the field are not sent along, since some
//! releases that know both read the older one as true whatever its value. A reply does not say whether an activation
//! was applied, but an exact 1 from `/classify` is refused: a softmax over one label says nothing else (SGLang, and
//! old vLLM), a sigmoid says it where it is saturated, and a raw logit is hardly ever that very number.
//!
//! Of a request's sampling nothing is sent, since nothing is sampled. What presumes a text, a constraint, stop strings
//! or log-probabilities, is refused. Nothing asks the server to cut a long conversation: it answers with an error.

mod reply;
mod request;

#[cfg(feature = "mistralrs")]
pub(crate) use request::refuse_what_presumes_text;

use std::fmt;

use async_trait::async_trait;

use crate::server::{Endpoint, RemoteServer, ServerTerms};
use rewarden_types::ModelError;
use rewarden_types::{Completion, GenerateProgress, GenerateRequest, Identity, Model};

/// What the server is asked by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScalarRoute {
    /// `/classify`: the number is `data[0].probs[0]`, which is no probability where the activation is off.
    #[default]
    Classify,
    /// `/pooling` with the task `classify`: the number is `data[0].data[0]`. Its `task` needs a vLLM that knows the
    /// field; others pool every token, which is refused.
    Pooling,
}

impl ScalarRoute {
    fn path(self) -> &'static str {
        match self {
            ScalarRoute::Classify => "/classify",
            ScalarRoute::Pooling => "/pooling",
        }
    }
}

/// How the conversation is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScalarInput {
    /// As chat messages: the server applies the model's chat template, without the opening of a further turn.
    #[default]
    Messages,
    /// As one text, for servers whose route takes nothing else, and for models without a chat template: the turns'
    /// contents as they are, a blank line between them, no roles. The server adds its special tokens around it.
    Text,
}

/// How a server is asked.
#[derive(Clone, Debug, Default)]
pub struct ScalarOptions {
    /// The route.
    pub route: ScalarRoute,
    /// The form of the conversation.
    pub input: ScalarInput,
    /// How often, and how long at most.
    pub terms: ServerTerms,
}

/// A scalar reward model behind a server.
pub struct ScalarModel {
    identity: Identity,
    options: ScalarOptions,
    server: RemoteServer,
}

impl fmt::Debug for ScalarModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScalarModel").field("identity", &self.identity).field("options", &self.options).finish()
    }
}

impl ScalarModel {
    /// A model that the server at `endpoint` knows as `model`. Nothing is sent yet.
    ///
    /// `endpoint` is the base URL, to which the route is added. vLLM has both routes at its root,
    /// `http://localhost:8000`, and not below `/v1`.
    pub fn new(endpoint: &str, model: &str, options: ScalarOptions) -> Result<ScalarModel, ModelError> {
        let endpoint = Endpoint::parse(endpoint, "", options.route.path())?;
        // The model reads other bytes then, and may answer otherwise: not one run.
        let backend = match options.input {
            ScalarInput::Messages => "scalar",
            ScalarInput::Text => "scalar-text",
        };
        let identity = Identity { endpoint: Some(endpoint.base().to_owned()), ..Identity::new(backend, model) };
        let server = RemoteServer::new(endpoint, model, options.terms.clone())?;
        Ok(ScalarModel { identity, options, server })
    }
}

#[async_trait]
impl Model for ScalarModel {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn concurrency(&self) -> usize {
        self.options.terms.concurrency
    }

    /// One number for the conversation, whose last turn may be the assistant's. `progress` is never called: there are
    /// no tokens.
    async fn generate(
        &self,
        request: &GenerateRequest,
        _progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, ModelError> {
        crate::request::validate(request)?;
        request::refuse_what_presumes_text(request)?;
        let ScalarOptions { route, input, .. } = self.options;
        let turns = crate::request::chat_turns(request)?;
        let body = request::body(&self.identity.model, turns, &request.fields, route, input);
        let answered = self.server.ask(&body, |response| reply::receive(response, route)).await;
        answered.map_err(|error| reply::explain(error, input))
    }
}
