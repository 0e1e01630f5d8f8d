//! The children of one component, one for each call at once, and calls into them.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;

use super::cell::{Cell, CellError};
use super::warden::{GRACE, Warden};
use super::wire::{self, Answer, Call, Loaded, Longest, Request};
use crate::engine::{self, Gate};
use crate::error::{CallError, CallFailure};
use crate::holdings::Held;
use crate::limits::Limits;
use crate::plugin::Metered;

/// Children that hold the same component: started when a call finds none idle, up to one a processor, and kept.
///
/// No other component ever enters them, so that one which breaks out of WebAssembly finds nobody else's work there.
pub(crate) struct Pool {
    /// Tells its children among those that wait.
    id: u64,
    warden: Arc<Warden>,
    limits: Arc<Limits>,
    longest: Longest,
    artefact: Arc<Artefact>,
    gate: Arc<Gate>,
}

/// A component and what a child compiled it to; shared by pools of different limits.
pub(crate) struct Artefact {
    pub(crate) wasm: Arc<[u8]>,
    pub(crate) compiled: Vec<u8>,
    /// Counts it as held.
    pub(crate) _held: Held,
}

/// Children of all pools that wait for calls. The ones that have waited longest are ended when there are too many, so that
/// ten thousand packs do not keep ten thousand processes.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<VecDeque<(u64, Cell)>>);

/// Children that wait at most, over all components: as many as there may be calls at once.
const MOST_WAITING: usize = engine::CONCURRENT_CALLS as usize;

impl Waiting {
    fn list(&self) -> MutexGuard<'_, VecDeque<(u64, Cell)>> {
        // A list cannot be left half-changed, so a poisoned lock is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, pool: u64, cell: Cell) {
        let mut list = self.list();
        list.push_back((pool, cell));
        let oldest = if list.len() > MOST_WAITING { list.pop_front() } else { None };
        // Ending a process takes a moment; others need not wait for it.
        drop(list);
        drop(oldest);
    }

    /// The one that was used last: the likeliest to be in the processor's caches.
    fn take(&self, pool: u64) -> Option<Cell> {
        let mut list = self.list();
        let at = list.iter().rposition(|(of, _)| *of == pool)?;
        list.remove(at).map(|(_, cell)| cell)
    }

    fn end(&self, pool: u64) {
        let mut list = self.list();
        let (gone, left) = std::mem::take(&mut *list).into_iter().partition(|(of, _)| *of == pool);
        *list = left;
        drop(list);
        drop::<VecDeque<_>>(gone);
    }
}

impl Pool {
    pub(crate) fn new(warden: Arc<Warden>, limits: Arc<Limits>, artefact: Arc<Artefact>, first: Cell) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (gate, longest) = (Gate::new(warden.cells), Longest::under(&limits));
        let pool = Self { id: NEXT.fetch_add(1, Ordering::Relaxed), warden, limits, longest, artefact, gate };
        pool.warden.waiting.put(pool.id, first);
        pool
    }

    /// What each call into the component may use.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Process ids of the children that wait for calls.
    pub(crate) fn processes(&self) -> Vec<u32> {
        self.warden.waiting.list().iter().filter(|(of, _)| *of == self.id).map(|(_, cell)| cell.id()).collect()
    }

    /// Makes one call in a child. A child that fails is killed, and the call is not tried again.
    pub(crate) fn call<T: DeserializeOwned>(
        &self,
        name: &Arc<str>,
        function: &'static str,
        config: &str,
        call: Call<'_>,
    ) -> Result<Metered<T>, CallError> {
        let outcome = self.ask(name, config, call).unwrap_or_else(|error: CellError| {
            let what = error.to_string();
            tracing::warn!(component = &**name, "{function}: the process of this call {what}");
            Err(CallFailure::Process { what })
        });
        outcome.map_err(|failure| CallError { component: name.clone(), function, failure })
    }

    fn ask<T: DeserializeOwned>(
        &self,
        name: &Arc<str>,
        config: &str,
        call: Call<'_>,
    ) -> Result<Result<Metered<T>, CallFailure>, CellError> {
        let request = wire::frame(&Request { config: Cow::Borrowed(config), call })
            .map_err(|error| CellError::Unasked(error.to_string()))?;
        if request.len() > self.longest.request {
            // What is longer than the plugin's memory could not be given to it in any process.
            return Ok(Err(CallFailure::Memory { allowed: self.limits.memory_bytes, requested: request.len() }));
        }
        let _place = self.gate.enter();
        // Over all components, whose own gates add up to any number.
        let _call = self.warden.calls.enter();
        let mut cell = self.take(name)?;
        let limits = &self.limits;
        cell.give(limits.wall.saturating_add(GRACE));
        cell.send_frame(&request)?;
        let answer: Answer<T> = cell.receive(self.longest.answer, self.longest.in_memory)?;
        cell.rest();
        match &answer.outcome {
            Ok(metered) if metered.fuel > limits.fuel || metered.memory_bytes > limits.memory_bytes => {
                return Err(CellError::Nonsense("it claims to have used more than there was".into()));
            }
            Err(failure) if !failure.is_of_a_call() => {
                return Err(CellError::Nonsense("it reports a failure that is not its own to report".into()));
            }
            _ => {}
        }
        self.log(name, &answer);
        self.warden.waiting.put(self.id, cell);
        // Held to the lengths that failures have in this process.
        Ok(answer.outcome.map_err(CallFailure::bounded))
    }

    fn log<T>(&self, name: &str, answer: &Answer<T>) {
        // As much as a plugin may write, whatever the child says, and one line about the rest.
        let mut left = self.limits.log_bytes;
        for line in &answer.log {
            line.emit(name);
            let Some(rest) = left.checked_sub(line.text.len().max(1)) else { return };
            left = rest;
        }
    }

    /// A child that is alive and idle, or a new one.
    fn take(&self, name: &str) -> Result<Cell, CellError> {
        // The lock is not held while one starts.
        while let Some(cell) = self.warden.waiting.take(self.id) {
            if cell.is_alive() {
                return Ok(cell);
            }
        }
        match self.warden.cell_with(name, &self.artefact, &self.limits)? {
            (cell, Loaded::Done(Ok(_))) => Ok(cell),
            (_, Loaded::Done(Err(failure))) => Err(CellError::Start(failure.to_string())),
            (_, Loaded::Unfit(message)) => Err(CellError::Start(message)),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.warden.waiting.end(self.id);
    }
}
