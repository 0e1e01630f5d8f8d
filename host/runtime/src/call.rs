//! One call: a fresh instance, its limits, and what its errors mean.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Instance;
use wasmtime::{Store, Trap, UpdateDeadline};

use crate::engine::TICK;
use crate::error::{CallError, CallFailure};
use crate::in_process::InProcess;
use crate::limits::{HANDLES, Limits};
use crate::metered::Metered;
use crate::processor_time;
use crate::store::{CallState, LimitReached, Resource};
use rewarden_types::shown;

impl InProcess {
    /// Instantiates, configures (when there is a configuration), runs `body`, and drops everything.
    pub(crate) fn once<R>(
        &self,
        name: &Arc<str>,
        function: &'static str,
        config: Option<&str>,
        body: impl FnOnce(&mut Store<CallState>, &Instance) -> wasmtime::Result<R>,
    ) -> Result<Metered<R>, CallError> {
        self.once_under(&self.limits, name, function, config, body)
    }

    /// As [`InProcess::once`], under these limits.
    pub(crate) fn once_under<R>(
        &self,
        limits: &Limits,
        name: &Arc<str>,
        function: &'static str,
        config: Option<&str>,
        body: impl FnOnce(&mut Store<CallState>, &Instance) -> wasmtime::Result<R>,
    ) -> Result<Metered<R>, CallError> {
        let _place = self.machine.gate.enter();
        let mut store = Store::new(&self.machine.engine, CallState::new(name.clone(), limits, self.log.clone()));
        // All of this before instantiation: start functions run there.
        store.limiter(|state| state);
        store.set_hostcall_fuel(limits.result_bytes);
        store.set_max_component_handles(HANDLES);
        let (started, allowed) = (processor_time::of_this_thread(), limits.processor);
        store.set_epoch_deadline(ticks(allowed));
        // The clock on the wall has reached the limit. Only what the processor did for this call counts.
        store.epoch_deadline_callback(move |_| {
            let left = allowed.saturating_sub(processor_time::of_this_thread().saturating_sub(started));
            Ok(if left.is_zero() { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(ticks(left)) })
        });

        let error = |failure| CallError { component: name.clone(), function, failure };
        let outcome = store.set_fuel(limits.fuel).and_then(|()| {
            let instance = self.compiled.pre.instantiate(&mut store)?;
            if let Some(config) = config
                && let Err(refused) = self.configure(&mut store, &instance, config)?
            {
                return Ok(Err(CallFailure::refused(refused.key.as_deref(), &refused.message)));
            }
            body(&mut store, &instance).map(Ok)
        });
        match outcome {
            Ok(Ok(value)) => Ok(Metered {
                value,
                fuel: limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0)),
                memory_bytes: store.data().memory_bytes(),
            }),
            Ok(Err(failure)) => Err(error(failure)),
            Err(cause) => Err(error(failure(limits, &cause, store.into_data().last_error))),
        }
    }
}

/// What ended a call.
fn failure(limits: &Limits, error: &wasmtime::Error, last_error: Option<String>) -> CallFailure {
    if let Some(LimitReached { what, allowed, requested }) = error.downcast_ref::<LimitReached>().copied() {
        return match what {
            Resource::Memory => CallFailure::Memory { allowed, requested },
            Resource::TableElements => CallFailure::TableElements { allowed, requested },
        };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => CallFailure::Fuel { allowed: limits.fuel },
        Some(Trap::Interrupt) => CallFailure::Time { allowed: limits.processor },
        Some(trap) => CallFailure::Trap { trap: trap.to_string(), panic: last_error },
        None if is_hostcall_fuel(error) => CallFailure::OutputSize { allowed: limits.result_bytes },
        None if is_out_of_handles(error) => {
            let trap = format!("held more than the {HANDLES} handles of resources that an instance may hold");
            CallFailure::Trap { trap, panic: last_error }
        }
        None if is_out_of_memory(error) => CallFailure::Host {
            what: "the system gives this process no more memory; raise `ulimit -v`, or stop what else needs it".into(),
        },
        None => CallFailure::InvalidResult { message: shown(&error.root_cause().to_string()) },
    }
}

/// The ticks of the engine's clock in which so much processor time can pass, and one more, since the one under way may be almost
/// over.
fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX / 2).saturating_add(1)
}

/// Returns whether the kernel refused memory that the limits allow. The errors that wasmtime has from it are of several types, and
/// all end in its number.
fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().ends_with("(os error 12)")
}

/// As below: wasmtime has no type for it.
fn is_out_of_handles(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| cause.to_string().contains("store handle limit exceeded"))
}

/// wasmtime's error type for this is private, so its words must do. `tests/tests/hostile.rs` fails should they change.
fn is_hostcall_fuel(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| cause.to_string().contains("fuel allocated for hostcalls has been exhausted"))
}
