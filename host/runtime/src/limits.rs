//! What a plugin may use, and how that is changed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use thiserror::Error;

use rewarden_types::shown;

/// Limits on loading a component and on every call into it. [`Limit::ALL`] says of each what it counts and why its
/// default is what it is.
///
/// The defaults leave a bundled plugin room for texts of a megabyte, and stop a hostile one within seconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// WebAssembly instructions of one call.
    pub fuel: u64,
    /// Bytes of linear memory of one instance.
    pub memory_bytes: usize,
    /// Table elements of one instance.
    pub table_elements: usize,
    /// Processor time of one call.
    pub processor: Duration,
    /// Bytes that the host copies out of the instance for any one result or log line.
    pub result_bytes: usize,
    /// Bytes of log text that are kept of one call.
    pub log_bytes: usize,
    /// Bytes of a component file.
    pub component_bytes: usize,
    /// Bytes of the functions of a component.
    pub code_bytes: usize,
    /// Functions in a component.
    pub component_functions: usize,
    /// Bytes of the body of one function.
    pub function_bytes: usize,
    /// Processor time for compiling a component.
    pub compile: Duration,
    /// Bytes that all loaded components hold together.
    pub loaded_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 500_000_000,
            memory_bytes: 128 << 20,
            table_elements: 100_000,
            processor: Duration::from_secs(5),
            result_bytes: 16 << 20,
            log_bytes: 16 << 10,
            component_bytes: 96 << 20,
            code_bytes: 16 << 20,
            component_functions: 100_000,
            function_bytes: 512 << 10,
            compile: Duration::from_secs(60),
            loaded_bytes: 1 << 30,
        }
    }
}

/// One of the [`Limits`], as configuration and people know it.
#[derive(Debug)]
pub struct Limit {
    /// Its key in configuration; the unit is part of it.
    pub key: &'static str,
    /// What is counted, and over what.
    pub counts: &'static str,
    /// Why the default is what it is.
    pub reason: &'static str,
    /// Whether the same call can end differently under another value. Such limits are part of a result's provenance.
    /// Time is not: what it does differs from machine to machine, and its failure names it.
    pub decides_results: bool,
    get: fn(&Limits) -> u64,
    set: fn(&mut Limits, u64),
}

impl Limit {
    /// Every limit there is, those of calls before those of loading.
    pub const ALL: &'static [Self] = &[
        Self {
            key: "fuel",
            counts: "WebAssembly instructions of one call, roughly: instantiation, `configure` and the call itself \
                     together. Copying and filling count by the byte, and so does log text. Interpreters of programs may take four \
                     times as much, and five times that to prepare one",
            reason: "The bundled parser needs 20 to 120 units a byte of its text and the bundled template 30 to 45 (up to \
                     500 for a text of nothing but markers): enough for a megabyte of ordinary text, and about half a \
                     second of work. Deterministic: a call that runs out does so on every machine",
            decides_results: true,
            get: |limits| limits.fuel,
            set: |limits, value| limits.fuel = value,
        },
        Self {
            key: "memory_bytes",
            counts: "Bytes of linear memory, summed over all memories of the instance",
            reason: "Python begins with 30 MB, with SymPy 96 MB; with 64 calls at once, which is the most there are, hostile \
                     guests could hold 8 GiB",
            decides_results: true,
            get: |limits| limits.memory_bytes as u64,
            set: |limits, value| limits.memory_bytes = size(value),
        },
        Self {
            key: "table_elements",
            counts: "Table elements, summed over all tables of the instance",
            reason: "One for each function whose address is taken: bundled plugins have some 100",
            decides_results: true,
            get: |limits| limits.table_elements as u64,
            set: |limits, value| limits.table_elements = size(value),
        },
        Self {
            key: "cpu_ms",
            counts: "Milliseconds of processor time of one call. Time in which other programs had the processor does not count",
            reason: "A backstop for what fuel counts badly. Not deterministic, hence ten times what the fuel allows on an \
                     ordinary core",
            decides_results: false,
            get: |limits| milliseconds(limits.processor),
            set: |limits, value| limits.processor = Duration::from_millis(value),
        },
        Self {
            key: "result_bytes",
            counts: "Bytes that the host copies out of the instance for any one result or log line, bookkeeping included",
            reason: "Room for a critique of some megabytes with its principles, and little enough that a result of a \
                     billion records never becomes a billion allocations of the host",
            decides_results: true,
            get: |limits| limits.result_bytes as u64,
            set: |limits, value| limits.result_bytes = size(value),
        },
        Self {
            key: "log_bytes",
            counts: "Bytes of log text that are kept of one call; the rest is dropped with one notice",
            reason: "Some hundred lines for whoever debugs a plugin; a thousand calls that flood the log write 16 MB. In \
                     provenance because a panic's message is log text, and part of its failure",
            decides_results: true,
            get: |limits| limits.log_bytes as u64,
            set: |limits, value| limits.log_bytes = size(value),
        },
        Self {
            key: "component_bytes",
            counts: "Bytes of a component file",
            reason: "An interpreter's data: Python takes 27 MB, with SymPy 81 MB, and bundled plugins a third of one. What the \
                     compiler has to do follows `code_bytes`",
            decides_results: false,
            get: |limits| limits.component_bytes as u64,
            set: |limits, value| limits.component_bytes = size(value),
        },
        Self {
            key: "code_bytes",
            counts: "Bytes of the bodies of all functions of a component",
            reason: "The compiler takes 3 s of a core for a megabyte. Python has 6.6 MB, with SymPy the same, StarlingMonkey 9.2 MB \
                     and bundled plugins half a megabyte at most",
            decides_results: false,
            get: |limits| limits.code_bytes as u64,
            set: |limits, value| limits.code_bytes = size(value),
        },
        Self {
            key: "component_functions",
            counts: "Functions with a body, over all core modules of a component",
            reason: "A function costs the compiler some 20 µs however small it is: 2 s for 100,000. Bundled plugins have at \
                     most 504",
            decides_results: false,
            get: |limits| limits.component_functions as u64,
            set: |limits, value| limits.component_functions = size(value),
        },
        Self {
            key: "function_bytes",
            counts: "Bytes of the body of one function",
            reason: "The compiler takes time and memory beyond proportion for large ones: 540 kB took 14 s and 570 MB, \
                     255 KiB 5 s and 310 MB, on two cores that others used as well. Python has one of 427 kB without branches, which \
                     costs little; the largest of the bundled plugins has 27 kB",
            decides_results: false,
            get: |limits| limits.function_bytes as u64,
            set: |limits, value| limits.function_bytes = size(value),
        },
        Self {
            key: "compile_ms",
            counts: "Milliseconds of processor time for compiling a component, over all of its threads. The compiler itself \
                     cannot be interrupted and ends in the background",
            reason: "Bundled plugins take a second and Python some twenty; the rest is for slower cores. Compiled components are \
                     kept on disk",
            decides_results: false,
            get: |limits| milliseconds(limits.compile),
            set: |limits, value| limits.compile = Duration::from_millis(value),
        },
        Self {
            key: "loaded_bytes",
            counts: "Bytes of all components that are loaded at once, over all packs: their files and their machine code, each \
                     once however many packs and versions use it, and at least 64 KiB each",
            reason: "A bundled plugin takes a megabyte, Python 90 and Python with SymPy 200: room for five of the largest, or for a \
                     thousand bundled ones. A server that is handed ever more packs refuses the next instead of filling the memory",
            decides_results: false,
            get: |limits| limits.loaded_bytes as u64,
            set: |limits, value| limits.loaded_bytes = size(value),
        },
    ];

    /// The limit of this key.
    ///
    /// # Errors
    /// When there is none.
    pub fn of(key: &str) -> Result<&'static Self, LimitError> {
        // What packs and configurations say that were written when time was the wall clock's.
        let key = if key == "wall_ms" { "cpu_ms" } else { key };
        Self::ALL.iter().find(|limit| limit.key == key).ok_or_else(|| LimitError::Unknown { key: shown(key) })
    }

    /// Its value in `limits`.
    pub fn value(&self, limits: &Limits) -> u64 {
        (self.get)(limits)
    }
}

fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Another value for one limit, written `key=value`.
#[derive(Clone, Copy, Debug)]
pub struct LimitChange {
    limit: &'static Limit,
    value: u64,
}

/// A limit that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LimitError {
    /// No such limit.
    #[error("unknown limit `{key}`; expected one of {}", Limit::ALL.iter().map(|limit| limit.key).collect::<Vec<_>>().join(", "))]
    Unknown {
        /// The key that was given.
        key: String,
    },
    /// Zero, or not a whole number at all.
    #[error("limit `{key}` is `{found}`; expected a whole number of at least 1")]
    Value {
        /// The limit.
        key: String,
        /// What was given.
        found: String,
    },
    /// No `=`.
    #[error("expected key=value (such as fuel=1000000000), found `{found}`")]
    Form {
        /// What was given.
        found: String,
    },
    /// Above what the host allows, by someone who is not the host.
    #[error(
        "asks for {key} = {asked}, but this host allows {allowed}; lower it, or raise the host's own limit with \
         --limits {key}={asked} (or {key} = {asked} under [limits] in rewarden.toml)"
    )]
    AboveHost {
        /// The limit.
        key: &'static str,
        /// What was asked for.
        asked: u64,
        /// The host's own.
        allowed: u64,
    },
}

impl LimitChange {
    /// `key` is to be `value`.
    ///
    /// # Errors
    /// When there is no such limit, or the value is 0.
    pub fn new(key: &str, value: u64) -> Result<Self, LimitError> {
        let limit = Limit::of(key)?;
        if value == 0 {
            return Err(LimitError::Value { key: key.to_owned(), found: value.to_string() });
        }
        Ok(Self { limit, value })
    }
}

impl FromStr for LimitChange {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let (key, value) = text.split_once('=').ok_or_else(|| LimitError::Form { found: shown(text) })?;
        let (key, value) = (key.trim(), value.trim());
        let limit = Limit::of(key)?;
        // As in Rust and TOML: 500_000_000.
        match value.replace('_', "").parse() {
            Ok(number) => Self::new(limit.key, number),
            Err(_) => Err(LimitError::Value { key: key.to_owned(), found: shown(value) }),
        }
    }
}

impl fmt::Display for LimitChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.limit.key, self.value)
    }
}

impl Limits {
    /// Returns the limits with these changes, up or down: for the host's own configuration.
    pub fn with(mut self, changes: &[LimitChange]) -> Self {
        for LimitChange { limit, value } in changes {
            (limit.set)(&mut self, *value);
        }
        self
    }

    /// Returns the limits with these changes, downwards only: for a pack, or a run that was recorded elsewhere.
    ///
    /// # Errors
    /// When a change asks for more than there is.
    pub fn tightened(&self, changes: &[LimitChange]) -> Result<Self, LimitError> {
        for LimitChange { limit, value } in changes {
            let allowed = limit.value(self);
            if *value > allowed {
                return Err(LimitError::AboveHost { key: limit.key, asked: *value, allowed });
            }
        }
        Ok(self.clone().with(changes))
    }
}

/// How many times the fuel of others an interpreter's calls may take: it has some dozens of instructions for one of its program's.
/// math-verify takes 50 to 300 M for an ordinary answer and up to 1.5 G for unions of intervals.
const INTERPRETING: u64 = 4;

/// How many times as much as a call of its own a program may take to be prepared: it is compiled, once, when its pack is loaded.
/// A TypeScript file of 100 kB takes 4.5 G of fuel.
const PREPARING: u32 = 5;

impl Limits {
    /// The limits of a component's calls: these, with more fuel for an interpreter.
    pub(crate) fn of_calls(self: &Arc<Self>, is_interpreter: bool) -> Arc<Self> {
        if !is_interpreter {
            return self.clone();
        }
        Arc::new(Self { fuel: self.fuel.saturating_mul(INTERPRETING), ..(**self).clone() })
    }

    /// What preparing a configuration may use: [`PREPARING`] times the work of a call, and no more of anything else.
    pub(crate) fn for_preparing(&self) -> Self {
        Self {
            fuel: self.fuel.saturating_mul(PREPARING.into()),
            processor: self.processor.saturating_mul(PREPARING),
            ..self.clone()
        }
    }
}

impl Serialize for Limits {
    /// As a map from each limit's key to its value.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Limit::ALL.len()))?;
        for limit in Limit::ALL {
            map.serialize_entry(limit.key, &limit.value(self))?;
        }
        map.end()
    }
}

/// Memories, tables and core instances that one component may have: far above what compilers emit, and small enough
/// for the pooling allocator's slots.
pub(crate) const MEMORIES: u32 = 8;
/// See [`MEMORIES`].
pub(crate) const TABLES: u32 = 16;
/// See [`MEMORIES`].
pub(crate) const CORE_INSTANCES: u32 = 64;
/// Functions that are lifted, lowered or built in, over all nested components. Five bytes each, and
/// some 400 of the compiler's memory: 100,000 took 41 MB, and 32 MiB of them would take 2.5 GB. Python and JavaScript
/// guests have some hundreds.
pub(crate) const CANONICAL: usize = 20_000;
/// Functions that are lowered, over all nested components. For each that another component lifts, wasmtime generates an
/// adapter as large as its types, which no limit on functions sees: 300 of tuples of 300 to 600 strings took 72 MB. Those
/// that composed components pass between themselves are some dozens.
pub(crate) const LOWERED: usize = 256;
/// Elements, fields and cases of types; types, aliases, and items of instances, over all nested components and modules. 900,000 types took 99 MB, and an
/// instance of 90,000 items a second and 66 MB.
pub(crate) const DEFINITIONS: usize = 50_000;
/// Imports or exports of a component; tools make one for each interface.
pub(crate) const NAMES: usize = 1000;
/// Bytes of the name of an import or export. Those of interfaces have some 50.
pub(crate) const NAME_BYTES: usize = 1000;
/// Memories of one core module, imported ones included: what WebAssembly had before the multi-memory proposal, which only
/// wasmtime's own adapters may use.
pub(crate) const MODULE_MEMORIES: usize = 1;
/// Handles of resources that one instance may hold at once. wasmtime keeps a slot of the host's memory for each, of some
/// 16 bytes, which is not linear memory. No contract of ours has resources; what composed components pass between
/// themselves is a handful.
pub(crate) const HANDLES: usize = 10_000;
/// Instances of nested components that may be asked for, over a whole component. Tools make one for each exported
/// interface. The interface tools of QuickJS make 25.
pub(crate) const COMPONENT_INSTANCES: usize = 32;
/// Those of them that nested components ask for in turn, which multiply: so no arrangement stands for more than some 450. Tools
/// ask for none.
pub(crate) const INNER_INSTANCES: usize = 8;
/// Globals over all core modules: 16 bytes of each instance apiece. Compilers emit some ten.
pub(crate) const GLOBALS: usize = 10_000;
/// How deep blocks of a function may be nested. A switch nests as deep as it has cases, and those of interpreters have some
/// hundreds. The compiler's time and memory are quadratic in it: 10,000 nested loops of 60 kB
/// took 10 s and 220 MB.
pub(crate) const BLOCKS: usize = 2000;
/// How deep components and modules may be nested. Tools nest two levels.
pub(crate) const NESTING: usize = 8;
