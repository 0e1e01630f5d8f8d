//! What a component says of itself.

use rewarden_types::shown;

use crate::configuration_schema::ConfigurationSchema;
use crate::contract::description::Description;
use crate::error::LoadFailure;

/// What a component says of itself, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// Short name in kebab case.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// One sentence.
    pub purpose: String,
    /// JSON Schema of its configuration, to be handed on; always an object.
    pub config_schema: serde_json::Value,
    /// The same schema, to check configurations against.
    pub configuration: ConfigurationSchema,
}

impl About {
    /// Holds a description to the lengths that the contract allows, and its schema to being one.
    pub(crate) fn checked(description: Description) -> Result<Self, LoadFailure> {
        let unusable = |message: String| LoadFailure::Description { message };
        for (field, text, most) in [
            ("name", &description.name, 64),
            ("version", &description.version, 64),
            ("purpose", &description.purpose, 1024),
        ] {
            if text.is_empty() || text.len() > most {
                return Err(unusable(format!("`{field}` has {} bytes, expected 1 to {most}", text.len())));
            }
            // It goes to terminals and logs.
            if text.chars().any(char::is_control) {
                return Err(unusable(format!("`{field}` holds control characters: {}", shown(text))));
            }
        }
        let (configuration, config_schema) = ConfigurationSchema::with_json(&description.config_schema)?;
        Ok(About {
            name: description.name,
            version: description.version,
            purpose: description.purpose,
            config_schema,
            configuration,
        })
    }
}
