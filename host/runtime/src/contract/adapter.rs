//! What a version of the contract has to provide.

use wasmtime::Store;
use wasmtime::component::Instance;

use super::description::{ConfigError, Description, Prepared};
use super::functions::Functions;
use crate::error::LoadFailure;
use crate::store::CallState;

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
