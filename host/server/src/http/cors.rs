//! Web pages of other origins may ask only if the operator names their origins.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

const ALLOWED_HEADERS: &str = "authorization, content-type, idempotency-key, x-request-id";
const SHOWN_HEADERS: &str = "x-rewarden-pack, x-request-id, retry-after, idempotent-replayed";
const METHODS: &str = "GET, POST, DELETE";
/// Seconds for which a browser may remember the answer.
const MAX_AGE: &str = "600";

/// The origins that may ask, such as `https://notebook.example`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(pub(crate) Vec<String>);

impl Origins {
    /// Returns the request's origin if it may ask.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        let known = self.0.iter().any(|known| known.as_bytes() == origin.as_bytes());
        known.then(|| origin.clone())
    }
}

/// Answers a browser's preflight request. Returns `None` for any other request.
pub(crate) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Response> {
    if method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}

/// Allows a page of this origin to read the response.
pub(crate) fn allow(response: &mut Response, origin: HeaderValue) {
    let fixed = |name: HeaderName, value| (name, HeaderValue::from_static(value));
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin),
        fixed(header::ACCESS_CONTROL_EXPOSE_HEADERS, SHOWN_HEADERS),
        fixed(header::VARY, "origin"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, value);
    }
}
