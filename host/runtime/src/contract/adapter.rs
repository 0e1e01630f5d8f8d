//! What a version of the contract has to provide.

use serde::{Deserialize, Serialize};
use wasmtime::Store;
use wasmtime::component::Instance;

use super::functions::Functions;
use crate::error::LoadFailure;
use crate::store::CallState;

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

/// Calls a component's functions in one version of the contract.
pub(crate) trait Adapter: Functions + Send + Sync {
    /// Compares the types of every exported function with the contract's. A variant with a case too many is only seen
    /// here.
    fn check_types(&self, store: &mut Store<CallState>, instance: &Instance) -> Result<(), LoadFailure>;

    /// `describe.describe`.
    fn describe(&self, store: &mut Store<CallState>, instance: &Instance) -> wasmtime::Result<Description>;

    /// `describe.configure`.
    fn configure(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        config: &str,
    ) -> wasmtime::Result<Result<(), ConfigError>>;

    /// `prepare.prepare`.
    fn prepare(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        config: &str,
    ) -> wasmtime::Result<Result<Prepared, ConfigError>>;
}
