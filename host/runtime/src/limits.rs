//! What a plugin may use.

use std::time::Duration;

use serde::Serialize;

/// Limits on loading a component and on every call into it.
///
/// The defaults leave a bundled plugin room for texts of a megabyte, and stop a hostile one within seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// WebAssembly instructions for one call, roughly: instantiation, `configure` and the call itself together.
    /// The bundled parser needs 20 to 120 units a byte of its text and the bundled template 30 to 45 (up to 500 for a
    /// text of nothing but markers): enough for a megabyte of ordinary text, and about half a second of work.
    /// Deterministic: a call that runs out does so on every machine.
    pub fuel: u64,
    /// Bytes of linear memory, summed over all memories of the instance. Enough for Python and JavaScript guests,
    /// whose runtimes take some 20 MB.
    pub memory_bytes: usize,
    /// Table elements, summed over all tables of the instance.
    pub table_elements: usize,
    /// Wall-clock time of one call. A backstop for machines so loaded that the fuel lasts too long; not deterministic,
    /// hence far above what the fuel allows on an idle core.
    #[serde(serialize_with = "as_seconds")]
    pub wall: Duration,
    /// Bytes that the host copies out of the instance for any one result or log line, bookkeeping included. This is
    /// what keeps a result of a billion records from becoming a billion host allocations.
    pub result_bytes: usize,
    /// Bytes of log text that are kept of one call; the rest is dropped with one notice.
    pub log_bytes: usize,
    /// Bytes of a component file. Python guests take 18 MB.
    pub component_bytes: usize,
    /// Functions in a component, over all its core modules. Compiling is not metered and costs about 20 us a function
    /// however small it is.
    pub component_functions: usize,
    /// Wall-clock time for compiling a component. The load fails when it is over; the compiler itself cannot be
    /// interrupted and ends in the background.
    #[serde(serialize_with = "as_seconds")]
    pub compile: Duration,
}

fn as_seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 500_000_000,
            memory_bytes: 128 << 20,
            table_elements: 100_000,
            wall: Duration::from_secs(5),
            result_bytes: 16 << 20,
            log_bytes: 16 << 10,
            component_bytes: 32 << 20,
            component_functions: 100_000,
            compile: Duration::from_secs(60),
        }
    }
}

/// Memories, tables and core instances that one component may have: far above what compilers emit, and small enough
/// for the pooling allocator's slots.
pub(crate) const MEMORIES: u32 = 8;
/// See [`MEMORIES`].
pub(crate) const TABLES: u32 = 16;
/// See [`MEMORIES`].
pub(crate) const CORE_INSTANCES: u32 = 32;
