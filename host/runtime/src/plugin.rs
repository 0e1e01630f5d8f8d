//! A loaded component, wherever it runs.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::configuration_schema::ConfigurationSchema;
use crate::contract::{
    Completion, Context, Description, Judgement, ParseFailure, Principle, Prompt, Query, Refusal, Request, Sample,
    Scale, Score, Step, Task,
};
use crate::digest::Sha256Digest;
use crate::error::{CallError, LoadFailure};
use crate::here::Here;
use crate::interface::Interface;
use crate::isolate::{Call, Pool};
use crate::limits::Limits;
use crate::outline::Outline;
use crate::wording::shown;

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
    pub(crate) place: Place,
}

/// Where it runs.
pub(crate) enum Place {
    Here(Box<Here>),
    Apart(Pool),
}

/// A result, and what it cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metered<T> {
    /// The result.
    pub value: T,
    /// Fuel used, instantiation and configuration included.
    pub fuel: u64,
    /// Bytes of linear memory that the instance had at the end; memory never shrinks, so also its peak.
    pub memory_bytes: usize,
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

    /// What it says of itself.
    pub fn about(&self) -> &About {
        &self.loaded.about
    }

    /// What every call into it may use.
    pub fn limits(&self) -> &Limits {
        match &self.loaded.place {
            Place::Here(here) => &here.limits,
            Place::Apart(pool) => pool.limits(),
        }
    }

    /// The interfaces of the contract that it exports, in the component's order.
    pub fn interfaces(&self) -> &[Interface] {
        &self.loaded.outline.interfaces
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

    /// Process ids of its own processes that wait for calls; none where it runs in this one.
    pub fn processes(&self) -> Vec<u32> {
        match &self.loaded.place {
            Place::Here(_) => Vec::new(),
            Place::Apart(pool) => pool.processes(),
        }
    }

    /// Configures an instance and drops it: whether `config` (the text of a JSON object) is one that the plugin takes.
    pub fn check_config(&self, config: &str) -> Result<(), CallError> {
        match &self.loaded.place {
            Place::Here(here) => here.check_config(&self.name, config),
            Place::Apart(pool) => {
                pool.call::<()>(&self.name, "describe.configure", config, Call::CheckConfig).map(|_| ())
            }
        }
    }

    /// `template.render`: the prompt for one sample.
    pub fn render(&self, config: &str, request: &Request) -> Result<Metered<Result<Prompt, Refusal>>, CallError> {
        match &self.loaded.place {
            Place::Here(here) => here.render(&self.name, config, request),
            Place::Apart(pool) => {
                pool.call(&self.name, "template.render", config, Call::Render(Cow::Borrowed(request)))
            }
        }
    }

    /// `parser.parse`: the scores in a completion about `shown` responses.
    pub fn parse(
        &self,
        config: &str,
        completion: &Completion,
        shown: u32,
        scale: Scale,
    ) -> Result<Metered<Result<Judgement, ParseFailure>>, CallError> {
        match &self.loaded.place {
            Place::Here(here) => here.parse(&self.name, config, completion, shown, scale),
            Place::Apart(pool) => {
                pool.call(&self.name, "parser.parse", config, Call::Parse(Cow::Borrowed(completion), shown, scale))
            }
        }
    }

    /// `policy.next`: what is to happen after `samples`.
    pub fn next(
        &self,
        config: &str,
        task: &Task,
        context: &Context,
        samples: &[Sample],
    ) -> Result<Metered<Result<Step, Refusal>>, CallError> {
        match &self.loaded.place {
            Place::Here(here) => here.next(&self.name, config, task, context, samples),
            Place::Apart(pool) => {
                let (task, context) = (Cow::Borrowed(task), Cow::Borrowed(context));
                pool.call(&self.name, "policy.next", config, Call::Next(task, context, Cow::Borrowed(samples)))
            }
        }
    }

    /// `scorer.score-responses`: rule-based scores.
    pub fn score_responses(
        &self,
        config: &str,
        task: &Task,
    ) -> Result<Metered<Result<Vec<Score>, Refusal>>, CallError> {
        match &self.loaded.place {
            Place::Here(here) => here.score_responses(&self.name, config, task),
            Place::Apart(pool) => {
                pool.call(&self.name, "scorer.score-responses", config, Call::ScoreResponses(Cow::Borrowed(task)))
            }
        }
    }

    /// `principles.ask`: the prompt for the principles of a query.
    pub fn ask(&self, config: &str, query: &Query) -> Result<Metered<Result<Prompt, Refusal>>, CallError> {
        match &self.loaded.place {
            Place::Here(here) => here.ask(&self.name, config, query),
            Place::Apart(pool) => pool.call(&self.name, "principles.ask", config, Call::Ask(Cow::Borrowed(query))),
        }
    }

    /// `principles.read`: the principles in a completion.
    pub fn read(
        &self,
        config: &str,
        completion: &Completion,
    ) -> Result<Metered<Result<Vec<Principle>, ParseFailure>>, CallError> {
        match &self.loaded.place {
            Place::Here(here) => here.read(&self.name, config, completion),
            Place::Apart(pool) => {
                pool.call(&self.name, "principles.read", config, Call::Read(Cow::Borrowed(completion)))
            }
        }
    }
}
