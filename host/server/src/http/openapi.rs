//! The OpenAPI document, generated from the code.

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::http::wire::ProblemDocument;

#[derive(OpenApi)]
#[openapi(
    info(title = "Rewarden", description = "Rewards from generative reward models and rules, for every trainer"),
    paths(
        crate::http::api::reward::reward,
        crate::http::api::stream::stream,
        crate::http::api::packs::packs,
        crate::http::api::packs::models,
        crate::http::api::packs::recent,
        crate::http::api::admin::upload,
        crate::http::api::admin::remove,
        crate::http::api::health::healthz,
        crate::http::api::health::readyz,
        crate::http::api::health::metrics,
        crate::http::api::health::problem,
    ),
    components(schemas(ProblemDocument)),
    modifiers(&Bearer)
)]
struct Native;

/// Declares the API key. It is optional, since a server without keys needs none (its admin routes are closed).
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_default().add_security_scheme("key", bearer);
        let nothing: [&str; 0] = [];
        document.security = Some(vec![SecurityRequirement::default(), SecurityRequirement::new("key", nothing)]);
    }
}

/// The native API's document. Those of other endpoints are merged into it.
pub(crate) fn document() -> Document {
    Native::openapi()
}

/// Serves the document, which is written once: anybody may ask for it, as often as they like.
pub(crate) async fn json(document: Bytes) -> Response {
    ([(CONTENT_TYPE, "application/json")], document).into_response()
}

/// Serves a page that shows the document and needs no network.
pub(crate) async fn page() -> Response {
    Html(include_str!("openapi.html")).into_response()
}
