//! The one place where a wasmtime engine is made, and the thread that keeps its time.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{Engine, InstanceAllocationStrategy};

use crate::compiler::Compiler;
use crate::engine_config::{Allocation, CONCURRENT_CALLS, config};
use crate::gate::Gate;
use crate::limits::Limits;
use crate::log_import;
use crate::store::CallState;

/// How often the engine's epoch advances: the resolution of limits on time.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// An engine with the linker for the contract and a running clock.
pub(crate) struct PluginEngine {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<CallState>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) compiler: Compiler,
}

impl PluginEngine {
    pub(crate) fn new(limits: &Limits, allocation: Allocation) -> wasmtime::Result<Arc<Self>> {
        let mut config = config(limits, allocation);
        let engine = Engine::new(&config).or_else(|error| {
            // Where address space is limited (containers with `ulimit -v`), the pool's reservations fail.
            tracing::warn!(
                "no address space for pooled instances ({error:#}); allocating each on demand, calls take longer"
            );
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            Engine::new(&config)
        })?;
        let mut linker = Linker::new(&engine);
        log_import::add_to(&mut linker)?;
        start_clock(&engine)?;
        let compiler = Compiler::new(engine.clone());
        Ok(Arc::new(Self { engine, linker, gate: Gate::new(CONCURRENT_CALLS), compiler }))
    }
}

/// Advances the epoch for as long as the engine lives.
fn start_clock(engine: &Engine) -> wasmtime::Result<()> {
    let engine = engine.weak();
    let (started, starting) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("rewarden-epoch".into()).spawn(move || {
        // Fails only if the starter has gone, and then nobody waits.
        let _ = started.try_send(());
        loop {
            std::thread::sleep(TICK);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    })?;
    // A process that is about to be confined may not start threads afterwards, nor finish starting them.
    starting.recv()?;
    Ok(())
}
