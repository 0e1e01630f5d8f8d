//! Starts children, and has components compiled in them.

use std::borrow::Cow;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use super::child::ChildRole;
use super::sandbox::LIMITS;
use super::waiting::{Artefact, Waiting};
use super::wire::{self, Bounds, Confined, Landlock, LoadReply, Longest};
use super::worker::{Watch, Worker, WorkerError};
use super::{Isolation, IsolationError};
use crate::cache::CompileCache;
use crate::compiler::{COMPILERS, patience};
use crate::engine_config;
use crate::error::LoadFailure;
use crate::gate::Gate;
use crate::held::HeldBytes;
use crate::holdings::Holdings;
use crate::limits::Limits;
use crate::plugin;
use rewarden_types::Sha256Digest;

/// Private memory of a process that compiles, in bytes. The compiler's needs grow with the component, and a Python guest
/// of 18 MB is the largest that the limits are made for.
const COMPILER_MEMORY: u64 = 4 << 30;

/// Starts all child processes of a runtime and enforces their deadlines. Limits differ by pack, so each component carries
/// its own.
pub(crate) struct Supervisor {
    /// The kernel ties a child to the life of the thread that started it, and threads that make calls come and go.
    starter: Mutex<mpsc::Sender<Order>>,
    cache: Option<CompileCache>,
    /// The host's own limits, which no component's are above.
    host: Arc<Limits>,
    /// Started to see whether it can be, and used by the first component that is under the host's own limits.
    first: Mutex<Option<Worker>>,
    /// Children of one component at once.
    pub(crate) workers: u32,
    /// Calls at once, over all components.
    pub(crate) calls: Arc<Gate>,
    /// Children that wait for calls, over all components.
    pub(crate) waiting: Waiting,
    /// Components that are loaded.
    pub(crate) holdings: Holdings<Artefact, plugin::Loaded>,
    /// Children that compile at once.
    compilers: Arc<Gate>,
    landlock: Landlock,
}

/// An order to start a child, and where to send it.
struct Order {
    role: ChildRole,
    memory: u64,
    to: mpsc::SyncSender<std::io::Result<Worker>>,
}

impl Supervisor {
    /// Starts a child at once, so that a system without the sandbox is noticed here.
    pub(crate) fn start(
        limits: Arc<Limits>,
        cache: Option<CompileCache>,
        isolation: Isolation,
    ) -> Result<Arc<Self>, IsolationError> {
        let (starter, orders) = mpsc::channel::<Order>();
        let program = isolation.program.clone();
        std::thread::Builder::new()
            .name("rewarden-watch".into())
            .spawn(move || start_and_watch(&isolation, &orders))
            .map_err(|error| IsolationError::Start { program: program.clone(), message: error.to_string() })?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let mut supervisor = Self {
            starter: Mutex::new(starter),
            cache,
            host: limits.clone(),
            first: Mutex::new(None),
            workers: u32::try_from(processors).unwrap_or(u32::MAX).clamp(1, engine_config::CONCURRENT_CALLS),
            calls: Gate::new(engine_config::CONCURRENT_CALLS),
            waiting: Waiting::default(),
            holdings: Holdings::default(),
            compilers: Gate::new(COMPILERS),
            landlock: Landlock::None,
        };
        let (first, landlock) = supervisor.worker(ChildRole::Run, &limits).map_err(|error| match error {
            WorkerError::Sandbox(message) => {
                match message.strip_prefix(LIMITS).and_then(|rest| rest.strip_prefix(": ")) {
                    Some(limits) => IsolationError::Limits { message: limits.to_owned() },
                    None => IsolationError::Sandbox { message },
                }
            }
            error => IsolationError::Start { program, message: format!("its process {error}") },
        })?;
        if landlock != Landlock::Full {
            tracing::warn!(
                "this kernel's Landlock is {}; plugins' processes are kept from files and the network by their list of \
                 system calls alone",
                if landlock == Landlock::None { "missing" } else { "an old one" }
            );
        }
        supervisor.landlock = landlock;
        supervisor.first = Mutex::new(Some(first));
        Ok(Arc::new(supervisor))
    }

    pub(crate) fn landlock(&self) -> Landlock {
        self.landlock
    }

    /// Starts a child under these limits, which waits for its component.
    fn worker(&self, role: ChildRole, limits: &Limits) -> Result<(Worker, Landlock), WorkerError> {
        let (to, worker) = mpsc::sync_channel(1);
        let order = Order { role, memory: memory(role, &self.host), to };
        let gone = |_| WorkerError::Start("the thread that starts processes is gone".into());
        self.starter.lock().unwrap_or_else(PoisonError::into_inner).send(order).map_err(|_| gone(()))?;
        let worker = worker.recv().map_err(|_| gone(()))?;
        let mut worker = worker.map_err(|error| WorkerError::Start(error.to_string()))?;
        worker.set_deadline(Duration::ZERO);
        // One that could not be confined says so and ends, perhaps before it is written to.
        let sent = worker.send(&Bounds::from(limits));
        let confined = worker.receive::<Confined>(Longest::under(limits).confined, Longest::under(limits).in_memory);
        let confined = match (sent, confined) {
            (_, Ok(Confined::Err(message))) => Confined::Err(message),
            (Ok(()), confined) => confined?,
            (Err(error), _) => return Err(error),
        };
        worker.clear_deadline();
        confined.map(|landlock| (worker, landlock)).map_err(WorkerError::Sandbox)
    }

    /// A child that holds this component and waits for calls.
    pub(crate) fn worker_with(
        &self,
        name: &str,
        artefact: &Artefact,
        limits: &Limits,
    ) -> Result<(Worker, LoadReply), WorkerError> {
        let first = match *limits == *self.host {
            true => self.first.lock().unwrap_or_else(PoisonError::into_inner).take(),
            false => None,
        };
        let mut worker = match first {
            Some(first) if first.is_alive() => first,
            _ => self.worker(ChildRole::Run, limits)?.0,
        };
        // Two instances, for the types and the description, each with a limit of its own.
        worker.set_deadline(limits.processor.saturating_mul(2));
        worker.send(&wire::Component { name: Cow::Borrowed(name), compiled: true })?;
        worker.send_bytes(&artefact.wasm)?;
        worker.send_bytes(&artefact.compiled)?;
        let longest = Longest::under(limits);
        let loaded = worker.receive(longest.loaded, longest.in_memory)?;
        worker.clear_deadline();
        Ok((worker, loaded))
    }

    /// The component with its compiled form, and whether that is from the cache, which may be used if `cached`.
    pub(crate) fn artefact(
        &self,
        name: &str,
        digest: Sha256Digest,
        wasm: &[u8],
        limits: &Limits,
        cached: bool,
        notice: &dyn Fn() -> Option<Box<dyn Send>>,
    ) -> Result<(Arc<Artefact>, bool), LoadFailure> {
        let mut held = HeldBytes::new(self.holdings.counter(), wasm.len(), limits.loaded_bytes)?;
        let most = Longest::compiled(wasm.len());
        let kept = self.cache.as_ref().filter(|_| cached).and_then(|cache| cache.confined(&digest, most));
        let was_kept = kept.is_some();
        let compiled = match kept {
            Some(compiled) => compiled,
            None => {
                let _told = notice();
                self.compile(name, digest, wasm, limits)?
            }
        };
        held.grow(compiled.len(), limits.loaded_bytes)?;
        Ok((Arc::new(Artefact { wasm: wasm.into(), compiled, _held: held }), was_kept))
    }

    fn compile(&self, name: &str, digest: Sha256Digest, wasm: &[u8], limits: &Limits) -> Result<Vec<u8>, LoadFailure> {
        let failed = |error: WorkerError| LoadFailure::Process { what: error.to_string() };
        let (allowed, waited) = (limits.compile, patience(limits.compile));
        let Some(_place) = self.compilers.enter_within(waited) else {
            return Err(LoadFailure::CompilersBusy { compilers: COMPILERS, waited });
        };
        let (mut worker, _) = self.worker(ChildRole::Compile, limits).map_err(failed)?;
        worker.set_deadline_to(allowed);
        let longest = Longest::under(limits);
        let compiled = worker
            .send(&wire::Component { name: Cow::Borrowed(name), compiled: false })
            .and_then(|()| worker.send_bytes(wasm))
            .and_then(|()| worker.receive::<wire::CompileReply>(longest.loaded, longest.in_memory))
            .and_then(|compiled| match compiled {
                Ok(()) => worker.receive_bytes(Longest::compiled(wasm.len())).map(Ok),
                Err(failure) => Ok(Err(failure)),
            });
        let compiled = match compiled {
            Ok(compiled) => compiled.map_err(LoadFailure::bounded)?,
            Err(WorkerError::Late(_)) => return Err(LoadFailure::CompileTime { allowed }),
            Err(error) => return Err(failed(error)),
        };
        if let Some(cache) = &self.cache {
            cache.keep_confined(&digest, &compiled);
        }
        Ok(compiled)
    }
}

/// Returns the memory limit in bytes for a child with this role. Uses the host's limits, not the pack's: loading a component
/// needs the same memory however low the pack sets its own. A running child holds its arguments twice (serialised and
/// decoded) next to the instance's memory, and a few forms of the result.
fn memory(role: ChildRole, limits: &Limits) -> u64 {
    match role {
        ChildRole::Compile => COMPILER_MEMORY,
        ChildRole::Run => {
            let bytes = limits.memory_bytes.saturating_mul(3).saturating_add(limits.result_bytes.saturating_mul(8));
            u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(128 << 20)
        }
    }
}

/// Starts the children that are ordered, and watches them, until no order can come any more.
fn start_and_watch(isolation: &Isolation, orders: &mpsc::Receiver<Order>) {
    let mut watch = Watch::default();
    loop {
        match orders.recv_timeout(Watch::INTERVAL) {
            Ok(Order { role, memory, to }) => {
                let worker = spawn(isolation, role, memory);
                if let Ok(worker) = &worker {
                    watch.add(worker);
                }
                // Whoever ordered it waits for it.
                let _ = to.send(worker);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
        watch.look();
    }
}

fn spawn(isolation: &Isolation, role: ChildRole, memory: u64) -> std::io::Result<Worker> {
    let mut command = Command::new(&isolation.program);
    command
        .args(&isolation.arguments)
        .arg(role.name())
        .arg(std::process::id().to_string())
        .arg(memory.to_string())
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // What it would say there could be of a plugin's making.
        .stderr(Stdio::null());
    // Ctrl-C at a terminal is for the parent, which may want to finish its task first.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    Worker::new(command.spawn()?)
}
