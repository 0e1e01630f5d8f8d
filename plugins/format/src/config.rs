//! The options of the scorer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Options of the scorer. One of `regex` and `json_schema` is needed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// A regular expression in the syntax of the crate `regex`.
    pub regex: Option<String>,
    /// With `regex`: it has to match the whole response, not only a part of it.
    pub whole: bool,
    /// A JSON schema that the whole response has to fit.
    pub json_schema: Option<Map<String, Value>>,
    /// With `json_schema`: the JSON may stand in one Markdown code fence.
    pub code_fence: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config { regex: None, whole: true, json_schema: None, code_fence: false }
    }
}
