//! Starts children, and has components compiled in them.

use std::borrow::Cow;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::cell::{Cell, CellError, Watch};
use super::child::Role;
use super::pool::{Artefact, Pool, Waiting};
use super::wire::{self, Bounds, Confined, Landlock, Loaded, Longest};
use super::{Isolation, IsolationError};
use crate::cache::CompileCache;
use crate::compiler::COMPILERS;
use crate::digest::Sha256Digest;
use crate::engine::{self, Gate};
use crate::error::LoadFailure;
use crate::holdings::{Held, Holdings};
use crate::limits::Limits;
use crate::plugin;
use crate::wording::shown;

/// What a child gets over the limit of whatever it is doing, before it is given up: starting, encoding, waiting for a
/// processor.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// Private memory of a process that compiles, in bytes. The compiler's needs grow with the component, and a Python guest
/// of 18 MB is the largest that the limits are made for.
const COMPILER_MEMORY: u64 = 4 << 30;

/// Starts every child of a runtime, and has an eye on the time that they take. Packs have limits of their own, and so each
/// component says which are its.
pub(crate) struct Warden {
    /// The kernel ties a child to the life of the thread that started it, and threads that make calls come and go.
    starter: Mutex<mpsc::Sender<Order>>,
    cache: Option<CompileCache>,
    /// The host's own limits, which no component's are above.
    host: Arc<Limits>,
    /// Started to see whether it can be, and used by the first component that is under the host's own limits.
    first: Mutex<Option<Cell>>,
    /// Children of one component at once.
    pub(crate) cells: u32,
    /// Calls at once, over all components.
    pub(crate) calls: Arc<Gate>,
    /// Children that wait for calls, over all components.
    pub(crate) waiting: Waiting,
    /// Components that are loaded.
    holdings: Holdings<Artefact>,
    /// Children that compile at once.
    compilers: Arc<Gate>,
    landlock: Landlock,
}

/// A child to be started, and who wants it.
struct Order {
    role: Role,
    memory: u64,
    to: mpsc::SyncSender<std::io::Result<Cell>>,
}

impl Warden {
    /// Starts a child at once, so that a system without the sandbox is noticed here.
    pub(crate) fn start(
        limits: Arc<Limits>,
        cache: Option<CompileCache>,
        isolation: Isolation,
    ) -> Result<Arc<Self>, IsolationError> {
        let (starter, orders) = mpsc::channel::<Order>();
        let program = isolation.program.clone();
        std::thread::Builder::new()
            .name("rewarden-warden".into())
            .spawn(move || start_and_watch(&isolation, &orders))
            .map_err(|error| IsolationError::Start { program: program.clone(), message: error.to_string() })?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let mut warden = Self {
            starter: Mutex::new(starter),
            cache,
            host: limits.clone(),
            first: Mutex::new(None),
            cells: u32::try_from(processors).unwrap_or(u32::MAX).clamp(1, engine::CONCURRENT_CALLS),
            calls: Gate::new(engine::CONCURRENT_CALLS),
            waiting: Waiting::default(),
            holdings: Holdings::default(),
            compilers: Gate::new(COMPILERS),
            landlock: Landlock::None,
        };
        let (first, landlock) = warden.cell(Role::Run, &limits).map_err(|error| match error {
            CellError::Sandbox(message) => IsolationError::Sandbox { message },
            error => IsolationError::Start { program, message: format!("its process {error}") },
        })?;
        if landlock != Landlock::Full {
            tracing::warn!(
                "this kernel's Landlock is {}; plugins' processes are kept from files and the network by their list of \
                 system calls alone",
                if landlock == Landlock::None { "missing" } else { "an old one" }
            );
        }
        warden.landlock = landlock;
        warden.first = Mutex::new(Some(first));
        Ok(Arc::new(warden))
    }

    pub(crate) fn landlock(&self) -> Landlock {
        self.landlock
    }

    /// Starts a child under these limits, which waits for its component.
    fn cell(&self, role: Role, limits: &Limits) -> Result<(Cell, Landlock), CellError> {
        let (to, cell) = mpsc::sync_channel(1);
        let order = Order { role, memory: memory(role, &self.host), to };
        let gone = |_| CellError::Start("the thread that starts processes is gone".into());
        self.starter.lock().unwrap_or_else(PoisonError::into_inner).send(order).map_err(|_| gone(()))?;
        let cell = cell.recv().map_err(|_| gone(()))?;
        let mut cell = cell.map_err(|error| CellError::Start(error.to_string()))?;
        cell.give(GRACE);
        cell.send(&Bounds::from(limits))?;
        let confined = cell.receive::<Confined>(Longest::under(limits).confined, Longest::under(limits).in_memory)?;
        cell.rest();
        confined.map(|landlock| (cell, landlock)).map_err(CellError::Sandbox)
    }

    /// A child that holds this component and waits for calls.
    pub(crate) fn cell_with(
        &self,
        name: &str,
        artefact: &Artefact,
        limits: &Limits,
    ) -> Result<(Cell, Loaded), CellError> {
        let first = match *limits == *self.host {
            true => self.first.lock().unwrap_or_else(PoisonError::into_inner).take(),
            false => None,
        };
        let mut cell = match first {
            Some(first) if first.is_alive() => first,
            _ => self.cell(Role::Run, limits)?.0,
        };
        // Two instances, for the types and the description, each with a limit of its own.
        cell.give(limits.wall.saturating_mul(2).saturating_add(GRACE));
        cell.send(&wire::Component { name: Cow::Borrowed(name), compiled: true })?;
        cell.send_bytes(&artefact.wasm)?;
        cell.send_bytes(&artefact.compiled)?;
        let longest = Longest::under(limits);
        let loaded = cell.receive(longest.loaded, longest.in_memory)?;
        cell.rest();
        Ok((cell, loaded))
    }

    /// Loads a component under limits of its own: compiles it in one child (unless it was before) and runs it in others.
    pub(crate) fn load(
        self: &Arc<Self>,
        name: &str,
        digest: Sha256Digest,
        wasm: &[u8],
        limits: &Arc<Limits>,
    ) -> Result<Arc<plugin::Loaded>, LoadFailure> {
        self.holdings.get(digest, limits, |artefact| {
            let (artefact, was_kept) = match artefact {
                Some(artefact) => (artefact, false),
                None => self.artefact(name, digest, wasm, limits, true)?,
            };
            let failed = |error: CellError| LoadFailure::Process { what: error.to_string() };
            let (cell, loaded) = self.cell_with(name, &artefact, limits).map_err(failed)?;
            let (cell, artefact, loaded) = match loaded {
                Loaded::Unfit(_) if was_kept => {
                    drop(artefact);
                    let (artefact, _) = self.artefact(name, digest, wasm, limits, false)?;
                    let (cell, loaded) = self.cell_with(name, &artefact, limits).map_err(failed)?;
                    (cell, artefact, loaded)
                }
                loaded => (cell, artefact, loaded),
            };
            let described = match loaded {
                Loaded::Done(described) => described.map_err(LoadFailure::bounded)?,
                Loaded::Unfit(message) => return Err(LoadFailure::Compile { message: shown(&message) }),
            };
            let (outline, about) = described.checked()?;
            let pool = Pool::new(self.clone(), limits.clone(), artefact.clone(), cell);
            let bytes = artefact.wasm.clone();
            Ok((artefact, plugin::Loaded { digest, bytes, outline, about, place: plugin::Place::Apart(pool) }))
        })
    }

    /// The component with its compiled form, and whether that is from the cache, which may be used if `cached`.
    fn artefact(
        &self,
        name: &str,
        digest: Sha256Digest,
        wasm: &[u8],
        limits: &Limits,
        cached: bool,
    ) -> Result<(Arc<Artefact>, bool), LoadFailure> {
        let mut held = Held::new(self.holdings.counter(), wasm.len(), limits.loaded_bytes)?;
        let most = Longest::compiled(wasm.len());
        let kept = self.cache.as_ref().filter(|_| cached).and_then(|cache| cache.confined(&digest, most));
        let was_kept = kept.is_some();
        let compiled = match kept {
            Some(compiled) => compiled,
            None => self.compile(name, digest, wasm, limits)?,
        };
        held.grow(compiled.len(), limits.loaded_bytes)?;
        Ok((Arc::new(Artefact { wasm: wasm.into(), compiled, _held: held }), was_kept))
    }

    fn compile(&self, name: &str, digest: Sha256Digest, wasm: &[u8], limits: &Limits) -> Result<Vec<u8>, LoadFailure> {
        let failed = |error: CellError| LoadFailure::Process { what: error.to_string() };
        let (allowed, started) = (limits.compile, Instant::now());
        let Some(_place) = self.compilers.enter_within(allowed) else {
            return Err(LoadFailure::CompilersBusy { compilers: COMPILERS, allowed });
        };
        let waited = started.elapsed();
        let (mut cell, _) = self.cell(Role::Compile, limits).map_err(failed)?;
        cell.give(allowed.saturating_sub(waited));
        let longest = Longest::under(limits);
        let compiled = cell
            .send(&wire::Component { name: Cow::Borrowed(name), compiled: false })
            .and_then(|()| cell.send_bytes(wasm))
            .and_then(|()| cell.receive::<wire::Compiled>(longest.loaded, longest.in_memory))
            .and_then(|compiled| match compiled {
                Ok(()) => cell.receive_bytes(Longest::compiled(wasm.len())).map(Ok),
                Err(failure) => Ok(Err(failure)),
            });
        let compiled = match compiled {
            Ok(compiled) => compiled.map_err(LoadFailure::bounded)?,
            Err(CellError::Late(_)) => return Err(LoadFailure::CompileTime { allowed }),
            Err(error) => return Err(failed(error)),
        };
        if let Some(cache) = &self.cache {
            cache.keep_confined(&digest, &compiled);
        }
        Ok(compiled)
    }
}

/// The private memory that a child of this role may have, in bytes, under the host's own limits: loading a component takes
/// no less because its pack lowers them. One that runs holds the arguments twice, as they came and as they are meant, beside
/// the instance's own memory, and a few forms of the result.
fn memory(role: Role, limits: &Limits) -> u64 {
    match role {
        Role::Compile => COMPILER_MEMORY,
        Role::Run => {
            let bytes = limits.memory_bytes.saturating_mul(3).saturating_add(limits.result_bytes.saturating_mul(8));
            u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(128 << 20)
        }
    }
}

/// Until nobody can order any more.
fn start_and_watch(isolation: &Isolation, orders: &mpsc::Receiver<Order>) {
    let mut watch = Watch::default();
    loop {
        match orders.recv_timeout(Watch::INTERVAL) {
            Ok(Order { role, memory, to }) => {
                let cell = spawn(isolation, role, memory);
                if let Ok(cell) = &cell {
                    watch.add(cell);
                }
                // Whoever ordered it waits for it.
                let _ = to.send(cell);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
        watch.look();
    }
}

fn spawn(isolation: &Isolation, role: Role, memory: u64) -> std::io::Result<Cell> {
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
    Cell::new(command.spawn()?)
}
