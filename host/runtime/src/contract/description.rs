//! What components say of themselves and of their configurations, in every version of the contract.

use serde::{Deserialize, Serialize};

/// What a component says of itself, as it says it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) purpose: String,
    pub(crate) config_schema: String,
}

/// A configuration that a component does not take.
#[derive(Clone, Debug)]
pub(crate) struct ConfigError {
    pub(crate) key: Option<String>,
    pub(crate) message: String,
}

/// What a component made of a configuration, as it says it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Prepared {
    pub(crate) json: String,
    pub(crate) description: Description,
    pub(crate) interfaces: Vec<String>,
}
