//! The threads on which requests and tasks wait, and whether the system has room for a command's threads and files.

use std::fs::File;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use tokio::runtime::Runtime;

/// Plugins run on the blocking threads; wasm itself may use 512 KiB of this.
const STACK: usize = 4 << 20;

/// Threads beside one a processor that any command comes to: for signals, for the run, and for the first blocking calls.
const SPARE_THREADS: usize = 6;

/// Files beside those open already that any command comes to: a run and its log, two outputs, the runtime's own, a connection.
const SPARE_FILES: usize = 16;

/// Starts the async runtime.
///
/// # Errors
/// Returns what the system says.
pub(crate) fn start() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        // Said here, so that no environment variable of tokio's can ask for none or for a million.
        .worker_threads(processors())
        .enable_all()
        .thread_stack_size(STACK)
        .build()
        .context("cannot start the async runtime")
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Checks that a command that runs plugins has room for its threads and files. Without it the libraries beneath panic, or
/// stand still later on.
///
/// # Errors
/// Returns which limit of the system leaves no room.
pub(crate) fn check_room() -> Result<()> {
    check_files()?;
    check_threads(processors() + SPARE_THREADS)
}

fn check_files() -> Result<()> {
    let spare: std::io::Result<Vec<File>> = (0..SPARE_FILES).map(|_| File::open("/dev/null")).collect();
    match spare {
        // A system without such a file has other limits.
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(anyhow!(
            "this process may open fewer than {SPARE_FILES} more files ({error}); raise its limit, such as with \
             `ulimit -n 1024`"
        )),
        _ => Ok(()),
    }
}

/// Starts that many threads at once, and ends them.
fn check_threads(count: usize) -> Result<()> {
    let mut held = Vec::with_capacity(count);
    for started in 0..count {
        let (end, ended) = mpsc::channel::<()>();
        let wait = move || {
            let _ = ended.recv_timeout(Duration::from_secs(60));
        };
        let thread = std::thread::Builder::new().name("rewarden-probe".into()).stack_size(STACK).spawn(wait);
        let thread = thread.map_err(|error| {
            anyhow!(
                "the system gives this process {started} of the {count} threads that it needs ({error}); raise the limits on \
                 processes and memory (`ulimit -u` and `ulimit -v`, or those of its container)"
            )
        })?;
        held.push((end, thread));
    }
    for (end, thread) in held {
        drop(end);
        thread.join().map_err(|_| anyhow!("a thread that only waited has crashed"))?;
    }
    Ok(())
}
