//! Errors on the wire: RFC 9457 problem documents.

use rewarden_input::UnreadableValue;
use serde_json::{Map, Value};

/// The ways in which a request can fail. Each has a stable `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// The body is not what the endpoint takes.
    InvalidRequest,
    /// The API key is missing or not valid.
    Unauthorized,
    /// The key's role does not allow it, or the operator's limits do not.
    Forbidden,
    /// No such pack, route or resource.
    NotFound,
    /// The route does not take this method.
    MethodNotAllowed,
    /// The endpoint does not take bodies of this type.
    UnsupportedMediaType,
    /// The body is larger than allowed.
    TooLarge,
    /// The idempotency key was used for another body, or a name is taken.
    Conflict,
    /// An uploaded pack cannot be used.
    InvalidPack,
    /// A chat-templated text cannot be taken apart without doubt.
    Untemplatable,
    /// The task has no reward.
    Unrewarded,
    /// The queue is full, or the key's rate is used up.
    Overloaded,
    /// The server is shutting down or not ready.
    Unavailable,
    /// The request's own time is over.
    Timeout,
    /// The model, or the server that runs it, failed.
    Model,
    /// A fault of the server.
    Internal,
}

impl ProblemKind {
    /// Every kind, for documentation.
    pub const ALL: [Self; 16] = [
        Self::InvalidRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::UnsupportedMediaType,
        Self::TooLarge,
        Self::Conflict,
        Self::InvalidPack,
        Self::Untemplatable,
        Self::Unrewarded,
        Self::Overloaded,
        Self::Unavailable,
        Self::Timeout,
        Self::Model,
        Self::Internal,
    ];

    /// The last piece of the `type`, in kebab case. It never changes once released.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.row().1
    }

    /// The `title`.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::InvalidRequest => ("invalid-request", 400, "The request is not valid"),
            Self::Unauthorized => ("unauthorized", 401, "An API key is needed"),
            Self::Forbidden => ("forbidden", 403, "Not allowed"),
            Self::NotFound => ("not-found", 404, "Not found"),
            Self::MethodNotAllowed => ("method-not-allowed", 405, "The route does not take this method"),
            Self::UnsupportedMediaType => ("unsupported-media-type", 415, "The body is not of a type taken here"),
            Self::TooLarge => ("too-large", 413, "The request is too large"),
            Self::Conflict => ("conflict", 409, "The request conflicts with an earlier one"),
            Self::InvalidPack => ("invalid-pack", 422, "The pack cannot be used"),
            Self::Untemplatable => ("untemplatable", 422, "The text cannot be taken apart into chat turns"),
            Self::Unrewarded => ("unrewarded", 422, "The task has no reward"),
            Self::Overloaded => ("overloaded", 429, "More requests than can be taken now"),
            Self::Unavailable => ("unavailable", 503, "Not ready, or shutting down"),
            Self::Timeout => ("timeout", 504, "The request took longer than allowed"),
            Self::Model => ("model", 502, "The model failed"),
            Self::Internal => ("internal", 500, "A fault of the server"),
        }
    }
}

/// A failed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The kind of failure.
    pub kind: ProblemKind,
    /// What was expected, what was found, where, and what to do.
    pub detail: String,
    /// The field of the body at fault, as a JSON pointer.
    pub pointer: Option<String>,
    /// Seconds after which a retry makes sense, at least 1.
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem without pointer and retry.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), pointer: None, retry_after: None }
    }

    /// A body that is wrong at `pointer` (a JSON pointer such as `/responses/0`).
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), ..Self::new(ProblemKind::InvalidRequest, detail) }
    }

    /// The document that is sent, alone or as an event of a stream.
    pub fn document(&self) -> Value {
        let mut document = Map::new();
        document.insert("type".to_owned(), format!("/problems/{}", self.kind.name()).into());
        document.insert("title".to_owned(), self.kind.title().into());
        document.insert("status".to_owned(), self.kind.status().into());
        document.insert("detail".to_owned(), self.detail.as_str().into());
        if let Some(pointer) = &self.pointer {
            document.insert("pointer".to_owned(), pointer.as_str().into());
        }
        Value::Object(document)
    }
}

impl From<UnreadableValue> for Problem {
    fn from(UnreadableValue { pointer, detail }: UnreadableValue) -> Self {
        Self::at(pointer, detail)
    }
}
