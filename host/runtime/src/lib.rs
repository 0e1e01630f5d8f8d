//! Runs Rewarden plugins: WebAssembly components that nobody has to trust.
//!
//! A [`Runtime`] is one engine with its [`Limits`]. It loads components ([`Runtime::load_file`]), refusing any that
//! import more than the contract's log, and gives [`Plugin`]s. Every call into a plugin happens in a fresh instance,
//! with its own fuel, memory, time and output limits, and is dropped after it; what goes wrong is a typed
//! [`CallFailure`] that names the component, the function, the limit and what was asked for.
//!
//! A runtime made with [`Runtime::isolated`] does all of this in processes of their own (see [`isolate`]).
//!
//! Nothing here knows of models. Calls block; async callers run them on a blocking thread.

mod about;
mod cache;
mod call;
mod compiled;
mod compiler;
pub mod configuration_schema;
pub mod contract;
mod engine;
mod engine_config;
mod error;
mod examine;
mod function_cache;
mod gate;
mod held;
mod holdings;
mod in_process;
mod interface;
pub mod isolate;
mod limits;
mod log;
mod log_import;
mod metered;
mod outline;
mod plugin;
mod priority;
mod processor_time;
mod runtime;
mod store;

pub use about::About;
pub use configuration_schema::{ConfigurationSchema, unrepeated_json};
pub use error::{CallError, CallFailure, LoadError, LoadFailure};
pub use examine::{Examined, examine};
pub use interface::Interface;
pub use isolate::{Isolation, IsolationError};
pub use limits::{Limit, LimitChange, LimitError, Limits};
pub use metered::Metered;
pub use plugin::{Plugin, Preparation};
pub use priority::lower_thread_priority;
pub use rewarden_input::{open_regular, read_regular, read_regular_text};
pub use runtime::{CompileNotice, EngineError, Runtime};
