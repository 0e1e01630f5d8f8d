//! A server that is asked over HTTP: how many requests at once, how often each is tried, and how long it may take.

pub(crate) mod body;
mod client;
mod endpoint;
mod failure;

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{RequestBuilder, Response};
use tokio::sync::Semaphore;

use client::EndpointClient;
pub(crate) use endpoint::Endpoint;
pub(crate) use failure::{TryFailure, excerpt, parse};

use rewarden_types::ModelError;

/// How long the connection itself may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest pause between two tries, before jitter.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Further tries for a server that says that it is loading its model: two minutes and more, with the usual pauses.
const WHILE_LOADING: u32 = 4;

/// The most bytes of what a server says of itself: a list of models may be long.
const MOST_FETCHED: usize = 4 << 20;

/// How a server is talked to, whatever it is asked.
#[derive(Clone)]
pub struct ServerTerms {
    /// Sent as a bearer token. Never shown: not in errors, not by `Debug`.
    pub api_key: Option<String>,
    /// Most requests at once, at least 1. A request that waits to be retried counts.
    pub concurrency: usize,
    /// Most tries of one request, at least 1.
    pub attempts: u32,
    /// The pause before the second try; doubles with every further one, up to 30 s, plus up to as much again at random.
    /// A longer `Retry-After` (in seconds) of the server takes its place.
    pub first_pause: Duration,
    /// How long one try may take, from connecting to the end of the reply.
    pub try_timeout: Duration,
    /// How long all tries of one request and the pauses between them may take together.
    pub total_timeout: Duration,
}

impl Default for ServerTerms {
    fn default() -> Self {
        ServerTerms {
            api_key: None,
            concurrency: 16,
            // 15 to 31 s with the pauses between them: a llama.cpp server that is restarted is back by then.
            attempts: 6,
            first_pause: Duration::from_millis(500),
            try_timeout: Duration::from_secs(300),
            total_timeout: Duration::from_secs(900),
        }
    }
}

impl fmt::Debug for ServerTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terms")
            .field("api_key", &self.api_key.as_ref().map(|_| "(not shown)"))
            .field("concurrency", &self.concurrency)
            .field("attempts", &self.attempts)
            .field("first_pause", &self.first_pause)
            .field("try_timeout", &self.try_timeout)
            .field("total_timeout", &self.total_timeout)
            .finish()
    }
}

/// One route of a server.
pub(crate) struct RemoteServer {
    endpoint: Endpoint,
    terms: ServerTerms,
    client: EndpointClient,
    authorization: Option<HeaderValue>,
    places: Semaphore,
}

impl RemoteServer {
    /// Checks the terms; `model` is named in errors. Nothing is sent yet.
    pub(crate) fn new(endpoint: Endpoint, model: &str, terms: ServerTerms) -> Result<RemoteServer, ModelError> {
        let at_least_one = |option, value: usize| match value {
            0 => Err(ModelError::InvalidOption { option, found: "0".into(), expected: "at least 1".into() }),
            _ => Ok(()),
        };
        at_least_one("concurrency", terms.concurrency)?;
        at_least_one("attempts", terms.attempts as usize)?;
        if terms.concurrency > Semaphore::MAX_PERMITS {
            return Err(ModelError::InvalidOption {
                option: "concurrency",
                found: terms.concurrency.to_string(),
                expected: format!("at most {}", Semaphore::MAX_PERMITS),
            });
        }
        let authorization = terms.api_key.as_deref().map(authorization).transpose()?;
        let client = EndpointClient::new(endpoint.url(), model)?;
        let places = Semaphore::new(terms.concurrency);
        Ok(RemoteServer { endpoint, terms, client, authorization, places })
    }

    /// The URL that is posted to.
    pub(crate) fn url(&self) -> &str {
        self.endpoint.url()
    }

    /// Posts `body`, once there is a place, until a successful response can be read or trying again is of no use.
    pub(crate) async fn ask<T, R>(
        &self,
        body: &serde_json::Value,
        read: impl Fn(Response) -> R,
    ) -> Result<T, ModelError>
    where
        R: Future<Output = Result<T, TryFailure>>,
    {
        self.exchange(self.url(), || self.client.client.post(self.url()).json(body), read).await
    }

    /// What a GET of another URL of the server answers; `None` if it has nothing there, or nothing in JSON.
    pub(crate) async fn fetch(&self, url: &str) -> Result<Option<serde_json::Value>, ModelError> {
        let read = |response| async { parse(&body::text(response, MOST_FETCHED).await?, "JSON") };
        match self.exchange(url, || self.client.client.get(url), read).await {
            Ok(answer) => Ok(Some(answer)),
            Err(ModelError::HttpStatus { .. } | ModelError::MalformedReply { .. } | ModelError::EmptyReply { .. }) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn exchange<T, R>(
        &self,
        url: &str,
        outgoing: impl Fn() -> RequestBuilder,
        read: impl Fn(Response) -> R,
    ) -> Result<T, ModelError>
    where
        R: Future<Output = Result<T, TryFailure>>,
    {
        let attempts = AtomicU32::new(0);
        let failed = |failure: TryFailure| failure.into_error(url, &self.terms, attempts.load(Ordering::SeqCst));
        let _place =
            self.places.acquire().await.map_err(|closed| failed(TryFailure::Connection(closed.to_string())))?;

        let started = Instant::now();
        let pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_factor(2.0)
            .with_min_delay(self.terms.first_pause)
            .with_max_delay(LONGEST_PAUSE.max(self.terms.first_pause))
            .with_max_times((self.terms.attempts + WHILE_LOADING) as usize - 1);
        let tries = (|| async {
            attempts.fetch_add(1, Ordering::SeqCst);
            self.attempt(outgoing(), &read).await
        })
        .retry(pauses)
        .when(|failure| {
            let within = attempts.load(Ordering::SeqCst) < self.terms.attempts;
            failure.may_pass() && (within || failure.is_loading())
        })
        .adjust(|failure, pause| {
            let pause = pause?.max(failure.retry_after().unwrap_or_default());
            // Waiting past the deadline would only hide the server's answer behind a timeout.
            (pause < self.terms.total_timeout.saturating_sub(started.elapsed())).then_some(pause)
        })
        .notify(|failure, pause| tracing::debug!("{url}: {failure}; trying again in {pause:?}"));
        match tokio::time::timeout(self.terms.total_timeout, tries).await {
            Ok(result) => result.map_err(failed),
            Err(_) => Err(failed(TryFailure::TotalTimeout)),
        }
    }

    /// A connection that was not made or broke off, with the proxy in between if there is one.
    fn unreached(&self, error: &reqwest::Error) -> TryFailure {
        match (TryFailure::of_transport(error), &self.client.proxy) {
            (TryFailure::Connection(message), Some(proxy)) => {
                TryFailure::Connection(format!("{message}; it was asked through {proxy}"))
            }
            (failure, _) => failure,
        }
    }

    /// One try, under its own time limit.
    async fn attempt<T, R>(&self, mut outgoing: RequestBuilder, read: impl Fn(Response) -> R) -> Result<T, TryFailure>
    where
        R: Future<Output = Result<T, TryFailure>>,
    {
        let exchange = async {
            if let Some(authorization) = &self.authorization {
                outgoing = outgoing.header(AUTHORIZATION, authorization.clone());
            }
            let response = outgoing.send().await.map_err(|error| self.unreached(&error))?;
            if !response.status().is_success() {
                return Err(TryFailure::of_status(response, self.terms.api_key.as_deref()).await);
            }
            read(response).await
        };
        tokio::time::timeout(self.terms.try_timeout, exchange).await.unwrap_or(Err(TryFailure::TryTimeout))
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
