//! Compiling under a limit of time. The compiler cannot be interrupted, so what takes too long ends in the background; here it
//! is kept from piling up there.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::cache::{self, CompileCache};
use crate::engine_config::{Allocation, config};
use crate::error::LoadFailure;
use crate::gate::Gate;
use crate::limits::Limits;
use crate::processor_time;
use rewarden_types::{Sha256Digest, shown};

/// Components that are compiled at once, those included that nobody waits for any more. One of many large functions keeps
/// every core busy for minutes and takes some 300 MB a core.
pub(crate) const COMPILERS: u32 = 4;

/// Stack of a compiling thread: what threads of a process have by default on Linux, and the validator is tested with.
const STACK: usize = 8 << 20;

/// Compiles for one engine.
pub(crate) struct Compiler {
    engine: Engine,
    places: Arc<Gate>,
    overdue: Arc<Overdue>,
}

/// Components whose time is over and that are still being compiled.
#[derive(Default)]
struct Overdue(Mutex<HashSet<Sha256Digest>>);

impl Overdue {
    fn set(&self) -> MutexGuard<'_, HashSet<Sha256Digest>> {
        // A set cannot be left half-changed, so a poisoned lock is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Compiler {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, places: Gate::new(COMPILERS), overdue: Arc::default() }
    }

    /// Compiles `bytes`, whose digest is `digest`, within `allowed` of processor time. Blocks for as long as that takes.
    ///
    /// With a cache it is compiled by function, and takes from there what it has in common with others.
    ///
    /// A component that is overdue is refused at once until its compiler has ended: loaded again and again, it takes one
    /// compiler, not all of them.
    pub(crate) fn compile(
        &self,
        digest: Sha256Digest,
        bytes: Arc<[u8]>,
        limits: &Limits,
        cache: Option<&CompileCache>,
    ) -> Result<Component, LoadFailure> {
        let allowed = limits.compile;
        let too_long = || Err(LoadFailure::CompileTime { allowed });
        if self.overdue.set().contains(&digest) {
            return too_long();
        }
        let waited = patience(allowed);
        let Some(place) = self.places.enter_within(waited) else {
            return Err(LoadFailure::CompilersBusy { compilers: COMPILERS, waited });
        };
        let failed = |message: String| LoadFailure::Compile { message: shown(&message) };
        let (sender, receiver) = mpsc::sync_channel(1);
        let (engine, overdue) = (self.engine.clone(), self.overdue.clone());
        let threads = Arc::<Threads>::default();
        let (work, started) = (threads.clone(), Instant::now());
        let (limits, cache) = (limits.clone(), cache.cloned());
        std::thread::Builder::new()
            .name("rewarden-compile".into())
            .stack_size(STACK)
            .spawn(move || {
                let _ended = Ended { overdue, digest };
                let _place = place;
                // Nobody listens any more when its time is over.
                let _ = sender.send(in_own_threads(threads, || match &cache {
                    None => Component::new(&engine, &bytes),
                    Some(cache) => by_function(&engine, &bytes, &limits, cache),
                }));
            })
            .map_err(|error| failed(error.to_string()))?;
        loop {
            let left = allowed.saturating_sub(work.worked(started));
            match receiver.recv_timeout(left.clamp(LEAST_LOOK, MOST_LOOK)) {
                Ok(compiled) => return compiled.map_err(|error| failed(format!("{error:#}"))),
                Err(mpsc::RecvTimeoutError::Timeout) if left.is_zero() => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(failed("the compiler crashed".into())),
            }
        }
        self.overdue.set().insert(digest);
        // It may have ended in between, and would then stay in the set.
        if !matches!(receiver.try_recv(), Err(mpsc::TryRecvError::Empty)) {
            self.overdue.set().remove(&digest);
        }
        too_long()
    }
}

/// Compiles a component with the functions that were compiled before, and keeps the others.
fn by_function(engine: &Engine, bytes: &[u8], limits: &Limits, cache: &CompileCache) -> wasmtime::Result<Component> {
    let functions = Arc::new(cache.functions(engine));
    // An engine of its own, since the cache belongs to an engine's configuration. Machine code of either fits the other.
    let mut config = config(limits, Allocation::OnDemand);
    config.enable_incremental_compilation(functions.clone())?;
    let artefact = Component::new(&Engine::new(&config)?, bytes)?.serialize()?;
    cache.keep_functions(engine, &functions);
    // SAFETY: `deserialize` must only see what `serialize` of this wasmtime wrote, as it did a line above.
    #[allow(unsafe_code, reason = "the only way from one engine to another")]
    unsafe {
        cache::deserialize(engine, &artefact)
    }
}

/// How often the compiler's processor time is looked at: seldom, or sooner if little is left.
const MOST_LOOK: Duration = Duration::from_millis(100);
/// See [`MOST_LOOK`]. The system counts in hundredths of a second.
const LEAST_LOOK: Duration = Duration::from_millis(10);

/// How long one waits for others to compile that may each take this much processor time: on a machine that has much else to
/// do, some times as long.
pub(crate) fn patience(allowed: Duration) -> Duration {
    allowed.saturating_mul(5)
}

/// The threads that work for one component.
#[derive(Default)]
struct Threads(Mutex<Vec<u32>>);

impl Threads {
    /// Adds the calling thread.
    fn add(&self) {
        #[cfg(target_os = "linux")]
        {
            let id = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        }
    }

    /// Their processor time; the time since the start where the system does not tell.
    fn worked(&self, started: Instant) -> Duration {
        let ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        processor_time::of_threads(&ids).unwrap_or_else(|| started.elapsed())
    }
}

/// Runs `compile` with threads of its own for its functions. They have the priority of the thread that asked, which those
/// of the whole process have not (see [`crate::lower_thread_priority`]), and end with it.
fn in_own_threads<T: Send>(
    threads: Arc<Threads>,
    compile: impl FnOnce() -> wasmtime::Result<T> + Send,
) -> wasmtime::Result<T> {
    rayon::ThreadPoolBuilder::new()
        .thread_name(|_| "rewarden-codegen".into())
        .stack_size(STACK)
        .start_handler(move |_| threads.add())
        .build()?
        .install(compile)
}

/// Takes a component out of the overdue ones when its compiler ends, also by a panic.
struct Ended {
    overdue: Arc<Overdue>,
    digest: Sha256Digest,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.overdue.set().remove(&self.digest);
    }
}
