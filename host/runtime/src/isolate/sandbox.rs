//! Shuts the process in, before it reads a byte of a plugin's.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
use rlimit::Resource;

use super::wire::Landlock;

/// A part of the sandbox that could not be had. There is then no sandbox.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {message}")]
pub struct SandboxError {
    step: &'static str,
    message: String,
}

impl SandboxError {
    pub(crate) fn of<E: std::fmt::Display>(step: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self { step, message: error.to_string() }
    }
}

/// The two ends of the pipes that are left to a child.
pub(crate) struct Pipes {
    pub(crate) input: File,
    pub(crate) output: File,
}

/// Files that are open: standard input, output and error, and the two of [`Pipes`].
const OPEN: u64 = 5;

/// Bytes that the main thread's stack may grow to.
const STACK: u64 = 8 << 20;

/// Ties the process to its parent's life, closes everything that it inherited except standard input, output and error,
/// bounds its memory, and takes files and network away. What it may still ask of the kernel is narrowed by
/// [`super::syscalls`], once its threads are started.
///
/// `memory` bounds its private writable memory, in bytes, code and libraries aside. `images` is how many nameless files in
/// memory it may make to load a component, of that many bytes at most each; 0 if it loads none.
pub(crate) fn enter(parent: u32, memory: u64, images: u64) -> Result<(Landlock, Pipes), SandboxError> {
    // A parent that was killed cannot close its children, and one that hangs in a call would not see its input end.
    prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL).map_err(SandboxError::of("dying with the parent"))?;
    if std::os::unix::process::parent_id() != parent {
        return Err(SandboxError { step: "dying with the parent", message: "it is gone already".into() });
    }
    // Other processes of the user cannot attach to it, and it leaves no memory image behind.
    prctl(libc::PR_SET_DUMPABLE, 0).map_err(SandboxError::of("making it undumpable"))?;
    close_inherited().map_err(SandboxError::of("closing inherited files (/proc/self/fd)"))?;
    let pipes = Pipes {
        input: File::from(io::stdin().as_fd().try_clone_to_owned().map_err(SandboxError::of("its input"))?),
        output: File::from(io::stdout().as_fd().try_clone_to_owned().map_err(SandboxError::of("its output"))?),
    };
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1).map_err(SandboxError::of("giving up new privileges"))?;
    let landlock = landlock().map_err(SandboxError::of("Landlock"))?;
    for (what, name, most) in [
        (Resource::CORE, "-c", 0),
        (Resource::FSIZE, "-f", if images == 0 { 0 } else { memory }),
        (Resource::MEMLOCK, "-l", 0),
        // Those that are open stay open; beyond the images there are no further ones.
        (Resource::NOFILE, "-n", if images == 0 { 0 } else { OPEN + images }),
        (Resource::STACK, "-s", STACK),
        (Resource::DATA, "-d", memory),
    ] {
        what.set(most, most)
            .map_err(|error| SandboxError { step: LIMITS, message: limit(what, name, most, &error) })?;
    }
    Ok((landlock, pipes))
}

/// The step that sets resource limits, which fails where those that the process was started under are lower.
pub(crate) const LIMITS: &str = "resource limits";

/// Why a resource limit cannot be set. `option` is that of `ulimit`.
fn limit(what: Resource, option: &str, most: u64, error: &io::Error) -> String {
    match what.get_hard() {
        Ok(hard) if hard < most => format!(
            "each of them sets its limit `ulimit {option}` to {most}, in files or bytes, and the hard limit here is {hard}: \
             raise it (`ulimit -H {option}`, or that of the service or container)"
        ),
        _ => error.to_string(),
    }
}

/// Rust opens files so that children do not inherit them; other code in the parent may not have.
fn close_inherited() -> io::Result<()> {
    let mut inherited = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        inherited.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    for file in inherited.into_iter().filter(|file| *file > 2) {
        // SAFETY: nobody else closes it. This runs first thing in `main` (see `serve`), where no code of this process has
        // opened anything yet, so that all of these come from the parent; but for the listing's own, which is closed by
        // now, and closing that once more is an error without effect, since there is no second thread to reuse it.
        #[allow(unsafe_code, reason = "a file that this process inherited has no owner in it yet")]
        drop(unsafe { OwnedFd::from_raw_fd(file) });
    }
    Ok(())
}

/// A `prctl` whose arguments are numbers.
fn prctl(option: libc::c_int, argument: libc::c_int) -> io::Result<()> {
    // SAFETY: with these options the kernel reads a number and touches no memory of this process.
    #[allow(unsafe_code, reason = "crates that wrap it switch on features of libc, and all else is built anew")]
    let outcome = unsafe { libc::prctl(option, libc::c_long::from(argument), 0, 0, 0) };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// No rule is added: nothing below any path may be reached, no port bound or connected to, and no process outside
/// signalled. What an older kernel cannot do is left out, and said.
fn landlock() -> Result<Landlock, landlock::RulesetError> {
    let newest = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(Scope::from_all(newest))?
        .create()?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Landlock::Full,
        RulesetStatus::PartiallyEnforced => Landlock::Partial,
        RulesetStatus::NotEnforced => Landlock::None,
    })
}
