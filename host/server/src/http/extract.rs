//! Extractors of bodies and paths.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::{HeaderMap, header, request::Parts};
use rewarden_dialects::{Problem, ProblemKind, parse_json};
use serde::de::DeserializeOwned;

use crate::http::refusal::ProblemResponse;
use crate::off_thread::{cost, off_thread};

/// The bytes of a body that is declared as JSON.
pub(crate) struct JsonBytes(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = ProblemResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, ProblemResponse> {
        check_type(request.headers())?;
        Ok(Self(Bytes::from_request(request, state).await.map_err(|error| unread(&error))?))
    }
}

/// A JSON body. If it cannot be read, the [`Problem`] names the field.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send + 'static> FromRequest<S> for JsonBody<T> {
    type Rejection = ProblemResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, ProblemResponse> {
        let JsonBytes(bytes) = JsonBytes::from_request(request, state).await?;
        Ok(Self(off_thread(cost::JSON, bytes.len(), move || parse_json(&bytes)).await??))
    }
}

/// The one parameter of a route's path, such as a pack's name.
pub(crate) struct Segment(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ProblemResponse> {
        let Path(segment) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::new(ProblemKind::InvalidRequest, format!("the path cannot be read: {error}")))?;
        Ok(Self(segment))
    }
}

/// Refuses all types but JSON: a browser sends some others across origins without asking first.
fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let found = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = found.and_then(|value| value.split(';').next()).map(str::trim);
    let json = media.is_some_and(|media| {
        media.eq_ignore_ascii_case("application/json")
            || (media.starts_with("application/") && media.to_ascii_lowercase().ends_with("+json"))
    });
    if json {
        return Ok(());
    }
    let found = found.map_or("no content-type".to_owned(), |found| format!("content-type `{found}`"));
    Err(Problem::new(
        ProblemKind::UnsupportedMediaType,
        format!("expected content-type `application/json`, found {found}"),
    ))
}

/// Why the bytes of a body could not be read.
pub(crate) fn unread(error: &BytesRejection) -> Problem {
    match error {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            Problem::new(ProblemKind::TooLarge, "the body is larger than this server takes; send fewer tasks at once")
        }
        other => Problem::new(ProblemKind::InvalidRequest, format!("the body could not be read: {other}")),
    }
}
