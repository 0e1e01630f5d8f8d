//! The headers that are this server's own.

use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use rewarden_dialects::PackLabel;

/// The header that names the version of the pack that made a reward: name, version and digest.
pub(crate) const PACK: HeaderName = HeaderName::from_static("x-rewarden-pack");

/// The header that names a request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Adds the header that names the version. All rewards of one response are of one version of the pack: the one that was
/// live when the request came.
pub(crate) fn labelled(label: &PackLabel, response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    let text = format!("{}@{};{}", label.name, label.version, label.digest);
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().insert(PACK, value);
    }
    response
}
