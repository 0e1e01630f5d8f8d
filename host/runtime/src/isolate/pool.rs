//! The children of one component, one for each call at once, and calls into them.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::DeserializeOwned;

use super::supervisor::Supervisor;
use super::waiting::Artefact;
use super::wire::{self, CallAnswer, LoadReply, Longest, Request};
use super::worker::{Worker, WorkerError};
use crate::contract::functions::Call;
use crate::error::{CallError, CallFailure, LoadFailure};
use crate::gate::Gate;
use crate::interface::Interface;
use crate::limits::Limits;
use crate::metered::Metered;
use crate::plugin;
use rewarden_types::{Sha256Digest, shown};

/// How often a call is made whose process is killed from outside. Somebody who kills processes by hand kills one or two; where
/// three in a row are killed, the machine has no memory for them.
const TRIES: u32 = 3;

/// Children that hold the same component: started when a call finds none idle, up to one a processor, and kept.
///
/// No other component ever enters them, so that one which breaks out of WebAssembly finds nobody else's work there.
pub(crate) struct Pool {
    /// Tells its children among those that wait.
    id: u64,
    supervisor: Arc<Supervisor>,
    /// What its processes are started with.
    of_loading: Arc<Limits>,
    limits: Arc<Limits>,
    longest: Longest,
    artefact: Arc<Artefact>,
    gate: Arc<Gate>,
}

impl Supervisor {
    /// Loads a component under limits of its own: compiles it in one child (unless it was before) and runs it in others.
    pub(crate) fn load(
        self: &Arc<Self>,
        name: &str,
        digest: Sha256Digest,
        wasm: &[u8],
        limits: &Arc<Limits>,
        notice: &dyn Fn() -> Option<Box<dyn Send>>,
    ) -> Result<Arc<plugin::Loaded>, LoadFailure> {
        self.holdings.get(digest, limits, |artefact| {
            let (artefact, was_kept) = match artefact {
                Some(artefact) => (artefact, false),
                None => self.artefact(name, digest, wasm, limits, true, notice)?,
            };
            let failed = |error: WorkerError| LoadFailure::Process { what: error.to_string() };
            let (worker, loaded) = self.worker_with(name, &artefact, limits).map_err(failed)?;
            let (worker, artefact, loaded) = match loaded {
                LoadReply::Unfit(_) if was_kept => {
                    drop(artefact);
                    let (artefact, _) = self.artefact(name, digest, wasm, limits, false, notice)?;
                    let (worker, loaded) = self.worker_with(name, &artefact, limits).map_err(failed)?;
                    (worker, artefact, loaded)
                }
                loaded => (worker, artefact, loaded),
            };
            let described = match loaded {
                LoadReply::Done(described) => described.map_err(LoadFailure::bounded)?,
                LoadReply::Unfit(message) => return Err(LoadFailure::Compile { message: shown(&message) }),
            };
            let (outline, about) = described.checked()?;
            let of_calls = limits.of_calls(outline.interfaces.contains(&Interface::Prepare));
            let pool = Pool::new(self.clone(), limits.clone(), of_calls, artefact.clone(), worker);
            let bytes = artefact.wasm.clone();
            Ok((artefact, plugin::Loaded { digest, bytes, outline, about, place: plugin::CallPlace::Isolated(pool) }))
        })
    }
}

impl Pool {
    pub(crate) fn new(
        supervisor: Arc<Supervisor>,
        of_loading: Arc<Limits>,
        limits: Arc<Limits>,
        artefact: Arc<Artefact>,
        first: Worker,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (gate, longest) = (Gate::new(supervisor.workers), Longest::under(&limits));
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let pool = Self { id, supervisor, of_loading, limits, longest, artefact, gate };
        pool.supervisor.waiting.put(pool.id, first);
        pool
    }

    /// What each call into the component may use.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Process ids of the children that wait for calls.
    pub(crate) fn processes(&self) -> Vec<u32> {
        self.supervisor.waiting.list().iter().filter(|(of, _)| *of == self.id).map(|(_, worker)| worker.id()).collect()
    }

    /// Makes one call in a child. A child that fails is killed. The call is tried again only where the child was killed from
    /// outside: what a plugin does to one process it would do to another.
    pub(crate) fn call<T: DeserializeOwned>(
        &self,
        name: &Arc<str>,
        function: &'static str,
        config: &str,
        call: Call<'_>,
    ) -> Result<Metered<T>, CallError> {
        let failed = |failure| CallError { component: name.clone(), function, failure };
        let limits = match call {
            Call::Prepare => Cow::Owned(self.limits.for_preparing()),
            _ => Cow::Borrowed(&*self.limits),
        };
        let request = match wire::frame(&Request { config: Cow::Borrowed(config), call }) {
            // What is longer than the plugin's memory could not be given to it in any process.
            Ok(request) if request.len() > self.longest.request => {
                return Err(failed(CallFailure::Memory {
                    allowed: self.limits.memory_bytes,
                    requested: request.len(),
                }));
            }
            Ok(request) => request,
            Err(error) => {
                let what = WorkerError::Unasked(error.to_string()).to_string();
                return Err(failed(CallFailure::Process { what }));
            }
        };
        let mut tries = 1;
        loop {
            let error: WorkerError = match self.ask(name, &limits, &request) {
                Ok(outcome) => return outcome.map_err(failed),
                Err(error) => error,
            };
            let what = error.to_string();
            tracing::warn!(component = &**name, "{function}: the process of this call {what}");
            match error {
                WorkerError::Killed(_) if tries < TRIES => tries += 1,
                WorkerError::Killed(_) => {
                    let what = format!("the processes of {tries} tries were killed from outside; the last {what}");
                    return Err(failed(CallFailure::Host { what }));
                }
                WorkerError::Start(_) | WorkerError::Sandbox(_) => {
                    return Err(failed(CallFailure::Host { what: format!("its process {what}") }));
                }
                _ => return Err(failed(CallFailure::Process { what })),
            }
        }
    }

    fn ask<T: DeserializeOwned>(
        &self,
        name: &Arc<str>,
        limits: &Limits,
        request: &[u8],
    ) -> Result<Result<Metered<T>, CallFailure>, WorkerError> {
        let _place = self.gate.enter();
        // Over all components, whose own gates add up to any number.
        let _call = self.supervisor.calls.enter();
        let mut worker = self.take(name)?;
        worker.set_deadline(limits.processor);
        worker.send_frame(request)?;
        let answer: CallAnswer<T> = worker.receive(self.longest.answer, self.longest.in_memory)?;
        worker.clear_deadline();
        match &answer.outcome {
            Ok(metered) if metered.fuel > limits.fuel || metered.memory_bytes > limits.memory_bytes => {
                return Err(WorkerError::Nonsense("it claims to have used more than there was".into()));
            }
            Err(failure) if !failure.is_of_a_call() => {
                return Err(WorkerError::Nonsense("it reports a failure that is not its own to report".into()));
            }
            _ => {}
        }
        self.log(name, &answer);
        self.supervisor.waiting.put(self.id, worker);
        // Held to the lengths that failures have in this process.
        Ok(answer.outcome.map_err(CallFailure::bounded))
    }

    fn log<T>(&self, name: &str, answer: &CallAnswer<T>) {
        // As much as a plugin may write, whatever the child says, and one line about the rest.
        let mut left = self.limits.log_bytes;
        for line in &answer.log {
            line.emit(name);
            let Some(rest) = left.checked_sub(line.text.len().max(1)) else { return };
            left = rest;
        }
    }

    /// A child that is alive and idle, or a new one.
    fn take(&self, name: &str) -> Result<Worker, WorkerError> {
        // The lock is not held while one starts.
        while let Some(worker) = self.supervisor.waiting.take(self.id) {
            if worker.is_alive() {
                return Ok(worker);
            }
        }
        match self.supervisor.worker_with(name, &self.artefact, &self.of_loading)? {
            (worker, LoadReply::Done(Ok(_))) => Ok(worker),
            (_, LoadReply::Done(Err(failure))) => Err(WorkerError::Start(failure.to_string())),
            (_, LoadReply::Unfit(message)) => Err(WorkerError::Start(message)),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.supervisor.waiting.end(self.id);
    }
}
