//! A model behind a server that speaks the OpenAI chat protocol: vLLM, SGLang, llama.cpp, a hosted service.
//!
//! Replies are streamed where the server streams, and read as plain JSON where it does not. What the server is told
//! goes through its own interpretation: the seed is passed on (see [`ConstraintDialect`] for constraints), but whether
//! equal seeds give equal texts, and whether control tokens in messages are defused, is up to the server.

mod constraint;
mod endpoint;
mod failure;
mod reply;
mod request;

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use tokio::sync::Semaphore;

pub use constraint::ConstraintDialect;

use crate::error::ModelError;
use crate::model::{Completion, GenerateProgress, GenerateRequest, Identity, Model};
use endpoint::Endpoint;
use failure::Failure;

/// How long the connection itself may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest pause between two tries, before jitter.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

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

impl Default for OpenAiOptions {
    fn default() -> Self {
        OpenAiOptions {
            api_key: None,
            concurrency: 16,
            attempts: 5,
            first_pause: Duration::from_millis(500),
            try_timeout: Duration::from_secs(300),
            total_timeout: Duration::from_secs(900),
            constraints: ConstraintDialect::None,
        }
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
    endpoint: Endpoint,
    options: OpenAiOptions,
    client: reqwest::Client,
    authorization: Option<HeaderValue>,
    places: Semaphore,
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
        let endpoint = Endpoint::parse(endpoint)?;
        let at_least_one = |option, value: usize| match value {
            0 => Err(ModelError::InvalidOption { option, found: "0".into(), expected: "at least 1".into() }),
            _ => Ok(()),
        };
        at_least_one("concurrency", options.concurrency)?;
        at_least_one("attempts", options.attempts as usize)?;
        if options.concurrency > Semaphore::MAX_PERMITS {
            return Err(ModelError::InvalidOption {
                option: "concurrency",
                found: options.concurrency.to_string(),
                expected: format!("at most {}", Semaphore::MAX_PERMITS),
            });
        }
        let authorization = options.api_key.as_deref().map(authorization).transpose()?;
        let client = reqwest::Client::builder().connect_timeout(CONNECT).build().map_err(|error| ModelError::Load {
            model: model.to_owned(),
            message: format!("the HTTP client cannot be set up: {error}"),
        })?;
        let identity = Identity {
            backend: "openai".into(),
            model: model.to_owned(),
            digest: None,
            device: None,
            endpoint: Some(endpoint.base().to_owned()),
        };
        let places = Semaphore::new(options.concurrency);
        Ok(OpenAiModel { identity, endpoint, options, client, authorization, places })
    }

    /// One try, under its own time limit.
    async fn attempt(
        &self,
        body: &serde_json::Value,
        request: &GenerateRequest,
        progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, Failure> {
        let exchange = async {
            let mut outgoing = self.client.post(self.endpoint.chat()).json(body);
            if let Some(authorization) = &self.authorization {
                outgoing = outgoing.header(AUTHORIZATION, authorization.clone());
            }
            let response = outgoing.send().await.map_err(|error| Failure::of_transport(&error))?;
            if !response.status().is_success() {
                return Err(Failure::of_status(response, self.options.api_key.as_deref()).await);
            }
            let raw = reply::receive(response, progress).await?;
            reply::complete(raw, request)
        };
        tokio::time::timeout(self.options.try_timeout, exchange).await.unwrap_or(Err(Failure::TryTimeout))
    }
}

fn authorization(key: &str) -> Result<HeaderValue, ModelError> {
    let invalid = |found: &str| ModelError::InvalidOption {
        option: "api_key",
        found: found.into(),
        expected: "printable ASCII; check the environment variable that it is read from".into(),
    };
    let key = key.trim();
    if key.is_empty() {
        return Err(invalid("blank"));
    }
    // The HTTP library would send other bytes too, and no server would know them for the key.
    if !key.chars().all(|c| c.is_ascii_graphic()) {
        return Err(invalid("a text with characters that no key has"));
    }
    let mut value =
        HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| invalid("a text that cannot be sent"))?;
    value.set_sensitive(true);
    Ok(value)
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
        let attempts = AtomicU32::new(0);
        let failed =
            |failure: Failure| failure.into_error(&self.endpoint, &self.options, attempts.load(Ordering::SeqCst));
        let _place = self.places.acquire().await.map_err(|closed| failed(Failure::Connection(closed.to_string())))?;

        let started = Instant::now();
        let pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_factor(2.0)
            .with_min_delay(self.options.first_pause)
            .with_max_delay(LONGEST_PAUSE.max(self.options.first_pause))
            .with_max_times(self.options.attempts as usize - 1);
        let tries = (|| async {
            attempts.fetch_add(1, Ordering::SeqCst);
            self.attempt(&body, request, progress).await
        })
        .retry(pauses)
        .when(Failure::may_pass)
        .adjust(|failure, pause| {
            let pause = pause?.max(failure.retry_after().unwrap_or_default());
            // Waiting past the deadline would only hide the server's answer behind a timeout.
            (started.elapsed() + pause < self.options.total_timeout).then_some(pause)
        })
        .notify(|failure, pause| tracing::debug!("{}: {failure}; trying again in {pause:?}", self.endpoint.chat()));
        match tokio::time::timeout(self.options.total_timeout, tries).await {
            Ok(result) => result.map_err(failed),
            Err(_) => Err(failed(Failure::TotalTimeout)),
        }
    }
}
