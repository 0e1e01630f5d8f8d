//! Reading a configuration and writing its schema.

use schemars::{
    JsonSchema, Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::ConfigError;

/// The configuration of a plugin that has no options: `{}` and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// Reads the text of one JSON object.
pub(crate) fn parse<C: DeserializeOwned>(json: &str) -> Result<C, ConfigError> {
    serde_json::from_str(json).map_err(|error| {
        let message = error.to_string();
        ConfigError { key: key_at_fault(&message), message }
    })
}

/// serde names the key at fault only in its message, and only for keys that are unknown, missing or there twice.
fn key_at_fault(message: &str) -> Option<String> {
    let rest = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .find_map(|prefix| message.strip_prefix(prefix))?;
    rest.split('`').next().map(str::to_owned)
}

/// The schema of `C` as the text of one JSON object.
pub(crate) fn schema<C: JsonSchema>() -> String {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<C>();
    RecursiveTransform(unfold_description).transform(&mut schema);
    schema.as_value().to_string()
}

/// Descriptions come from doc comments, whose line breaks mean nothing; blank lines do.
fn unfold_description(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let paragraphs: Vec<String> = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
        *text = paragraphs.join("\n\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields, default)]
    struct Options {
        /// How many
        /// of them.
        ///
        /// More is slower.
        #[schemars(range(min = 1, max = 8))]
        k: u32,
    }

    impl Default for Options {
        fn default() -> Self {
            Options { k: 4 }
        }
    }

    #[test]
    fn an_empty_object_is_the_default_configuration() {
        assert_eq!(parse::<Options>("{}"), Ok(Options { k: 4 }));
        assert_eq!(parse::<NoConfig>("{}"), Ok(NoConfig {}));
    }

    #[test]
    fn an_unknown_key_is_named_in_the_error() {
        let error = parse::<Options>(r#"{"kk": 3}"#).unwrap_err();
        assert_eq!(error.key.as_deref(), Some("kk"));
        assert!(error.message.contains("expected `k`"), "{}", error.message);
        assert_eq!(parse::<NoConfig>(r#"{"k": 3}"#).unwrap_err().key.as_deref(), Some("k"));
    }

    #[test]
    fn a_wrong_type_and_a_broken_text_are_errors_with_a_place() {
        for json in [r#"{"k": "four"}"#, "", "[", r#"{"k": 4} x"#] {
            let error = parse::<Options>(json).unwrap_err();
            assert!(error.key.is_none());
            assert!(error.message.contains("line 1"), "{json}: {}", error.message);
        }
    }

    #[test]
    fn the_schema_carries_descriptions_ranges_defaults_and_refuses_unknown_keys() {
        let schema: serde_json::Value = serde_json::from_str(&schema::<Options>()).unwrap();
        assert_eq!(schema["additionalProperties"], false);
        let k = &schema["properties"]["k"];
        assert_eq!((&k["default"], &k["minimum"], &k["maximum"]), (&4.into(), &1.into(), &8.into()));
        assert_eq!(k["description"], "How many of them.\n\nMore is slower.");
    }
}
