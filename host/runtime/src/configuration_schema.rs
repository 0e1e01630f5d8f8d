//! The schemas of plugins' configurations: a part of JSON Schema that is bounded by construction.
//!
//! A schema comes from a plugin, hence from anybody, and it is the host that works on it, outside of the sandbox and its
//! limits. So it is read once, when the component is loaded, into rules by the type of a value. Reading it takes time and
//! memory in proportion to its text; checking a configuration looks at every value of it once. What could cost more is no
//! part of it: no `allOf` or `not`, no patterns, no alternatives between values of one type, no references but to the
//! root's `$defs`, which are read once each and never lead back to themselves. What is refused is refused by name.

mod check;
mod json;
mod keywords;
mod misfit;
mod number;
mod read;
mod shape;
mod types;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

pub use json::unrepeated_json;
pub use misfit::{Misfit, SchemaPlace, SchemaProblem};
pub use shape::Property;

use check::Check;
use read::Reader;
use shape::Objects;

/// Bytes of a schema. The largest of the bundled plugins has 4.3 kB.
pub const SCHEMA_BYTES: usize = 64 << 10;
/// Levels of schemas inside schemas, references counted. Bundled plugins have 8 at most.
pub const LEVELS: usize = 16;
/// Schemas in a schema: properties, items and alternatives. Bundled plugins have 39 at most.
pub const SUBSCHEMAS: usize = 4096;
/// Values in all of a schema's `enum` and `const` together, those that alternatives repeat counted again. Bundled
/// plugins have 21 at most.
pub const CONSTANTS: usize = 4096;
/// Bytes of a property's name.
pub const NAME_BYTES: usize = 128;

/// Why a schema is refused. Always at load, and the same wherever the component runs.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum SchemaError {
    /// Longer than [`SCHEMA_BYTES`], or empty.
    #[error("has {found} bytes, expected 1 to {SCHEMA_BYTES}; shorten descriptions and lists of values")]
    Bytes {
        /// What it has.
        found: usize,
    },
    /// No JSON, or a key twice.
    #[error("is not JSON that can be relied on: {message}")]
    Json {
        /// What is wrong, with line and column.
        message: String,
    },
    /// JSON, and no object.
    #[error("is not a JSON object")]
    NotAnObject,
    /// A keyword that is refused, or whose value is.
    #[error("`{keyword}` {}: {message}", if pointer.is_empty() { "at the root".to_owned() } else { format!("at {pointer}") })]
    Keyword {
        /// The keyword.
        keyword: String,
        /// JSON pointer to the schema that it stands in.
        pointer: String,
        /// What was expected, and what to write instead.
        message: String,
    },
    /// Deeper than [`LEVELS`].
    #[error("is nested deeper than {LEVELS} levels, references counted, at {pointer}; write it flatter")]
    Levels {
        /// JSON pointer to the schema that is too deep.
        pointer: String,
    },
    /// More than [`SUBSCHEMAS`].
    #[error("holds more than {SUBSCHEMAS} schemas, counting every property and alternative; write fewer")]
    Subschemas,
}

impl SchemaError {
    /// Cuts its texts to the longest that an error about a schema has. For errors that child processes report.
    pub(crate) fn bound(&mut self) {
        let texts = match self {
            Self::Keyword { keyword, pointer, message } => vec![keyword, pointer, message],
            Self::Json { message: text } | Self::Levels { pointer: text } => vec![text],
            Self::Bytes { .. } | Self::NotAnObject | Self::Subschemas => Vec::new(),
        };
        for text in texts {
            text.truncate(text.floor_char_boundary(4096));
        }
    }
}

/// The schema of a plugin's configuration.
#[derive(Clone)]
pub struct ConfigurationSchema {
    text: Arc<str>,
    root: Arc<Objects>,
}

impl ConfigurationSchema {
    /// Reads the text that a plugin gives.
    ///
    /// # Errors
    /// What is refused, where it stands, and what to write instead.
    pub fn read(text: &str) -> Result<Self, SchemaError> {
        Self::with_json(text).map(|(schema, _)| schema)
    }

    /// As [`Self::read`], with the schema as JSON for whoever hands it on.
    pub(crate) fn with_json(text: &str) -> Result<(Self, Value), SchemaError> {
        if !(1..=SCHEMA_BYTES).contains(&text.len()) {
            return Err(SchemaError::Bytes { found: text.len() });
        }
        let whole = unrepeated_json(text).map_err(|error| SchemaError::Json { message: error.to_string() })?;
        let Value::Object(root) = &whole else { return Err(SchemaError::NotAnObject) };
        let root = Reader::root(root, &whole)?;
        Ok((Self { text: text.into(), root }, whole))
    }

    /// The schema as the plugin wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether a configuration fits.
    ///
    /// # Errors
    /// The first value that does not.
    pub fn check(&self, configuration: &Map<String, Value>) -> Result<(), Misfit> {
        Check::map(&self.root, configuration)
    }

    /// Adds the default of every key that is not there and has one. Defaults of objects inside are the plugin's own to
    /// fill in.
    pub fn fill_in(&self, configuration: &mut Map<String, Value>) {
        for property in &self.root.properties {
            if let Some(default) = &property.default
                && !configuration.contains_key(&property.name)
            {
                configuration.insert(property.name.clone(), default.clone());
            }
        }
    }

    /// The keys of the configuration, in the schema's order.
    pub fn properties(&self) -> &[Property] {
        &self.root.properties
    }
}

impl Property {
    /// The key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the values that the key takes, in few words: `none | random`, `integer or null`; an empty text if it takes any.
    pub fn kind(&self) -> String {
        misfit::kind(&self.shape)
    }

    /// Returns the default value.
    pub fn default(&self) -> Option<&Value> {
        self.default.as_ref()
    }

    /// Returns the description that the schema gives of the key.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }
}

// By the text, from which everything else follows. The rules share their parts: written out, a short schema could fill
// the memory.
impl PartialEq for ConfigurationSchema {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ConfigurationSchema {}

impl fmt::Debug for ConfigurationSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigurationSchema").field("text", &self.text).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
