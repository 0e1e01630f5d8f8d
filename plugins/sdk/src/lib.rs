//! SDK for Rewarden plugins.
//!
//! A plugin is a type that implements [`Plugin`] (what it is and how it is configured) and one or several of
//! [`Template`], [`Parser`], [`Policy`], [`Scorer`] and [`Principles`]; [`export!`] turns it into a component with exactly those
//! interfaces. Here is a whole one, a policy that takes the best score that any of `k` samples gave:
//!
//! ```
//! use rewarden_plugin::*;
//!
//! /// How many samples to take.
//! #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
//! #[serde(deny_unknown_fields, default)]
//! struct Config {
//!     /// Samples to draw.
//!     #[schemars(range(min = 1))]
//!     k: u32,
//! }
//!
//! impl Default for Config {
//!     fn default() -> Self {
//!         Config { k: 4 }
//!     }
//! }
//!
//! struct BestCase(Config);
//!
//! impl Plugin for BestCase {
//!     type Config = Config;
//!     const NAME: &str = "best-case";
//!     const VERSION: &str = env!("CARGO_PKG_VERSION");
//!     const PURPOSE: &str = "Rewards each response with the highest score that any sample gave it.";
//!     fn new(config: Config) -> Result<Self, ConfigError> {
//!         Ok(BestCase(config))
//!     }
//! }
//!
//! impl Policy for BestCase {
//!     fn next(&self, task: &Task, context: &Context, samples: &[Sample]) -> Result<Step, Refusal> {
//!         if samples.is_empty() {
//!             // A draw beyond the budget, or after the last round, would fail the task less clearly.
//!             if context.rounds_left == 0 || context.samples_left < self.0.k {
//!                 return Err(Refusal::TooFewSamples("the budget does not hold `k` samples: raise it".into()));
//!             }
//!             return Ok(Step::Draw((0..self.0.k).map(|_| Draw::all(task)).collect()));
//!         }
//!         let scores = (0..task.responses.len()).map(|response| {
//!             let best = samples.iter().filter_map(|sample| sample.value(response)).reduce(f64::max);
//!             best.map_or_else(|| Score::Abstain("no sample scored it".into()), Score::Value)
//!         });
//!         let used = samples.iter().filter(|sample| sample.values().is_some()).map(|sample| sample.id);
//!         Ok(Step::Finish(Reward { scores: scores.collect(), used: used.collect(), ..Reward::default() }))
//!     }
//! }
//!
//! rewarden_plugin::export!(BestCase: policy);
//! ```
//!
//! The crate's `Cargo.toml` says `crate-type = ["cdylib", "rlib"]` and it is built for `wasm32-unknown-unknown`; the
//! `rlib` lets plain `cargo test` run the plugin's unit tests on the host, where [`log`] writes to stderr.
//!
//! What holds for every call: the instance is fresh and configured, nothing survives it, there is no clock, no
//! randomness but [`Random`] with the seed that the host gives, no file and no network. A panic ends the call, is
//! reported with its message and place through the log, and counts as a failure of that call only.

#[doc(hidden)]
pub mod bindings;
mod config;
mod decimal;
mod export;
pub mod log;
mod panic;
mod plugin;
mod random;
mod sum;
mod values;

pub use config::NoConfig;
/// The plugin of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

pub use decimal::{decimal_mean, decimal_sum, weighted_mean, weighted_sum};
#[doc(hidden)]
pub use export::Component;
pub use plugin::{Parser, Plugin, Policy, Principles, Scorer, Template};
pub use random::Random;
pub use sum::sum;

pub use bindings::describe::exports::rewarden::plugin::describe::ConfigError;
pub use bindings::parser::exports::rewarden::plugin::parser::Judgement;
pub use bindings::policy::exports::rewarden::plugin::policy::{
    Context, Detail, DetailValue, Draw, Failure, FailureKind, Judge, Outcome, Rating, Rejection, RejectionKind, Reward,
    Sample, Signal, Step,
};
pub use bindings::principles::exports::rewarden::plugin::principles::Query;
pub use bindings::shared::rewarden::plugin::types::{
    Alternative, AnswerForm, Choice, Completion, Constraint, CountMismatch, CriterionScore, FinishReason, Level,
    Message, ParseFailure, Principle, Prompt, PromptInput, Question, Questionnaire, Refusal, Role, Scale, Score, Task,
    Token, Turn, YesNo,
};
pub use bindings::template::exports::rewarden::plugin::template::{Earlier, Request};
