//! A loaded component, wherever it runs.

use std::sync::Arc;

use rewarden_types::{
    Completion, Judgement, ParseFailure, ParseRequest, PolicyInput, Principle, Prompt, Query, Refusal, RenderRequest,
    Score, Sha256Digest, Step, TaskView,
};

use crate::about::About;
use crate::contract::functions::{self, Call, Function, for_each_function};
use crate::error::CallError;
use crate::in_process::{InProcess, not_exported};
use crate::interface::Interface;
use crate::isolate::Pool;
use crate::limits::Limits;
use crate::metered::Metered;
use crate::outline::Outline;

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
