//! Answers a request with an idempotency key once, however often it is sent.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rewarden_dialects::{Problem, ProblemKind};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::http::headers::PACK;
use crate::http::refusal::ProblemResponse;
use crate::judging::Caller;
use crate::metrics::Metrics;
use crate::off_thread::{cost, off_thread};
use crate::settings::ServerLimits;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of answers that were given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The most bytes of remembered answers.
const BYTES: usize = 64 << 20;
/// The most remembered answers.
const ENTRIES: usize = 65_536;

/// The answers to requests with a key.
pub(crate) struct Idempotency {
    lifetime: Duration,
    /// Bytes of the largest body.
    body_bytes: usize,
    metrics: Arc<Metrics>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<Scope, Entry>,
    /// The answered ones, oldest first.
    order: VecDeque<(Instant, Scope)>,
    bytes: usize,
}

/// A key within one client and one route. The same key elsewhere is another key.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Scope {
    caller: Option<String>,
    path: String,
    key: String,
}

struct Entry {
    body: [u8; 32],
    state: EntryState,
}

enum EntryState {
    /// Ends when the sender is dropped.
    Pending(watch::Receiver<()>),
    Answered(Remembered),
}

#[derive(Clone)]
struct Remembered {
    status: StatusCode,
    content_type: Option<HeaderValue>,
    pack: Option<HeaderValue>,
    body: Bytes,
}

enum Claim {
    Mine(Pending),
    Wait(watch::Receiver<()>),
    Answered(Remembered),
    Conflict,
}

/// A request that is being answered. Forgets its key if it ends without an answer that may be repeated.
struct Pending {
    inner: Arc<Mutex<Inner>>,
    scope: Scope,
    _ends: watch::Sender<()>,
    answered: bool,
}

impl Idempotency {
    pub(crate) fn new(limits: &ServerLimits, metrics: Arc<Metrics>) -> Self {
        Self { lifetime: limits.idempotency, body_bytes: limits.body_bytes, metrics, inner: Arc::default() }
    }

    fn claim(&self, scope: &Scope, body: [u8; 32]) -> Claim {
        let mut inner = lock(&self.inner);
        inner.forget(Instant::now(), self.lifetime);
        if let Some(entry) = inner.entries.get(scope) {
            return match &entry.state {
                _ if entry.body != body => Claim::Conflict,
                EntryState::Pending(receiver) => Claim::Wait(receiver.clone()),
                EntryState::Answered(answer) => Claim::Answered(answer.clone()),
            };
        }
        let (sender, receiver) = watch::channel(());
        inner.entries.insert(scope.clone(), Entry { body, state: EntryState::Pending(receiver) });
        Claim::Mine(Pending { inner: self.inner.clone(), scope: scope.clone(), _ends: sender, answered: false })
    }
}

impl Inner {
    /// Drops answers that are too old, and the oldest ones if there are too many.
    fn forget(&mut self, now: Instant, lifetime: Duration) {
        while let Some((answered, _)) = self.order.front() {
            let old = now.duration_since(*answered) > lifetime;
            if !old && self.bytes <= BYTES && self.order.len() <= ENTRIES {
                return;
            }
            let Some((_, scope)) = self.order.pop_front() else { return };
            if let Some(Entry { state: EntryState::Answered(answer), .. }) = self.entries.remove(&scope) {
                self.bytes -= answer.body.len();
            }
        }
    }
}

impl Pending {
    fn answered(mut self, answer: Remembered) {
        self.answered = true;
        let mut inner = lock(&self.inner);
        inner.bytes += answer.body.len();
        inner.order.push_back((Instant::now(), self.scope.clone()));
        if let Some(entry) = inner.entries.get_mut(&self.scope) {
            entry.state = EntryState::Answered(answer);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.answered {
            lock(&self.inner).entries.remove(&self.scope);
        }
    }
}

/// Answers requests with a key once. Passes on requests without one.
pub(crate) async fn answer_once(State(answers): State<Arc<Idempotency>>, request: Request, next: Next) -> Response {
    if !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    once(&answers, request, next).await.unwrap_or_else(|problem| ProblemResponse(problem).into_response())
}

async fn once(answers: &Idempotency, request: Request, next: Next) -> Result<Response, Problem> {
    let key = key(request.headers())?;
    let caller = request.extensions().get::<Caller>().and_then(|caller| caller.key.clone());
    let scope = Scope { caller, path: request.uri().path().to_owned(), key };
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, answers.body_bytes)
        .await
        .map_err(|error| Problem::new(ProblemKind::TooLarge, format!("the body could not be taken whole: {error}")))?;
    let digested = body.clone();
    let digest: [u8; 32] = off_thread(cost::DIGEST, body.len(), move || Sha256::digest(&digested).into()).await?;
    let pending = loop {
        match answers.claim(&scope, digest) {
            Claim::Mine(pending) => break pending,
            // Ends with an error when the first request is done, answered or not. Then the key is claimed again.
            Claim::Wait(mut receiver) => while receiver.changed().await.is_ok() {},
            Claim::Answered(answer) => {
                answers.metrics.repeated.inc();
                return Ok(answer.response());
            }
            Claim::Conflict => {
                let detail = "this Idempotency-Key came with another body before; use a key for one request only";
                return Err(Problem::new(ProblemKind::Conflict, detail));
            }
        }
    };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if !response.status().is_success() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .map_err(|error| Problem::new(ProblemKind::Internal, format!("the answer could not be kept: {error}")))?;
    let kept = |name| parts.headers.get(name).cloned();
    pending.answered(Remembered {
        status: parts.status,
        content_type: kept(header::CONTENT_TYPE),
        pack: kept(PACK),
        body: body.clone(),
    });
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let key = headers.get(KEY).and_then(|value| value.to_str().ok()).map(str::trim);
    match key {
        Some(key) if (1..=255).contains(&key.len()) => Ok(key.to_owned()),
        _ => Err(Problem::new(
            ProblemKind::InvalidRequest,
            "expected 1 to 255 visible ASCII characters in Idempotency-Key",
        )),
    }
}

impl Remembered {
    fn response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        if let Some(content_type) = self.content_type {
            headers.insert(header::CONTENT_TYPE, content_type);
        }
        if let Some(pack) = self.pack {
            headers.insert(PACK, pack);
        }
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
        response
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}
