//! The routes, and what all of them share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware;
use axum::routing::{get, post};
use utoipa::openapi::OpenApi as Document;

use crate::api::{admin, health, packs, reward, stream};
use crate::bodies::{self, Bodies};
use crate::cors::Origins;
use crate::desk::Desk;
use crate::gate::{self, Hosts};
use crate::idempotency::{self, Idempotency};
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::openapi;
use crate::packs::Packs;
use crate::page;
use crate::problem::{Problem, ProblemKind};
use crate::rate::Rate;
use crate::settings::Limits;

/// What every handler can reach.
pub(crate) struct App {
    pub(crate) desk: Arc<Desk>,
    pub(crate) packs: Arc<Packs>,
    pub(crate) models: Models,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: Limits,
    pub(crate) keys: Option<Keys>,
    /// For everybody, where there are no keys.
    pub(crate) rate: Option<Rate>,
    pub(crate) hosts: Hosts,
    pub(crate) origins: Origins,
    pub(crate) shadows: BTreeMap<String, String>,
    pub(crate) idempotency: Idempotency,
    pub(crate) stopping: AtomicBool,
}

/// All routes: the native ones, and `more` beside them (dialects, the page) under the same gate. `documents` describe the
/// latter.
pub(crate) fn router(app: Arc<App>, more: Router, documents: Vec<Document>) -> Router {
    let bodies = Bodies::new(app.limits.bodies_bytes);
    let taking = |most: usize| middleware::from_fn_with_state((bodies.clone(), most), bodies::layer);
    let mut document = openapi::document();
    for other in documents {
        document.merge(other);
    }
    let uploads = Router::new()
        .route("/admin/packs/{name}", post(admin::upload).delete(admin::remove))
        .layer(DefaultBodyLimit::max(app.limits.upload_bytes))
        .layer(taking(app.limits.upload_bytes))
        .with_state(app.clone());
    let native = Router::new()
        .route("/v1/reward/stream", post(stream::stream))
        .route("/v1/packs", get(packs::packs))
        .route("/v1/models", get(packs::models))
        .route("/v1/recent", get(packs::recent))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/problems/{kind}", get(health::problem))
        .route("/openapi.json", get(move || openapi::json(document.clone())))
        .route("/docs", get(openapi::page))
        .with_state(app.clone());
    let once = Router::new()
        .route("/v1/reward", post(reward::reward))
        .with_state(app.clone())
        .merge(more)
        .layer(middleware::from_fn_with_state(app.clone(), idempotency::answer_once));
    native
        .merge(once)
        .layer(DefaultBodyLimit::max(app.limits.body_bytes))
        .layer(taking(app.limits.body_bytes))
        .merge(uploads)
        .merge(page::routes())
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(app, gate::pass))
}

async fn no_route(uri: Uri) -> Problem {
    Problem::new(ProblemKind::NotFound, format!("there is no {}; /docs shows what there is", uri.path()))
}

async fn no_method(method: Method, uri: Uri) -> Problem {
    Problem::new(
        ProblemKind::MethodNotAllowed,
        format!("{} does not take {method}; /docs shows what it takes", uri.path()),
    )
}
