//! The process that plugins run in: shuts itself in, loads one component, and answers calls into it until its input
//! ends.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::sandbox::{self, Pipes};
use super::syscalls::{self, ConfinementStage};
use super::wire::{self, Bounds, CallAnswer, Described, LoadReply, Longest, NotAMessage, Request};
use crate::cache;
use crate::contract::functions::{Call, for_each_function};
use crate::engine::PluginEngine;
use crate::engine_config::Allocation;
use crate::error::{CallError, LoadFailure};
use crate::limits::{self, Limits};
use crate::log::{LogLine, LogSink};
use crate::metered::Metered;
use crate::outline::outline;
use crate::plugin::Plugin;
use crate::priority::lower_thread_priority;
use crate::runtime;
use rewarden_types::{Sha256Digest, shown};

/// What a child is for. One that compiles never runs plugin code, and one that runs never compiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChildRole {
    Compile,
    Run,
}

impl ChildRole {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Compile => "compile",
            Self::Run => "run",
        }
    }
}

/// Why a child ended early. It tells its parent if it still can.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("expected ROLE PARENT-PID MEMORY-BYTES; this command is started by rewarden itself")]
    Usage,
    #[error("the parent cannot be read or written to: {0}")]
    Pipe(#[from] std::io::Error),
    #[error("{0}")]
    Message(#[from] NotAMessage),
    #[error("not confined: {0}")]
    NotConfined(String),
}

/// The whole of a child process: see [`super::SUBCOMMAND`]. `arguments` are those after the subcommand.
///
/// To be called first thing in `main`, while there is one thread.
pub fn serve(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            eprintln!("error: {stop}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<(), Stop> {
    let arguments: Vec<String> = arguments.into_iter().filter_map(|argument| argument.into_string().ok()).collect();
    let [role, parent, memory] = arguments.as_slice() else { return Err(Stop::Usage) };
    let role =
        [ChildRole::Compile, ChildRole::Run].into_iter().find(|known| known.name() == role).ok_or(Stop::Usage)?;
    let parent = parent.parse().map_err(|_| Stop::Usage)?;
    let memory = memory.parse().map_err(|_| Stop::Usage)?;
    let images = match role {
        ChildRole::Compile => 0,
        ChildRole::Run => limits::CORE_INSTANCES.into(),
    };
    if role == ChildRole::Compile {
        // The host waits for a load and meanwhile answers requests.
        lower_thread_priority();
    }
    let (landlock, pipes) = match sandbox::enter(parent, memory, images) {
        Ok(entered) => entered,
        Err(error) => {
            std::io::stdout().write_all(&wire::frame(&wire::Confined::Err(error.to_string()))?)?;
            return Err(Stop::NotConfined(error.to_string()));
        }
    };
    let mut parent = Parent(pipes);
    let bounds: Bounds = wire::message(&parent.read()?)?;
    let limits = Arc::new(Limits::from(bounds));
    // The engine starts a thread, and neither it nor the limits are of a plugin's making.
    let (allocation, stage) = match role {
        ChildRole::Compile => (Allocation::Pooled, ConfinementStage::Compiling),
        ChildRole::Run => (Allocation::OnDemand, ConfinementStage::Loading),
    };
    let ready = PluginEngine::new(&limits, allocation).map_err(|error| format!("the engine: {error:#}"));
    let ready = ready.and_then(|machine| syscalls::narrow(stage).map(|()| machine).map_err(|error| error.to_string()));
    let machine = match ready {
        Ok(machine) => machine,
        Err(message) => {
            parent.write(&wire::Confined::Err(message.clone()))?;
            return Err(Stop::NotConfined(message));
        }
    };
    parent.write(&wire::Confined::Ok(landlock))?;
    match role {
        ChildRole::Compile => compile(&mut parent, &machine, &limits),
        ChildRole::Run => answer_calls(&mut parent, machine, limits),
    }
}

/// The other end of the pipes.
struct Parent(Pipes);

impl Parent {
    /// The bytes of the next frame. The parent is trusted with their number.
    fn read(&mut self) -> std::io::Result<Vec<u8>> {
        let mut head = [0; wire::HEAD];
        let input: &mut File = &mut self.0.input;
        input.read_exact(&mut head)?;
        let length = u32::from_le_bytes(head);
        let mut bytes = Vec::with_capacity(length as usize);
        input.take(length.into()).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write(&mut self, message: &impl Serialize) -> Result<(), Stop> {
        let frame = wire::frame(message)?;
        Ok(self.0.output.write_all(&frame)?)
    }
}

fn compile(parent: &mut Parent, machine: &PluginEngine, limits: &Limits) -> Result<(), Stop> {
    // The parent ends this process when the time is over, so nothing here watches the clock.
    parent.read()?;
    let wasm = parent.read()?;
    let compiled = outline(&wasm, limits).and_then(|_| {
        let failed = |error: wasmtime::Error| LoadFailure::Compile { message: shown(&format!("{error:#}")) };
        let component = wasmtime::component::Component::new(&machine.engine, &wasm).map_err(failed)?;
        component.serialize().map_err(failed)
    });
    let compiled = compiled.and_then(|bytes| {
        let most = Longest::compiled(wasm.len());
        let message = || format!("{} bytes of machine code, more than the {most} allowed", bytes.len());
        if bytes.len() > most { Err(LoadFailure::Compile { message: message() }) } else { Ok(bytes) }
    });
    match compiled {
        Ok(bytes) => {
            parent.write(&wire::CompileReply::Ok(()))?;
            parent.0.output.write_all(&wire::head(bytes.len())?)?;
            Ok(parent.0.output.write_all(&bytes)?)
        }
        Err(failure) => parent.write(&wire::CompileReply::Err(failure)),
    }
}

fn answer_calls(parent: &mut Parent, machine: Arc<PluginEngine>, limits: Arc<Limits>) -> Result<(), Stop> {
    let announced = parent.read()?;
    let component: wire::Component = wire::message(&announced)?;
    let wasm = parent.read()?;
    let compiled = if component.compiled { parent.read()? } else { Vec::new() };
    // SAFETY: `deserialize` must only see what `serialize` of this wasmtime wrote. The parent got these bytes from a
    // process that compiled this one component and saw no other. Were they forged by an error of the compiler that the
    // component provokes, they would be machine code of the component's choice in a process that holds nothing but
    // that component and can do nothing but answer.
    #[allow(unsafe_code, reason = "the only way to load a compiled component")]
    let loaded = unsafe { cache::deserialize(&machine.engine, &compiled) };
    let loaded = match loaded {
        // Images of its memories are made now, since they are files. Without them data would be copied by instructions,
        // and calls would take more fuel than in the parent.
        Ok(loaded) => loaded.initialize_copy_on_write_image().map(|()| loaded),
        Err(error) => return parent.write(&LoadReply::Unfit(format!("{error:#}"))),
    };
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            let failure = LoadFailure::Process { what: format!("could not make images of memories: {error:#}") };
            return parent.write(&LoadReply::Done(Err(failure)));
        }
    };
    drop(compiled);
    if let Err(error) = syscalls::narrow(ConfinementStage::Running) {
        return parent.write(&LoadReply::Done(Err(LoadFailure::Process { what: error.to_string() })));
    }
    let log = Log::default();
    let name: Arc<str> = component.name.into();
    let plugin = outline(&wasm, &limits).and_then(|outline| {
        let digest = Sha256Digest::of(&wasm);
        let compiled = Arc::new(runtime::link(&machine, wasm.into(), &loaded, None)?);
        let sink = LogSink::Kept(log.0.clone());
        runtime::describe(&name, digest, outline, compiled, machine, limits, sink)
    });
    let plugin = match plugin {
        Ok(loaded) => Plugin::new(name, Arc::new(loaded)),
        Err(failure) => return parent.write(&LoadReply::Done(Err(failure))),
    };
    parent.write(&LoadReply::Done(Ok(Described::new(plugin.outline().clone(), plugin.about()))))?;
    loop {
        let asked = match parent.read() {
            Ok(asked) => asked,
            // The parent has no more calls.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let request: Request = wire::message(&asked)?;
        let frame = answer(&plugin, &log, request)?;
        drop(asked);
        parent.0.output.write_all(&frame)?;
    }
}

/// The lines that the plugin has logged since they were last taken.
#[derive(Default)]
struct Log(Arc<Mutex<Vec<LogLine>>>);

impl Log {
    fn take(&self) -> Vec<LogLine> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

macro_rules! answering {
    ($($(#[$doc:meta])* $function:ident: $method:ident($argument:ty) -> $output:ty, $interface:ident, $name:literal;)*) => {
        /// Makes one call, and puts its outcome into a frame with the lines that the plugin logged.
        fn answer(plugin: &Plugin, log: &Log, request: Request) -> Result<Vec<u8>, NotAMessage> {
            // Lines of the description, which nobody asked for.
            log.take();
            let config = &*request.config;
            match request.call {
                Call::CheckConfig => {
                    let checked = plugin.check_config(config);
                    reply(log, checked.map(|()| Metered { value: (), fuel: 0, memory_bytes: 0 }))
                }
                Call::Prepare => reply(log, plugin.prepared(config)),
                $(Call::$function(argument) => reply(log, plugin.$method(config, &argument)),)*
            }
        }
    };
}

for_each_function!(answering);

fn reply<T: Serialize>(log: &Log, outcome: Result<Metered<T>, CallError>) -> Result<Vec<u8>, NotAMessage> {
    wire::frame(&CallAnswer { log: log.take(), outcome: outcome.map_err(|error| error.failure) })
}
