//! What decides what a component means and costs: the configuration of every engine.

use wasmtime::{
    Collector, Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, WasmBacktraceDetails,
};

use crate::limits::{self, Limits};

/// Calls that may be inside wasmtime at once; further ones wait their turn. The pooling allocator reserves address
/// space for each.
pub(crate) const CONCURRENT_CALLS: u32 = 64;

/// Bytes of a slot's memory that stay with this process between calls: as many as SymPy writes to for four answers, and with all slots
/// in use a quarter of what running calls may hold.
const KEPT_BYTES: usize = 32 << 20;

/// Where instances get their memory from. No result, failure or amount of fuel depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allocation {
    /// From a pool that is reserved once: the fastest.
    Pooled,
    /// From the system, for each instance: memory that was handed out is never made inaccessible again while it is
    /// in use, which is what a limit on a process's memory can be built on (see `isolate::syscalls`).
    OnDemand,
}

/// Everything that decides what a component means and what it costs is set here and nowhere else, so that two
/// engines of one host version always agree: on results, on fuel, and on whether a cached artefact fits.
pub(crate) fn config(limits: &Limits, allocation: Allocation) -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        // NaN bit patterns are the one thing in core WebAssembly that differs between machines.
        .cranelift_nan_canonicalization(true)
        .cranelift_opt_level(OptLevel::Speed)
        .max_wasm_stack(1 << 20)
        // The default makes a warm call three times slower, for async features that no plugin can use.
        .concurrency_support(false)
        // What plugins do not need is off: less to trust, and fewer ways to differ.
        .wasm_simd(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_memory64(false)
        .wasm_threads(false)
        .wasm_function_references(false)
        .wasm_gc(false)
        .wasm_exceptions(false)
        // Python guests use it.
        .wasm_extended_const(true)
        // For wasmtime's own adapters between nested components, which copy from one memory to another and are validated
        // as guests are: without it their generation panics. Guests have one memory a module: `outline` sees to it.
        .wasm_multi_memory(true)
        .collector(Collector::Null)
        // Explicit, since the defaults read environment variables and the text of a trap would follow them.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_backtrace_max_frames(None)
        .memory_init_cow(true);
    if allocation == Allocation::OnDemand {
        return config;
    }

    let instance_bytes = (8 << 20).max(limits.component_functions.saturating_mul(64));
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(CONCURRENT_CALLS)
        .total_core_instances(CONCURRENT_CALLS * limits::CORE_INSTANCES)
        .total_memories(CONCURRENT_CALLS * limits::MEMORIES)
        .total_tables(CONCURRENT_CALLS * limits::TABLES)
        .max_core_instances_per_component(limits::CORE_INSTANCES)
        .max_memories_per_component(limits::MEMORIES)
        .max_tables_per_module(limits::TABLES)
        .max_tables_per_component(limits::TABLES)
        .max_memory_size(limits.memory_bytes)
        .table_elements(limits.table_elements)
        // A component with 100,000 functions has a large instance; the default of 1 MiB would refuse it by a message
        // about the allocator instead of by a limit of ours.
        .max_component_instance_size(instance_bytes)
        .max_core_instance_size(instance_bytes)
        // Keeps pages of a memory between calls and gives them back what they held at first, instead of unmapping: copying is
        // some times cheaper than a fault for each, of which SymPy has thousands a call. Either way nothing of a call is seen by
        // the next.
        .linear_memory_keep_resident(KEPT_BYTES.min(limits.memory_bytes))
        .table_keep_resident(64 << 10)
        // Asks Linux (6.7 on) which pages were written and zeroes those, wherever they lie. Without it what lies above the
        // kept pages is unmapped after every call, and each unmapping interrupts every core that runs plugins.
        .pagemap_scan(Enabled::Auto);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}
