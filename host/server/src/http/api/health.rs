//! Probes and metrics.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use rewarden_dialects::{Problem, ProblemKind};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::http::extract::Segment;
use crate::http::refusal::ProblemResponse;
use crate::http::state::App;

/// The server's state.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`
    status: &'static str,
    /// The version of the host.
    version: &'static str,
}

/// Returns whether the process runs.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "It does", body = Health)))]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok", version: rewarden_record::HOST_VERSION })
}

/// Whether it takes requests: a pack is live, and it is not shutting down.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "It does", body = Health),
    (status = 503, description = "Not now", body = crate::http::wire::ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Result<Json<Health>, ProblemResponse> {
    if app.stopping.load(Ordering::Relaxed) {
        return Err(Problem::new(ProblemKind::Unavailable, "the server is shutting down").into());
    }
    if app.service.registry.snapshot().packs.is_empty() {
        return Err(Problem::new(ProblemKind::Unavailable, "no pack is live").into());
    }
    Ok(healthz().await)
}

/// Figures for Prometheus, in OpenMetrics' text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "The figures", body = String, content_type = "application/openmetrics-text"),
))]
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, ProblemResponse> {
    app.service.executor.measure();
    app.metrics.cohort_members.set(i64::try_from(app.service.cohorts.waiting()).unwrap_or(i64::MAX));
    let text = app
        .metrics
        .text()
        .map_err(|error| Problem::new(ProblemKind::Internal, format!("the figures could not be written: {error}")))?;
    let mut response = text.into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8"),
    );
    Ok(response)
}

/// What a kind of problem means: the place that its `type` points to.
#[utoipa::path(get, path = "/problems/{kind}", tag = "health", params(("kind" = String, Path, description = "Such as `overloaded`")),
    responses((status = 200, description = "Its title and status", body = Object),
        (status = 404, description = "No such kind", body = crate::http::wire::ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn problem(Segment(kind): Segment) -> Result<Response, ProblemResponse> {
    let found = ProblemKind::ALL.into_iter().find(|known| known.name() == kind);
    let known = || ProblemKind::ALL.map(ProblemKind::name).join(", ");
    let kind = found.ok_or_else(|| {
        Problem::new(ProblemKind::NotFound, format!("no such kind of problem; there are {}", known()))
    })?;
    Ok(Json(json!({"type": kind.name(), "title": kind.title(), "status": kind.status()})).into_response())
}
