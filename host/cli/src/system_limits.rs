//! What the system lets this process have. Looked at before anything is started, since libraries that start threads, open
//! pipes or reserve addresses panic in the middle or blame whoever asked.

use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result, bail};
use rlimit::Resource;

/// Files that `score` of a small pack has open at once: the run and its journals, the compile cache, two pipes a runtime,
/// connections. Measured: 24 are too few and 40 are not.
const FILES: u64 = 48;

/// Bytes of addresses: an instance of a plugin reserves 4 GiB of them with their guards, of which it may use its limit.
/// Measured: 4 GB are too few for a pack of rules and 6 GB are not.
const ADDRESSES: u64 = 8 << 30;

/// Threads beside the one or two a processor: those of signals, the epoch, the recorder and the compilers.
const THREADS: usize = 8;

/// Raises what may be raised.
///
/// # Errors
/// Returns which limit is too low, and how to raise it.
pub(crate) fn check() -> Result<()> {
    let (soft, hard) = Resource::NOFILE.get().context("the limit of open files cannot be read")?;
    if soft < FILES && Resource::NOFILE.set(FILES.min(hard), hard).is_err() | (hard < FILES) {
        bail!("at most {soft} files may be open at once, and {FILES} are needed; raise that with `ulimit -n`");
    }
    let (addresses, _) = Resource::AS.get().context("the limit of addresses cannot be read")?;
    if addresses < ADDRESSES {
        bail!(
            "this process may have {addresses} bytes of addresses (`ulimit -v`), and plugins take {ADDRESSES}: each call reserves \
             4 GiB of them, which is no memory; bound memory by a control group instead"
        );
    }
    threads(2 * thread::available_parallelism().map_or(1, usize::from) + THREADS)
}

/// Starts as many threads at once, and ends them.
fn threads(wanted: usize) -> Result<()> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        let closed = gate.lock();
        let started = (0..wanted)
            .map(|_| {
                thread::Builder::new().spawn_scoped(scope, || drop(gate.lock().unwrap_or_else(PoisonError::into_inner)))
            })
            .take_while(Result::is_ok)
            .count();
        drop(closed);
        if started < wanted {
            bail!(
                "the system lets this process start {started} threads, and {wanted} are needed; raise the number of processes \
                 with `ulimit -u`, or that of its control group"
            );
        }
        Ok(())
    })
}
