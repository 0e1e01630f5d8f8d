//! The routes.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware;
use axum::routing::{get, post};
use rewarden_dialects::{Problem, ProblemKind};
use utoipa::openapi::OpenApi as Document;

use crate::http::api::{admin, health, packs, reward, stream};
use crate::http::body_room::{self, BodyRoom};
use crate::http::idempotency::{self, Idempotency};
use crate::http::openapi;
use crate::http::page;
use crate::http::refusal::ProblemResponse;
use crate::http::request_layer;
use crate::http::state::App;

/// All routes: the native ones, and `more` beside them (the dialects), which pass through the same layers. `documents`
/// describe the latter.
pub(crate) fn router(app: Arc<App>, more: Router, documents: Vec<Document>) -> Router {
    let bodies = BodyRoom::new(app.limits.bodies_bytes);
    let taking = |most: usize| middleware::from_fn_with_state((bodies.clone(), most), body_room::layer);
    let mut document = openapi::document();
    for other in documents {
        document.merge(other);
    }
    // A document of maps and texts has nothing that JSON cannot say.
    let document = Bytes::from(serde_json::to_vec(&document).unwrap_or_default());
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
    let answers = Arc::new(Idempotency::new(&app.limits, app.metrics.clone()));
    let once = Router::new()
        .route("/v1/reward", post(reward::reward))
        .with_state(app.clone())
        .merge(more)
        .layer(middleware::from_fn_with_state(answers, idempotency::answer_once));
    native
        .merge(once)
        .layer(DefaultBodyLimit::max(app.limits.body_bytes))
        .layer(taking(app.limits.body_bytes))
        .merge(uploads)
        .merge(page::routes())
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(app, request_layer::pass))
}

async fn no_route(uri: Uri) -> ProblemResponse {
    let detail = format!("there is no {}; /docs shows what there is", uri.path());
    ProblemResponse(Problem::new(ProblemKind::NotFound, detail))
}

async fn no_method(method: Method, uri: Uri) -> ProblemResponse {
    let detail = format!("{} does not take {method}; /docs shows what it takes", uri.path());
    ProblemResponse(Problem::new(ProblemKind::MethodNotAllowed, detail))
}
