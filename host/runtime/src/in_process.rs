//! A component in this process, and the calls into it.

use std::sync::Arc;

use rewarden_types::shown;
use wasmtime::Store;
use wasmtime::component::Instance;

use crate::about::About;
use crate::compiled::Compiled;
use crate::contract::Version;
use crate::contract::adapter::Adapter;
use crate::contract::description::{ConfigError, Prepared};
use crate::contract::functions::Function;
use crate::engine::PluginEngine;
use crate::error::{CallError, CallFailure, LoadFailure};
use crate::interface::Interface;
use crate::limits::Limits;
use crate::log::LogSink;
use crate::metered::Metered;
use crate::outline::Outline;
use crate::store::CallState;

/// See [`crate::Plugin::prepare`].
pub(crate) const PREPARE: &str = "prepare.prepare";

/// A component under its limits. Its name comes with each call: it is for errors and the log, and one component can be
/// loaded under several.
pub(crate) struct InProcess {
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) machine: Arc<PluginEngine>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) log: LogSink,
    adapter: Box<dyn Adapter>,
}

impl InProcess {
    /// Looks the exports up, and checks their types.
    pub(crate) fn new(
        name: &Arc<str>,
        outline: &Outline,
        compiled: Arc<Compiled>,
        machine: Arc<PluginEngine>,
        limits: Arc<Limits>,
        log: LogSink,
    ) -> Result<Self, LoadFailure> {
        let version = Version::named(&outline.contract)
            .ok_or_else(|| LoadFailure::OtherVersion { name: shown(&outline.contract) })?;
        let adapter = version.bind(outline, &compiled.pre)?;
        let limits = limits.of_calls(outline.interfaces.contains(&Interface::Prepare));
        let here = Self { compiled, machine, limits, log, adapter };
        here.once(name, "instantiation", None, |store, instance| Ok(here.adapter.check_types(store, instance)))
            .map_err(|error| LoadFailure::Describe(error.failure))?
            .value?;
        Ok(here)
    }

    pub(crate) fn describe(&self, name: &Arc<str>) -> Result<About, LoadFailure> {
        let description = self
            .once(name, "describe.describe", None, |store, instance| self.adapter.describe(store, instance))
            .map_err(|error| LoadFailure::Describe(error.failure))?
            .value;
        About::checked(description)
    }

    pub(crate) fn check_config(&self, name: &Arc<str>, config: &str) -> Result<(), CallError> {
        self.once(name, "describe.configure", Some(config), |_, _| Ok(())).map(|_| ())
    }

    pub(crate) fn prepare(&self, name: &Arc<str>, config: &str) -> Result<Metered<Prepared>, CallError> {
        let limits = self.limits.for_preparing();
        let Metered { value, fuel, memory_bytes } =
            self.once_under(&limits, name, PREPARE, None, |store, instance| {
                self.adapter.prepare(store, instance, config)
            })?;
        match value {
            Ok(value) => Ok(Metered { value, fuel, memory_bytes }),
            Err(ConfigError { key, message }) => {
                let failure = CallFailure::refused(key.as_deref(), &message);
                Err(CallError { component: name.clone(), function: PREPARE, failure })
            }
        }
    }

    pub(crate) fn configure(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
        config: &str,
    ) -> wasmtime::Result<Result<(), ConfigError>> {
        self.adapter.configure(store, instance, config)
    }

    /// Calls a function of the contract that the component exports.
    pub(crate) fn call<F: Function>(
        &self,
        name: &Arc<str>,
        config: &str,
        argument: &F::Argument,
    ) -> Result<Metered<F::Output>, CallError> {
        self.once(name, F::NAME, Some(config), |store, instance| F::call(&*self.adapter, store, instance, argument))
    }
}

/// The end of a call to a function that a component does not export.
pub(crate) fn not_exported<F: Function>(name: &Arc<str>) -> CallError {
    CallError { component: name.clone(), function: F::NAME, failure: CallFailure::NotExported(F::INTERFACE) }
}
