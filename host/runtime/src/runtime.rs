//! Loading components.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use rewarden_input::open_regular;
use wasmtime::component::Component;

use crate::cache::CompileCache;
use crate::compiled::Compiled;
use crate::engine::PluginEngine;
use crate::engine_config::Allocation;
use crate::error::{LoadError, LoadFailure};
use crate::function_cache::WORTH_IT;
use crate::held::HeldBytes;
use crate::holdings::Holdings;
use crate::in_process::InProcess;
use crate::isolate::{Isolation, IsolationError, Landlock, Supervisor};
use crate::limits::{LimitChange, LimitError, Limits};
use crate::log::LogSink;
use crate::outline::{Outline, at_most, outline};
use crate::plugin::{self, Loaded, Plugin};
use rewarden_types::{Sha256Digest, shown};

/// The engine could not be made: no supported processor, or no memory for it.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine could not be started: {0}")]
pub struct EngineError(String);

/// One WebAssembly engine and the limits that hold for everything loaded into it. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    place: Place,
    limits: Arc<Limits>,
    interpreters: Arc<[PathBuf]>,
    notice: Option<Arc<CompileNotice>>,
}

/// Told of a component, by its name and bytes, that is being compiled and takes seconds; holds what it returns until that has
/// ended.
pub type CompileNotice = dyn Fn(&str, usize) -> Box<dyn Send> + Send + Sync;

/// Bytes of a component from which on compiling takes seconds.
const SLOW_TO_COMPILE: usize = 4 << 20;

/// Where components are compiled and run.
#[derive(Clone)]
enum Place {
    InProcess { machine: Arc<PluginEngine>, cache: Option<CompileCache>, holdings: Arc<Holdings<Compiled, Loaded>> },
    Isolated(Arc<Supervisor>),
}

impl Runtime {
    /// Starts an engine. Compiled components are kept in `cache` (made private to the user) when it is given.
    pub fn new(limits: Limits, cache: Option<&Path>) -> Result<Self, EngineError> {
        let machine =
            PluginEngine::new(&limits, Allocation::Pooled).map_err(|error| EngineError(format!("{error:#}")))?;
        Ok(Self {
            place: Place::InProcess { machine, cache: open(cache), holdings: Arc::default() },
            limits: Arc::new(limits),
            interpreters: Arc::default(),
            notice: None,
        })
    }

    /// Returns a runtime as [`Runtime::new`] does, with every component compiled, described and called in processes of its own (see
    /// [`crate::isolate`]). Results are the same, bit for bit; each call takes longer, by what it takes to ask another
    /// process.
    ///
    /// Starts the first process at once, and fails where there can be none.
    pub fn isolated(limits: Limits, cache: Option<&Path>, isolation: Isolation) -> Result<Self, IsolationError> {
        let limits = Arc::new(limits);
        let supervisor = Supervisor::start(limits.clone(), open(cache), isolation)?;
        Ok(Self { place: Place::Isolated(supervisor), limits, interpreters: Arc::default(), notice: None })
    }

    /// Returns what Landlock adds to the processes of plugins; `None` if they run in this one.
    pub fn landlock(&self) -> Option<Landlock> {
        match &self.place {
            Place::InProcess { .. } => None,
            Place::Isolated(supervisor) => Some(supervisor.landlock()),
        }
    }

    /// The same runtime, for programs too: the directories in which their interpreters are looked for, as `NAME.wasm`.
    pub fn with_interpreters(self, directories: impl Into<Arc<[PathBuf]>>) -> Self {
        Self { interpreters: directories.into(), ..self }
    }

    /// The same runtime, which tells of components that take seconds to compile.
    pub fn with_notice(self, notice: Arc<CompileNotice>) -> Self {
        Self { notice: Some(notice), ..self }
    }

    /// The directories in which interpreters of programs are looked for.
    pub fn interpreters(&self) -> &[PathBuf] {
        &self.interpreters
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The same engine under limits that are nowhere higher: what a pack asks for.
    ///
    /// # Errors
    /// When a change asks for more than this runtime's own limits.
    pub fn tightened(&self, changes: &[LimitChange]) -> Result<Self, LimitError> {
        Ok(Self { limits: Arc::new(self.limits.tightened(changes)?), ..self.clone() })
    }

    /// Loads a component from a file. It is known by the file's name.
    ///
    /// Blocks while compiling; see [`Runtime::load`].
    pub fn load_file(&self, path: &Path) -> Result<Plugin, LoadError> {
        let component = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        match read(path, self.limits.component_bytes) {
            Ok(bytes) => self.load(&component, &bytes),
            Err(reason) => Err(LoadError { component, reason }),
        }
    }

    /// Checks, compiles (or takes from the cache) and instantiates a component once, and asks it to describe itself. One
    /// that is loaded already, by whatever name, is shared: nothing is done again, and nothing held twice.
    ///
    /// Blocks for as long as compiling takes, up to [`Limits::compile`]: call it from a blocking thread.
    pub fn load(&self, name: &str, bytes: &[u8]) -> Result<Plugin, LoadError> {
        let shared: Arc<str> = name.into();
        match self.loaded(&shared, bytes) {
            Ok(loaded) => Ok(Plugin::new(shared, loaded)),
            Err(reason) => Err(LoadError { component: name.to_owned(), reason }),
        }
    }

    fn loaded(&self, name: &Arc<str>, bytes: &[u8]) -> Result<Arc<Loaded>, LoadFailure> {
        let limits = &self.limits;
        at_most("bytes", bytes.len(), limits.component_bytes)?;
        let digest = Sha256Digest::of(bytes);
        let notice = || {
            let notice = self.notice.as_ref().filter(|_| bytes.len() >= SLOW_TO_COMPILE);
            notice.map(|notice| notice(name, bytes.len()))
        };
        match &self.place {
            Place::InProcess { machine, cache, holdings } => holdings.get(digest, limits, |compiled| {
                let outline = outline(bytes, limits)?;
                let compiled = match compiled {
                    Some(compiled) => compiled,
                    None => {
                        let place = (machine, cache.as_ref(), holdings.counter());
                        Arc::new(compile(digest, bytes, outline.code_bytes, place, limits, notice)?)
                    }
                };
                let (machine, limits) = (machine.clone(), limits.clone());
                let loaded = describe(name, digest, outline, compiled.clone(), machine, limits, LogSink::Host)?;
                Ok((compiled, loaded))
            }),
            Place::Isolated(supervisor) => supervisor.load(name, digest, bytes, limits, &notice),
        }
    }
}

/// Compiles a component, or takes it from the compile cache.
fn compile(
    digest: Sha256Digest,
    bytes: &[u8],
    code_bytes: usize,
    (machine, cache, counter): (&Arc<PluginEngine>, Option<&CompileCache>, &Arc<AtomicUsize>),
    limits: &Limits,
    notice: impl FnOnce() -> Option<Box<dyn Send>>,
) -> Result<Compiled, LoadFailure> {
    let mut held = HeldBytes::new(counter, bytes.len(), limits.loaded_bytes)?;
    let bytes: Arc<[u8]> = bytes.into();
    let component = match cache.and_then(|cache| cache.load(&machine.engine, &digest)) {
        Some(component) => component,
        None => {
            let _told = notice();
            let by_function = cache.filter(|_| code_bytes >= WORTH_IT);
            let component = machine.compiler.compile(digest, bytes.clone(), limits, by_function)?;
            if let Some(cache) = cache {
                cache.store(&machine.engine, &digest, &component);
            }
            component
        }
    };
    let image = component.image_range();
    held.grow((image.end as usize).saturating_sub(image.start as usize), limits.loaded_bytes)?;
    link(machine, bytes, &component, Some(held))
}

/// The compile cache, where it can be had: loading works without.
fn open(cache: Option<&Path>) -> Option<CompileCache> {
    let directory = cache?;
    CompileCache::open(directory)
        .inspect_err(|error| {
            tracing::warn!(
                "no compile cache in {}: {error}; components are compiled at every start",
                directory.display()
            );
        })
        .ok()
}

/// Links a compiled component with what it may import.
pub(crate) fn link(
    machine: &PluginEngine,
    bytes: Arc<[u8]>,
    component: &Component,
    held: Option<HeldBytes>,
) -> Result<Compiled, LoadFailure> {
    let pre = machine
        .linker
        .instantiate_pre(component)
        .map_err(|error| LoadFailure::Mismatch { what: "imports".into(), message: shown(&format!("{error:#}")) })?;
    Ok(Compiled { bytes, pre, _held: held })
}

/// Instantiates a component once under these limits, and has it describe itself.
pub(crate) fn describe(
    name: &Arc<str>,
    digest: Sha256Digest,
    outline: Outline,
    compiled: Arc<Compiled>,
    machine: Arc<PluginEngine>,
    limits: Arc<Limits>,
    log: LogSink,
) -> Result<Loaded, LoadFailure> {
    let bytes = compiled.bytes.clone();
    let here = InProcess::new(name, &outline, compiled, machine, limits, log)?;
    let about = here.describe(name)?;
    Ok(Loaded { digest, bytes, outline, about, place: plugin::CallPlace::InProcess(Box::new(here)) })
}

/// The bytes of a component's file. Never waits on a FIFO, never reads a device without end.
fn read(path: &Path, limit: usize) -> Result<Vec<u8>, LoadFailure> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::InvalidInput => LoadFailure::NotAFile { path: path.to_owned() },
        _ => LoadFailure::Read { path: path.to_owned(), message: error.to_string() },
    };
    let (file, length) = open_regular(path).map_err(failed)?;
    at_most("bytes", usize::try_from(length).unwrap_or(usize::MAX), limit)?;
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to tell, whatever the file's size was said to be.
    file.take((limit as u64).saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
