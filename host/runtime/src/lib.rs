//! Runs Rewarden plugins: WebAssembly components that nobody has to trust.
//!
//! A [`Runtime`] is one engine with its [`Limits`]. It loads components ([`Runtime::load_file`]), refusing any that
//! import more than the contract's log, and gives [`Plugin`]s. Every call into a plugin happens in a fresh instance,
//! with its own fuel, memory, wall-clock and output limits, and is dropped after it; what goes wrong is a typed
//! [`CallFailure`] that names the component, the function, the limit and what was asked for.
//!
//! A runtime made with [`Runtime::isolated`] does all of this in processes of their own (see [`isolate`]).
//!
//! Nothing here knows of models. Calls block; async callers run them on a blocking thread.

mod cache;
mod call;
mod compiler;
pub mod configuration_schema;
pub mod contract;
mod digest;
mod engine;
mod error;
mod here;
mod holdings;
mod interface;
pub mod isolate;
mod limits;
mod log;
mod outline;
mod plugin;
mod priority;
mod regular_file;
mod runtime;
mod store;
mod wording;

pub use configuration_schema::{ConfigurationSchema, unrepeated_json};
pub use digest::{NotADigest, Sha256Digest};
pub use error::{CallError, CallFailure, LoadError, LoadFailure};
pub use interface::Interface;
pub use isolate::{Isolation, IsolationError};
pub use limits::{Limit, LimitChange, LimitError, Limits};
pub use plugin::{About, Metered, Plugin};
pub use priority::lower_thread_priority;
pub use regular_file::{open_regular, read_regular, read_regular_text};
pub use runtime::{EngineError, Runtime};
pub use wording::{shown, shown_within};
