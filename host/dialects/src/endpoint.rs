//! One route of a dialect.

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::asked::Asked;
use crate::problem::{Problem, ProblemKind};
use crate::request::Url;
use crate::settings::Dialects;

/// The named schemas that a body's schema refers to.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// A route that takes `POST` requests of one consumer. All its bodies are JSON.
pub struct DialectEndpoint {
    /// The paths that it answers.
    pub paths: &'static [&'static str],
    /// A few words for the OpenAPI document.
    pub summary: &'static str,
    /// The body's schema; adds those that it refers to.
    pub(crate) schema: fn(&mut Schemas) -> RefOr<Schema>,
    pub(crate) read: fn(&Dialects, &Url, &[u8]) -> Result<Asked, Problem>,
    /// The form of what it answers instead of a reply.
    pub(crate) errors: ErrorForm,
}

/// The form of an error's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorForm {
    /// RFC 9457.
    #[default]
    Problem,
    /// FastAPI's: `{"detail": [{loc, msg, type}]}` with 422 for a request that is at fault, `{"detail": {error_type, message}}`
    /// for the rest.
    Detail,
}

impl ErrorForm {
    /// Returns the status and the body that say a problem in this form; `None` if it is RFC 9457's.
    pub fn body(self, problem: &Problem) -> Option<(u16, Value)> {
        match self {
            Self::Problem => None,
            Self::Detail if problem.kind == ProblemKind::InvalidRequest => {
                let path = problem.pointer.as_deref().unwrap_or_default().split('/').filter(|step| !step.is_empty());
                let path = path.map(|step| step.replace("~1", "/").replace("~0", "~"));
                let loc: Vec<String> = std::iter::once("body".to_owned()).chain(path).collect();
                let entry = json!({ "loc": loc, "msg": problem.detail, "type": "value_error" });
                Some((422, json!({ "detail": [entry] })))
            }
            Self::Detail => {
                let error_type = match problem.kind {
                    ProblemKind::Unauthorized | ProblemKind::Forbidden => "authentication_error",
                    _ => problem.kind.name(),
                };
                let detail = json!({ "error_type": error_type, "message": problem.detail });
                Some((problem.kind.status(), json!({ "detail": detail })))
            }
        }
    }
}

impl DialectEndpoint {
    /// Reads a request: the part of its URL after the question mark, and its body.
    ///
    /// Takes as long as the body is large, in particular if it holds chat-templated texts.
    ///
    /// # Errors
    ///
    /// The request is not what the consumer's format demands, or a text cannot be taken apart.
    pub fn read(&self, dialects: &Dialects, query: &str, body: &[u8]) -> Result<Asked, Problem> {
        (self.read)(dialects, &Url::read(query)?, body)
    }
}

/// The schema of a body that is a `T`.
pub(crate) fn schema<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    T::schemas(schemas);
    T::schema()
}
