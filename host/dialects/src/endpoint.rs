//! One route of a dialect.

use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::asked::Asked;
use crate::problem::Problem;
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
