//! Why a component was not loaded, and why a call gave no result.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::configuration_schema::SchemaError;
use crate::contract::versions::{PACKAGE, VERSION, spoken};
use crate::interface::Interface;
use rewarden_types::{shown, shown_within};

/// Why a component was refused at load.
#[derive(Clone, Debug, Error)]
#[error("component `{component}`: {reason}")]
pub struct LoadError {
    /// File name or other name of the component.
    pub component: String,
    /// What was wrong.
    pub reason: LoadFailure,
}

/// See [`LoadError`].
#[derive(Clone, Debug, Error, Serialize, Deserialize)]
pub enum LoadFailure {
    /// The file cannot be read.
    #[error("cannot read {path}: {message}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        message: String,
    },
    /// A directory, FIFO or device where a file should be.
    #[error("{path} is not a regular file; expected a WebAssembly component (.wasm)")]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// Larger than [`crate::Limits::component_bytes`] or [`crate::Limits::component_functions`] and the like.
    #[error("has {found} {what}, more than the {allowed} allowed")]
    TooLarge {
        /// What there is too much of.
        what: Cow<'static, str>,
        /// The limit.
        allowed: usize,
        /// What the component has (at least).
        found: usize,
    },
    /// A core module.
    #[error(
        "is a core WebAssembly module, expected a component; encode it first (`rewarden pack build FILE.wasm` does)"
    )]
    CoreModule,
    /// Not WebAssembly, or damaged.
    #[error("is not a valid WebAssembly component: {message}")]
    Malformed {
        /// What the validator said, with the byte offset.
        message: String,
    },
    /// Imports something other than the contract's log.
    #[error(
        "imports `{import}`, but a plugin may import nothing except `{}/log@{}`; build it for \
         wasm32-unknown-unknown (not wasm32-wasip1 or -wasip2) and without crates that need files, clocks, \
         randomness or sockets",
        PACKAGE,
        VERSION
    )]
    ForbiddenImport {
        /// The import's full name.
        import: String,
    },
    /// Built against another version of the contract.
    #[error("uses `{name}`, but this host speaks versions {} of {}; rebuild the plugin against it", spoken(), PACKAGE)]
    OtherVersion {
        /// The import or export, with its version.
        name: String,
    },
    /// Exports nothing of the contract, or lacks `describe`.
    #[error("does not export `{}/{missing}@{}`; it exports {}", PACKAGE, VERSION,
        if exports.is_empty() { "nothing" } else { exports.as_str() })]
    MissingExport {
        /// The interface that was looked for.
        missing: Interface,
        /// The names of what the component does export, the first few if there are many; empty if there is nothing.
        exports: String,
    },
    /// An interface of ours with functions or types that are not ours.
    #[error("its {what} do not fit the contract: {message}")]
    Mismatch {
        /// Imports or the interface at fault.
        what: String,
        /// What wasmtime said.
        message: String,
    },
    /// Compilation took too long.
    #[error(
        "was not compiled within {:.1} s of processor time; a component this slow to compile is refused",
        allowed.as_secs_f64()
    )]
    CompileTime {
        /// The limit.
        allowed: Duration,
    },
    /// No compiler became free in time.
    #[error(
        "was not compiled, as all {compilers} compilers were busy for {:.1} s with components that take too long; try \
         again later, or start the host anew without them",
        waited.as_secs_f64()
    )]
    CompilersBusy {
        /// How many components are compiled at once.
        compilers: u32,
        /// How long was waited.
        waited: Duration,
    },
    /// Too much is loaded already: [`crate::Limits::loaded_bytes`].
    #[error(
        "would take {wanted} bytes beside the {held} that this host holds of other components, more than the {allowed} \
         allowed together; take packs out of service, or raise the host's limit with --limits loaded_bytes={} or more",
        wanted.saturating_add(*held)
    )]
    NoRoom {
        /// What it takes.
        wanted: usize,
        /// What others hold.
        held: usize,
        /// The limit.
        allowed: usize,
    },
    /// The compiler refused it, or the engine failed.
    #[error("could not be compiled: {message}")]
    Compile {
        /// What wasmtime said.
        message: String,
    },
    /// `describe` failed, or says something unusable.
    #[error("`describe` failed: {0}")]
    Describe(CallFailure),
    /// `describe` says something unusable.
    #[error("its description is unusable: {message}")]
    Description {
        /// What was expected and found.
        message: String,
    },
    /// The schema of its configuration is none that the host reads.
    #[error("its configuration schema (`config-schema`) is refused: {0}")]
    Schema(#[from] SchemaError),
    /// The process that was to load it failed ([`crate::Runtime::isolated`] only).
    #[error("could not be loaded in a process of its own: it {what}")]
    Process {
        /// What became of the process.
        what: String,
    },
}

/// Why a call into a plugin gave no result.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("plugin `{component}`, {function}: {failure}")]
pub struct CallError {
    /// The component's name.
    pub component: Arc<str>,
    /// Interface and function, such as `parser.parse`.
    pub function: &'static str,
    /// What happened.
    pub failure: CallFailure,
}

/// See [`CallError`].
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallFailure {
    /// Out of instructions.
    #[error("used up its {allowed} units of fuel")]
    Fuel {
        /// [`crate::Limits::fuel`].
        allowed: u64,
    },
    /// Out of linear memory.
    #[error("asked for {requested} bytes of memory, {allowed} are allowed")]
    Memory {
        /// [`crate::Limits::memory_bytes`].
        allowed: usize,
        /// What all memories together would have taken.
        requested: usize,
    },
    /// Out of table elements.
    #[error("asked for {requested} table elements, {allowed} are allowed")]
    TableElements {
        /// [`crate::Limits::table_elements`].
        allowed: usize,
        /// What all tables together would have held.
        requested: usize,
    },
    /// Out of time.
    #[error("used more than the {:.1} s of processor time allowed", allowed.as_secs_f64())]
    Time {
        /// [`crate::Limits::processor`].
        allowed: Duration,
    },
    /// A result or a log line larger than allowed.
    #[error("returned more than the {allowed} bytes allowed")]
    OutputSize {
        /// [`crate::Limits::result_bytes`].
        allowed: usize,
    },
    /// Unreachable code, a panic, a stack overflow, a bad memory access and the like.
    #[error("trapped: {trap}{}", panic.as_deref().map(|text| format!(" ({text})")).unwrap_or_default())]
    Trap {
        /// wasmtime's word for it.
        trap: String,
        /// The last error that the plugin logged before: the guest SDK reports panics so.
        panic: Option<String>,
    },
    /// Bytes that are not a value of the result's type: invalid UTF-8, a pointer out of bounds, an unknown case.
    #[error("returned a value that is not of its type: {message}")]
    InvalidResult {
        /// What wasmtime said.
        message: String,
    },
    /// `configure` refused.
    #[error("refused its configuration{}: {message}", key.as_deref().map(|key| format!(", key `{key}`")).unwrap_or_default())]
    Config {
        /// The key at fault, when it is one.
        key: Option<String>,
        /// The plugin's words.
        message: String,
    },
    /// The component does not export the interface. Checked when a pack is loaded; here for callers that did not.
    #[error("does not export `{0}`")]
    NotExported(Interface),
    /// The process that it ran in crashed, hung or answered nonsense ([`crate::Runtime::isolated`] only). The next call
    /// gets a fresh process; this one is not repeated, since what killed one process would kill another.
    #[error("its process {what}")]
    Process {
        /// What became of the process.
        what: String,
    },
    /// The host could not make the call, for want of memory or of a process, or because somebody killed the process again and
    /// again. It says nothing about the plugin.
    #[error("the host could not make the call, which is not the plugin's fault: {what}")]
    Host {
        /// What happened.
        what: String,
    },
}

/// Bytes of a plugin's own words in a failure. It is kept with its sample, shown on terminals and written to logs.
const WORDS: usize = 1024;

impl CallFailure {
    /// A configuration that the plugin refused, in its own words.
    pub(crate) fn refused(key: Option<&str>, message: &str) -> Self {
        Self::Config { key: key.map(shown), message: shown_within(message, WORDS) }
    }
}

/// What a child process says went wrong, which may be anything if the child was taken over.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "there are no child processes"))]
mod from_a_child {
    use super::{CallFailure, LoadFailure, WORDS, shown_within};

    /// Bytes of any one text: what this process would have cut leaves as it is.
    const MOST: usize = 2 * WORDS;

    fn bound(text: &mut String) {
        *text = shown_within(text, MOST);
    }

    impl CallFailure {
        /// Returns whether it can be the outcome of a call: a child has no say in what became of itself.
        pub(crate) fn is_of_a_call(&self) -> bool {
            !matches!(self, Self::Process { .. })
        }

        /// With its texts on one line, and as long as they can be.
        pub(crate) fn bounded(mut self) -> Self {
            match &mut self {
                Self::Trap { trap, panic } => {
                    bound(trap);
                    // Told as it is, lines included, where the plugin runs in this process.
                    if let Some(panic) = panic {
                        panic.truncate(panic.floor_char_boundary(WORDS));
                    }
                }
                Self::InvalidResult { message } | Self::Process { what: message } | Self::Host { what: message } => {
                    bound(message);
                }
                Self::Config { key, message } => {
                    key.iter_mut().for_each(bound);
                    bound(message);
                }
                Self::Fuel { .. }
                | Self::Memory { .. }
                | Self::TableElements { .. }
                | Self::Time { .. }
                | Self::OutputSize { .. }
                | Self::NotExported(_) => {}
            }
            self
        }
    }

    impl LoadFailure {
        /// As [`CallFailure::bounded`].
        pub(crate) fn bounded(mut self) -> Self {
            match &mut self {
                Self::Malformed { message } | Self::Compile { message } | Self::Description { message } => {
                    bound(message)
                }
                Self::ForbiddenImport { import } => bound(import),
                Self::OtherVersion { name } => bound(name),
                Self::MissingExport { exports, .. } => bound(exports),
                Self::Mismatch { what, message } => {
                    bound(what);
                    bound(message);
                }
                Self::TooLarge { what, .. } => bound(what.to_mut()),
                Self::Process { what } => bound(what),
                Self::Describe(failure) => return Self::Describe(failure.clone().bounded()),
                Self::Schema(error) => error.bound(),
                // Children read no files and hold one component.
                Self::Read { .. } | Self::NotAFile { .. } | Self::NoRoom { .. } => {
                    return Self::Process { what: "reported a failure that is not its own to report".into() };
                }
                Self::CoreModule | Self::CompileTime { .. } | Self::CompilersBusy { .. } => {}
            }
            self
        }
    }
}
