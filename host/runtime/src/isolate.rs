//! Plugins in processes of their own (`docs/isolation.md`): what is left when WebAssembly's own walls should fail.
//!
//! A runtime made with [`crate::Runtime::isolated`] compiles, describes and calls components in child processes that have
//! no files, no network, a bound on their memory, and a list of the few system calls that computing takes. A child that
//! dies, hangs or answers nonsense is a typed failure of the one call that it was busy with, and the next call gets a
//! fresh one.
//!
//! A program that uses this has to be able to be its own child: [`SUBCOMMAND`] says how.

#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "nothing is received where there are no processes"))]
mod budget;
#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod pool;
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(target_os = "linux")]
mod supervisor;
#[cfg(target_os = "linux")]
mod syscalls;
#[cfg(not(target_os = "linux"))]
mod unsupported;
#[cfg(target_os = "linux")]
mod waiting;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "nothing is sent where there are no processes"))]
mod wire;
#[cfg(target_os = "linux")]
mod worker;

use std::ffi::OsString;
use std::path::PathBuf;

#[cfg(target_os = "linux")]
pub use child::serve;
#[cfg(not(target_os = "linux"))]
pub use unsupported::serve;
pub use wire::Landlock;
#[doc(hidden)]
pub use wire::read_foreign_frame;

#[cfg(not(target_os = "linux"))]
pub(crate) use unsupported::{Pool, Supervisor};
#[cfg(target_os = "linux")]
pub(crate) use {pool::Pool, supervisor::Supervisor};

/// The first argument of a process that is to run plugins. A program that makes isolated runtimes of itself calls
/// [`serve`] with the arguments after it, first thing in `main`.
pub const SUBCOMMAND: &str = "plugin-process";

/// How children are started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Isolation {
    /// A program that calls [`serve`]; of the same build as this one.
    pub program: PathBuf,
    /// What makes it do so: the arguments in front of [`serve`]'s own.
    pub arguments: Vec<OsString>,
}

impl Isolation {
    /// This program again, as `… plugin-process`. The very file that is running, even where another was put in its place.
    pub fn by_this_program() -> Self {
        Self { program: "/proc/self/exe".into(), arguments: vec![SUBCOMMAND.into()] }
    }
}

/// Processes for plugins cannot be had here. Asking for them is then an error; they are never left out in silence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IsolationError {
    /// Another system than Linux.
    #[error("plugins can be isolated in processes of their own on Linux only, and this is {system}")]
    Unsupported {
        /// The system.
        system: &'static str,
    },
    /// The first process did not come up.
    #[error("cannot start a process for plugins with {}: {message}", program.display())]
    Start {
        /// What was to be started.
        program: PathBuf,
        /// What the system said.
        message: String,
    },
    /// The limits that this process was started under are lower than those of the sandbox.
    #[error("cannot isolate plugins in processes of their own: {message}")]
    Limits {
        /// Which limit, and how to raise it.
        message: String,
    },
    /// The kernel refused a part of the sandbox.
    #[error(
        "cannot isolate plugins in processes of their own, since the kernel refuses a part of their sandbox ({message}); \
         it takes Linux 4.14 or newer with seccomp, on x86-64, AArch64 or RISC-V"
    )]
    Sandbox {
        /// The part, and what the kernel said.
        message: String,
    },
}

/// Puts this process into the sandbox of a process that runs plugins, for good, and says what Landlock adds to it.
///
/// `memory` bounds private writable memory, in bytes. For tests that try to get out; [`serve`] does this by itself.
#[cfg(target_os = "linux")]
pub fn confine(memory: u64) -> Result<Landlock, SandboxError> {
    let (landlock, _) = sandbox::enter(std::os::unix::process::parent_id(), memory, 0)?;
    syscalls::narrow(syscalls::ConfinementStage::Loading)?;
    syscalls::narrow(syscalls::ConfinementStage::Running)?;
    Ok(landlock)
}

#[cfg(target_os = "linux")]
pub use sandbox::SandboxError;
