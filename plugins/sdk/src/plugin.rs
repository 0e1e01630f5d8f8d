//! The traits that a plugin implements.

use crate::{
    Completion, ConfigError, Context, Judgement, ParseFailure, Principle, Prompt, Query, Refusal, Request, Sample,
    Scale, Score, Step, Task, config,
};

/// What a plugin is and how it is configured. Every plugin implements this; the value is the configured instance.
pub trait Plugin: Sized + 'static {
    /// The configuration object. Derive `Deserialize` with `deny_unknown_fields` and `default`, so that a misspelt
    /// key is an error and `{}` is the default, and `JsonSchema` with ranges; doc comments become the descriptions
    /// that `rewarden inspect` shows. [`NoConfig`](crate::NoConfig) for a plugin without options.
    type Config: serde::de::DeserializeOwned + schemars::JsonSchema;

    /// Short name in kebab case, at most 64 bytes.
    const NAME: &str;
    /// Usually `env!("CARGO_PKG_VERSION")`.
    const VERSION: &str;
    /// What it does, in one sentence.
    const PURPOSE: &str;

    /// Makes the instance that all calls go to.
    ///
    /// # Errors
    /// When the configuration fits its schema and still cannot be used, such as two options that exclude each other.
    fn new(config: Self::Config) -> Result<Self, ConfigError>;

    /// The JSON Schema (draft 2020-12) of the configuration. Only worth writing by hand for a schema that cannot be
    /// derived. The host takes a part of JSON Schema and refuses the rest when it loads the component: `plugins/README.md`
    /// lists the keywords. No `allOf`, `not`, `if` or patterns, no recursive types, and alternatives only between types or
    /// single values; what else there is to check belongs into [`Plugin::new`].
    fn config_schema() -> String {
        config::schema::<Self::Config>()
    }

    /// Makes an instance from the text of a JSON object, as the host's `configure` does.
    ///
    /// # Errors
    /// When the text is not such an object, has an unknown key or a value of the wrong type, or when
    /// [`Plugin::new`] refuses it.
    fn from_json(json: &str) -> Result<Self, ConfigError> {
        Self::new(config::parse(json)?)
    }
}

/// Turns a task into a prompt.
pub trait Template: Plugin {
    /// Renders `request` in one pass: text of the task is data and must not be able to forge a slot, a delimiter or
    /// a marker that the parser looks for.
    ///
    /// # Errors
    /// A [`Refusal`] when the task has a form that the template does not handle.
    fn render(&self, request: &Request) -> Result<Prompt, Refusal>;
}

/// Reads scores from what the model wrote.
pub trait Parser: Plugin {
    /// Gives one score for each of the `shown` responses, in shown order.
    ///
    /// # Errors
    /// A [`ParseFailure`] when the completion does not hold exactly that. Never guess a score.
    fn parse(&self, completion: &Completion, shown: u32, scale: Scale) -> Result<Judgement, ParseFailure>;
}

/// Decides which samples are drawn and how they become one reward.
pub trait Policy: Plugin {
    /// The next step, as a function of the arguments alone. `samples` holds every sample so far, sorted by id.
    ///
    /// # Errors
    /// A [`Refusal`] when the task, or the samples, cannot be turned into a reward under this configuration.
    fn next(&self, task: &Task, context: &Context, samples: &[Sample]) -> Result<Step, Refusal>;
}

/// Scores responses by rule, without a model.
pub trait Scorer: Plugin {
    /// One score per response, in the task's own order.
    ///
    /// # Errors
    /// A [`Refusal`] when the task lacks what the rule needs, such as a reference.
    fn score(&self, task: &Task) -> Result<Vec<Score>, Refusal>;
}

/// Has the model write the principles that the responses to a query are judged by, before any response is seen.
pub trait Principles: Plugin {
    /// The prompt that asks for principles, rendered in one pass as a template's is: text of the query is data.
    ///
    /// # Errors
    /// A [`Refusal`] when the query has a form that no principles can be written for.
    fn ask(&self, query: &Query) -> Result<Prompt, Refusal>;

    /// Reads the principles in what the model wrote: 1 to 64, with names, and with weights that are finite and not
    /// negative where they have any.
    ///
    /// # Errors
    /// A [`ParseFailure`] when the completion does not hold them. Never fill any in: the failure fails the query's tasks.
    fn read(&self, completion: &Completion) -> Result<Vec<Principle>, ParseFailure>;
}
