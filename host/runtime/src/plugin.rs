//! A loaded component, wherever it runs.

use std::sync::Arc;

use rewarden_types::{
    Completion, Judgement, ParseFailure, ParseRequest, PolicyInput, Principle, Prompt, Query, Refusal, RenderRequest,
    Score, Sha256Digest, Step, TaskView, shown,
};

use crate::about::About;
use crate::contract::description::Prepared;
use crate::contract::functions::{self, Call, Function, for_each_function};
use crate::error::{CallError, CallFailure};
use crate::in_process::{InProcess, PREPARE, not_exported};
use crate::interface::Interface;
use crate::isolate::Pool;
use crate::limits::Limits;
use crate::metered::Metered;
use crate::outline::Outline;

/// Bytes of a prepared configuration: some times those that a configuration may have, for what was compiled of it.
const PREPARED_BYTES: usize = 8 << 20;

/// What a component made of a configuration.
#[derive(Clone, Debug)]
pub struct Preparation {
    /// What its instances are configured with in place of the configuration. Its own business.
    pub json: String,
    /// What it is under this configuration.
    pub about: About,
    /// The interfaces that it has under this configuration.
    pub interfaces: Vec<Interface>,
}

/// A component that was checked, compiled and instantiated once. Nothing of one call is seen by the next.
#[derive(Clone)]
pub struct Plugin {
    name: Arc<str>,
    loaded: Arc<Loaded>,
}

/// A component under its limits, shared by all plugins that are the same component under the same limits.
pub(crate) struct Loaded {
    pub(crate) digest: Sha256Digest,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) outline: Outline,
    pub(crate) about: About,
    pub(crate) place: CallPlace,
}

/// Where it runs.
pub(crate) enum CallPlace {
    InProcess(Box<InProcess>),
    Isolated(Pool),
}

impl Plugin {
    pub(crate) fn new(name: Arc<str>, loaded: Arc<Loaded>) -> Self {
        Self { name, loaded }
    }

    /// The file name or other name that it was loaded under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the component's bytes.
    pub fn digest(&self) -> Sha256Digest {
        self.loaded.digest
    }

    /// The component itself, as it was loaded.
    pub fn bytes(&self) -> &[u8] {
        &self.loaded.bytes
    }

    /// The component's size in bytes.
    pub fn size(&self) -> usize {
        self.loaded.bytes.len()
    }

    /// Returns what the component says of itself.
    pub fn about(&self) -> &About {
        &self.loaded.about
    }

    /// Returns what every call into the component may use.
    pub fn limits(&self) -> &Limits {
        match &self.loaded.place {
            CallPlace::InProcess(here) => &here.limits,
            CallPlace::Isolated(pool) => pool.limits(),
        }
    }

    /// The interfaces of the contract that it exports, in the component's order.
    pub fn interfaces(&self) -> &[Interface] {
        &self.loaded.outline.interfaces
    }

    /// The version of the contract that it speaks.
    pub fn contract(&self) -> &str {
        &self.loaded.outline.contract
    }

    /// Full names of the interfaces with functions that it imports: none, or the log.
    pub fn imports(&self) -> &[String] {
        &self.loaded.outline.imports
    }

    /// Functions with a body in its core modules.
    pub fn functions(&self) -> usize {
        self.loaded.outline.functions
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn outline(&self) -> &Outline {
        &self.loaded.outline
    }

    /// Returns the ids of its processes that wait for calls; an empty list if it runs in this process.
    pub fn processes(&self) -> Vec<u32> {
        match &self.loaded.place {
            CallPlace::InProcess(_) => Vec::new(),
            CallPlace::Isolated(pool) => pool.processes(),
        }
    }

    /// Checks that the plugin takes `config` (the text of a JSON object): configures an instance and drops it.
    pub fn check_config(&self, config: &str) -> Result<(), CallError> {
        match &self.loaded.place {
            CallPlace::InProcess(here) => here.check_config(&self.name, config),
            CallPlace::Isolated(pool) => {
                pool.call::<()>(&self.name, "describe.configure", config, Call::CheckConfig).map(|_| ())
            }
        }
    }

    /// Has the component make of `config` (the text of a JSON object) what its instances are configured with from then on.
    ///
    /// # Errors
    /// Returns why it does not take the configuration, the limit that it reached, or what is wrong with what it returned.
    /// [`CallFailure::NotExported`] if it prepares nothing: its instances take the configuration itself.
    pub fn prepare(&self, config: &str) -> Result<Preparation, CallError> {
        let Prepared { json, description, interfaces } = self.prepared(config)?.value;
        let unusable = |message: String| CallError {
            component: self.name.clone(),
            function: PREPARE,
            failure: CallFailure::InvalidResult { message },
        };
        if json.len() > PREPARED_BYTES {
            let message = format!("`json` has {} bytes, expected at most {PREPARED_BYTES}", json.len());
            return Err(unusable(message));
        }
        let about = About::checked(description).map_err(|failure| unusable(failure.to_string()))?;
        let interfaces = interfaces.iter().map(|name| {
            Interface::from_name(name).ok_or_else(|| unusable(format!("it names an interface `{}`", shown(name))))
        });
        Ok(Preparation { json, about, interfaces: interfaces.collect::<Result<_, _>>()? })
    }

    /// As it is returned.
    pub(crate) fn prepared(&self, config: &str) -> Result<Metered<Prepared>, CallError> {
        if !self.interfaces().contains(&Interface::Prepare) {
            let failure = CallFailure::NotExported(Interface::Prepare);
            return Err(CallError { component: self.name.clone(), function: PREPARE, failure });
        }
        match &self.loaded.place {
            CallPlace::InProcess(here) => here.prepare(&self.name, config),
            CallPlace::Isolated(pool) => pool.call(&self.name, PREPARE, config, Call::Prepare),
        }
    }

    /// Calls a function of the contract, wherever the component runs.
    fn call<F: Function>(&self, config: &str, argument: &F::Argument) -> Result<Metered<F::Output>, CallError> {
        if !self.interfaces().contains(&F::INTERFACE) {
            return Err(not_exported::<F>(&self.name));
        }
        match &self.loaded.place {
            CallPlace::InProcess(here) => here.call::<F>(&self.name, config, argument),
            CallPlace::Isolated(pool) => pool.call(&self.name, F::NAME, config, F::message(argument)),
        }
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $function:ident: $method:ident($argument:ty) -> $output:ty, $interface:ident, $name:literal;)*) => {
        impl Plugin {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// Returns the limit that the call reached, or how it failed otherwise.
                pub fn $method(&self, config: &str, argument: &$argument) -> Result<Metered<$output>, CallError> {
                    self.call::<functions::$function>(config, argument)
                }
            )*
        }
    };
}

for_each_function!(methods);
