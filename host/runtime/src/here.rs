//! A component in this process, and the calls into it.

use std::sync::Arc;

use wasmtime::component::InstancePre;

use crate::contract::exports::rewarden::plugin::{describe, parser, policy, principles, scorer, template};
use crate::contract::{
    Completion, Context, Judgement, ParseFailure, Principle, Prompt, Query, Refusal, Request, Sample, Scale, Score,
    Step, Task,
};
use crate::engine::Machine;
use crate::error::{CallError, CallFailure, LoadFailure};
use crate::holdings::Held;
use crate::interface::Interface;
use crate::limits::Limits;
use crate::log::LogSink;
use crate::outline::Outline;
use crate::plugin::{About, Metered};
use crate::store::CallState;
use crate::wording::shown;

/// A component that is compiled and linked into this process, whatever limits its calls are under.
pub(crate) struct Compiled {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) pre: InstancePre<CallState>,
    /// Counts it as held; `None` in a process that holds one component only.
    pub(crate) _held: Option<Held>,
}

/// A component under its limits. The functions are those of [`crate::Plugin`], whose name they take: it is for errors and
/// the log, and one component can be loaded under several.
pub(crate) struct Here {
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) machine: Arc<Machine>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) log: LogSink,
    exports: Exports,
}

/// Where the functions of each exported interface are; looked up once.
#[derive(Clone)]
struct Exports {
    describe: describe::GuestIndices,
    template: Option<template::GuestIndices>,
    parser: Option<parser::GuestIndices>,
    policy: Option<policy::GuestIndices>,
    scorer: Option<scorer::GuestIndices>,
    principles: Option<principles::GuestIndices>,
}

impl Exports {
    fn find(outline: &Outline, pre: &InstancePre<CallState>) -> Result<Self, LoadFailure> {
        fn optional<T>(
            outline: &Outline,
            interface: Interface,
            find: impl FnOnce() -> wasmtime::Result<T>,
        ) -> Result<Option<T>, LoadFailure> {
            if outline.interfaces.contains(&interface) {
                find().map(Some).map_err(|error| mismatch(interface, &error))
            } else {
                Ok(None)
            }
        }
        Ok(Self {
            describe: describe::GuestIndices::new(pre).map_err(|error| mismatch(Interface::Describe, &error))?,
            template: optional(outline, Interface::Template, || template::GuestIndices::new(pre))?,
            parser: optional(outline, Interface::Parser, || parser::GuestIndices::new(pre))?,
            policy: optional(outline, Interface::Policy, || policy::GuestIndices::new(pre))?,
            scorer: optional(outline, Interface::Scorer, || scorer::GuestIndices::new(pre))?,
            principles: optional(outline, Interface::Principles, || principles::GuestIndices::new(pre))?,
        })
    }
}

fn mismatch(interface: Interface, error: &wasmtime::Error) -> LoadFailure {
    LoadFailure::Mismatch { what: format!("exports under `{interface}`"), message: shown(&format!("{error:#}")) }
}

impl Here {
    /// Looks the exports up, and checks their types.
    pub(crate) fn new(
        name: &Arc<str>,
        outline: &Outline,
        compiled: Arc<Compiled>,
        machine: Arc<Machine>,
        limits: Arc<Limits>,
        log: LogSink,
    ) -> Result<Self, LoadFailure> {
        let exports = Exports::find(outline, &compiled.pre)?;
        let here = Self { compiled, machine, limits, log, exports };
        here.check_types(name)?;
        Ok(here)
    }

    /// Instantiates once and looks at the types of every exported function: a variant with a case too many is only
    /// seen here.
    fn check_types(&self, name: &Arc<str>) -> Result<(), LoadFailure> {
        let wrong = |interface: Interface| move |error: wasmtime::Error| mismatch(interface, &error);
        self.once(name, "instantiation", None, |store, instance| {
            let exports = &self.exports;
            let mut check = || -> Result<(), LoadFailure> {
                exports.describe.load(&mut *store, instance).map_err(wrong(Interface::Describe))?;
                if let Some(indices) = &exports.template {
                    indices.load(&mut *store, instance).map_err(wrong(Interface::Template))?;
                }
                if let Some(indices) = &exports.parser {
                    indices.load(&mut *store, instance).map_err(wrong(Interface::Parser))?;
                }
                if let Some(indices) = &exports.policy {
                    indices.load(&mut *store, instance).map_err(wrong(Interface::Policy))?;
                }
                if let Some(indices) = &exports.scorer {
                    indices.load(&mut *store, instance).map_err(wrong(Interface::Scorer))?;
                }
                if let Some(indices) = &exports.principles {
                    indices.load(&mut *store, instance).map_err(wrong(Interface::Principles))?;
                }
                Ok(())
            };
            Ok(check())
        })
        .map_err(|error| LoadFailure::Describe(error.failure))?
        .value
    }

    pub(crate) fn describe(&self, name: &Arc<str>) -> Result<About, LoadFailure> {
        let description = self
            .once(name, "describe.describe", None, |store, instance| {
                self.exports.describe.load(&mut *store, instance)?.call_describe(store)
            })
            .map_err(|error| LoadFailure::Describe(error.failure))?
            .value;
        About::checked(description)
    }

    pub(crate) fn check_config(&self, name: &Arc<str>, config: &str) -> Result<(), CallError> {
        self.once(name, "describe.configure", Some(config), |_, _| Ok(())).map(|_| ())
    }

    pub(crate) fn call_configure(
        &self,
        store: &mut wasmtime::Store<CallState>,
        instance: &wasmtime::component::Instance,
        config: &str,
    ) -> wasmtime::Result<Result<(), describe::ConfigError>> {
        self.exports.describe.load(&mut *store, instance)?.call_configure(store, config)
    }

    fn not_exported(name: &Arc<str>, interface: Interface, function: &'static str) -> CallError {
        CallError { component: name.clone(), function, failure: CallFailure::NotExported(interface) }
    }

    pub(crate) fn render(
        &self,
        name: &Arc<str>,
        config: &str,
        request: &Request,
    ) -> Result<Metered<Result<Prompt, Refusal>>, CallError> {
        const NAME: &str = "template.render";
        let Some(indices) = &self.exports.template else {
            return Err(Self::not_exported(name, Interface::Template, NAME));
        };
        self.once(name, NAME, Some(config), |store, instance| {
            indices.load(&mut *store, instance)?.call_render(store, request)
        })
    }

    pub(crate) fn parse(
        &self,
        name: &Arc<str>,
        config: &str,
        completion: &Completion,
        shown: u32,
        scale: Scale,
    ) -> Result<Metered<Result<Judgement, ParseFailure>>, CallError> {
        const NAME: &str = "parser.parse";
        let Some(indices) = &self.exports.parser else {
            return Err(Self::not_exported(name, Interface::Parser, NAME));
        };
        self.once(name, NAME, Some(config), |store, instance| {
            indices.load(&mut *store, instance)?.call_parse(store, completion, shown, scale)
        })
    }

    pub(crate) fn next(
        &self,
        name: &Arc<str>,
        config: &str,
        task: &Task,
        context: &Context,
        samples: &[Sample],
    ) -> Result<Metered<Result<Step, Refusal>>, CallError> {
        const NAME: &str = "policy.next";
        let Some(indices) = &self.exports.policy else {
            return Err(Self::not_exported(name, Interface::Policy, NAME));
        };
        self.once(name, NAME, Some(config), |store, instance| {
            indices.load(&mut *store, instance)?.call_next(store, task, context, samples)
        })
    }

    pub(crate) fn score_responses(
        &self,
        name: &Arc<str>,
        config: &str,
        task: &Task,
    ) -> Result<Metered<Result<Vec<Score>, Refusal>>, CallError> {
        const NAME: &str = "scorer.score-responses";
        let Some(indices) = &self.exports.scorer else {
            return Err(Self::not_exported(name, Interface::Scorer, NAME));
        };
        self.once(name, NAME, Some(config), |store, instance| {
            indices.load(&mut *store, instance)?.call_score_responses(store, task)
        })
    }

    pub(crate) fn ask(
        &self,
        name: &Arc<str>,
        config: &str,
        query: &Query,
    ) -> Result<Metered<Result<Prompt, Refusal>>, CallError> {
        const NAME: &str = "principles.ask";
        let Some(indices) = &self.exports.principles else {
            return Err(Self::not_exported(name, Interface::Principles, NAME));
        };
        self.once(name, NAME, Some(config), |store, instance| {
            indices.load(&mut *store, instance)?.call_ask(store, query)
        })
    }

    pub(crate) fn read(
        &self,
        name: &Arc<str>,
        config: &str,
        completion: &Completion,
    ) -> Result<Metered<Result<Vec<Principle>, ParseFailure>>, CallError> {
        const NAME: &str = "principles.read";
        let Some(indices) = &self.exports.principles else {
            return Err(Self::not_exported(name, Interface::Principles, NAME));
        };
        self.once(name, NAME, Some(config), |store, instance| {
            indices.load(&mut *store, instance)?.call_read(store, completion)
        })
    }
}
