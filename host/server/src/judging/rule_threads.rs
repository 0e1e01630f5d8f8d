//! The threads on which packs without a model are judged.

use rewarden_dialects::{Problem, ProblemKind};
use tokio::sync::oneshot;

/// Wasm may use 512 KiB of a thread's stack.
const STACK: usize = 4 << 20;

/// A fixed number of threads for work that takes microseconds to seconds and never waits. The async threads stay free,
/// and the cores are not overcommitted.
pub(crate) struct RuleThreads {
    pool: rayon::ThreadPool,
}

impl RuleThreads {
    pub(crate) fn new(threads: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .stack_size(STACK)
            .thread_name(|index| format!("rewarden-rule-{index}"))
            // The job drops its sender, so whoever waits gets an error.
            .panic_handler(|_| tracing::error!("a thread of the rule workers panicked"))
            .build()?;
        Ok(Self { pool })
    }

    /// Runs `job`, first come first served. It is not begun if nobody waits for the result any more.
    pub(crate) async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let (sender, receiver) = oneshot::channel();
        self.pool.spawn_fifo(move || {
            if !sender.is_closed() {
                let _ = sender.send(job());
            }
        });
        receiver.await.map_err(|_| Problem::new(ProblemKind::Internal, "the work on this task was lost; try again"))
    }
}
