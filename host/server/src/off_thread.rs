//! Work that would keep an async thread from its other requests.

use std::sync::{Arc, LazyLock};

use rewarden_dialects::{Problem, ProblemKind};
use tokio::sync::Semaphore;

/// What one byte of input costs at worst, in nanoseconds.
pub(crate) mod cost {
    /// Reading a dialect's body. Measured: taking templated text apart costs 60 to 110 ns.
    pub(crate) const DIALECT: usize = 110;
    /// Decoding JSON. Measured: a list of numbers costs 72 ns, texts cost 1 to 2 ns.
    pub(crate) const JSON: usize = 72;
    /// Digests, and writing JSON that is mostly text: a few nanoseconds.
    pub(crate) const DIGEST: usize = 4;
}

/// The most nanoseconds of work that stay on an async thread. Another thread costs 10 to 20 µs.
const MOST: usize = 1_000_000;

/// One piece of work for each core at once: the cores are the process's, and so is this bound. Work that waits has no thread
/// and ends with its request.
static CORES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Arc::new(Semaphore::new(cores))
});

/// Runs `work` on `bytes` bytes of input, each of which costs `cost` nanoseconds: here if it is quick, or else on a thread for
/// blocking work.
///
/// # Errors
///
/// The work panicked.
pub(crate) async fn off_thread<T: Send + 'static>(
    cost: usize,
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    if cost.saturating_mul(bytes) < MOST {
        return Ok(work());
    }
    let lost = |detail: String| Problem::new(ProblemKind::Internal, detail);
    let core = CORES.clone().acquire_owned().await.map_err(|closed| lost(closed.to_string()))?;
    let span = tracing::Span::current();
    let working = tokio::task::spawn_blocking(move || {
        let _core = core;
        span.in_scope(work)
    });
    working.await.map_err(|error| lost(format!("reading the request was lost: {error}; the server's log says why")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn small_work_stays_on_its_thread_and_large_work_leaves_it() {
        let here = std::thread::current().id();
        assert_eq!(off_thread(1, MOST - 1, || std::thread::current().id()).await, Ok(here));
        assert_ne!(off_thread(2, MOST / 2, || std::thread::current().id()).await, Ok(here));
    }

    #[tokio::test]
    async fn an_async_thread_goes_on_while_large_work_takes_its_time() {
        let (release, held) = std::sync::mpsc::channel();
        let work = off_thread(1, MOST, move || held.recv_timeout(Duration::from_secs(10)).is_ok());
        // The release is sent by the only async thread, so it must be free while the work lasts.
        let (done, _) = tokio::join!(work, async move { release.send(()) });
        assert_eq!(done, Ok(true));
    }

    #[tokio::test]
    async fn work_that_panics_is_an_internal_problem_and_gives_its_core_back() {
        for _ in 0..1000 {
            let lost: Result<(), Problem> = off_thread(2, MOST / 2, || panic!("on purpose")).await;
            assert_eq!(lost.unwrap_err().kind, ProblemKind::Internal);
        }
        assert_eq!(off_thread(2, MOST / 2, || 7).await, Ok(7));
    }
}
