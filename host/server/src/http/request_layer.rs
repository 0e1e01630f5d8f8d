//! The layer around every request: its id, its key, its rate, its time limit, its line in the log.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use rand::RngCore;
use rewarden_dialects::{Problem, ProblemKind, error_form};
use tracing::Instrument;

use crate::http::cors;
use crate::http::headers::REQUEST_ID;
use crate::http::refusal::{ProblemResponse, in_form};
use crate::http::state::App;
use crate::judging::{Caller, hex};
use crate::metrics::Metrics;

/// The status (nginx's) under which a request is counted if its client left before it was answered.
const CLIENT_LEFT: u16 = 499;

/// Passes a request on if its caller may ask, within the time limit, and counts and logs it.
pub(crate) async fn pass(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut caller = Caller { key: None, request: id.clone() };
    let origin = app.origins.of(request.headers());
    if let Some(origin) = &origin
        && let Some(mut response) = cors::preflight(&method, request.headers())
    {
        cors::allow(&mut response, origin.clone());
        return response;
    }
    let in_flight = InFlight::new(&app, &id, &request);
    let answered = async {
        caller.key = app.access.admit(&method, &path, request.headers())?;
        request.extensions_mut().insert(caller.clone());
        let limit = app.limits.request_time;
        // If a handler panics, the client still gets an answer.
        let answering = AssertUnwindSafe(next.run(request)).catch_unwind();
        let answered = tokio::time::timeout(limit, answering).await.map_err(|_| {
            let detail = format!(
                "not answered within {:.0} s, this server's limit (--request-timeout); ask for less at once",
                limit.as_secs_f64()
            );
            Problem::new(ProblemKind::Timeout, detail)
        })?;
        answered.map_err(|_| Problem::new(ProblemKind::Internal, "answering failed; the server's log says why"))
    };
    let answered: Result<Response, Problem> =
        answered.instrument(tracing::info_span!("request", id, method = %method, path)).await;
    let response = answered.unwrap_or_else(|problem| ProblemResponse(problem).into_response());
    let mut response = in_form(error_form(&path), response);
    if let Some(origin) = origin {
        cors::allow(&mut response, origin);
    }
    if let Some(problem) = response.extensions().get::<Problem>() {
        app.metrics.problem(problem);
        tracing::info!(id, kind = problem.kind.name(), detail = problem.detail, "problem");
    }
    in_flight.answered(response.status().as_u16());
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// A request that is being answered. It is counted and logged when dropped, so also if its client leaves: hyper then
/// drops the future that holds it.
struct InFlight {
    metrics: Arc<Metrics>,
    began: Instant,
    id: String,
    method: Method,
    path: String,
    route: String,
    /// `None` until it is answered.
    status: Option<u16>,
}

impl InFlight {
    fn new(app: &App, id: &str, request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str).to_owned();
        app.metrics.in_flight.inc();
        Self {
            metrics: app.metrics.clone(),
            began: Instant::now(),
            id: id.to_owned(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            route,
            status: None,
        }
    }

    fn answered(mut self, status: u16) {
        self.status = Some(status);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let Self { metrics, id, method, path, .. } = self;
        metrics.in_flight.dec();
        let took = self.began.elapsed();
        metrics.request(&self.route, self.status.unwrap_or(CLIENT_LEFT), took);
        let seconds = took.as_secs_f64();
        match self.status {
            Some(status) => tracing::debug!(id, method = %method, path, status, seconds, "answered"),
            None => {
                tracing::info!(id, method = %method, path, seconds, "not answered: the client left, or the server was stopped")
            }
        }
    }
}

/// The client's own request id if it is fit for logs and headers, or else a fresh one.
fn request_id(headers: &HeaderMap) -> String {
    let fits = |id: &&str| {
        (1..=128).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'))
    };
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(fits);
    given.map(str::to_owned).unwrap_or_else(|| {
        let mut bytes = [0; 16];
        rand::rng().fill_bytes(&mut bytes);
        hex(&bytes)
    })
}
