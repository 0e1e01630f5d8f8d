//! The page for people: playground, packs, recent rewards, health. All of it is in the binary.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Allows scripts and styles from this server only and nothing else to be fetched. Forbids framing, so that no other
/// site can have the page's buttons pressed.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, type and content of every file.
const FILES: [(&str, &str, &str); 9] = [
    ("/", HTML, include_str!("../../page/index.html")),
    ("/page/page.css", CSS, include_str!("../../page/page.css")),
    ("/page/main.js", SCRIPT, include_str!("../../page/main.js")),
    ("/page/dom.js", SCRIPT, include_str!("../../page/dom.js")),
    ("/page/server.js", SCRIPT, include_str!("../../page/server.js")),
    ("/page/playground.js", SCRIPT, include_str!("../../page/playground.js")),
    ("/page/votes.js", SCRIPT, include_str!("../../page/votes.js")),
    ("/page/packs.js", SCRIPT, include_str!("../../page/packs.js")),
    ("/page/overview.js", SCRIPT, include_str!("../../page/overview.js")),
];

/// The page's routes.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.into_iter().fold(Router::new(), |routes, (path, kind, content)| {
        routes.route(path, get(move || async move { file(kind, content) }))
    })
}

fn file(kind: &'static str, content: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // Another version of the binary has another page.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    ];
    (headers, content).into_response()
}
