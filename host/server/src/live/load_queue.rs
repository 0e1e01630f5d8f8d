//! Loading packs: on threads of their own, a few at a time, each waited for no longer than its deadline.
//!
//! A compiler cannot be interrupted. So a load that takes too long is not ended but left behind: it keeps its slot
//! until it is over, and whoever waited for it gets an error. Its threads answer no requests, and
//! have a lower priority than those that do.

use std::sync::Arc;
use std::time::Duration;

use rewarden_dialects::{Problem, ProblemKind};
use tokio::sync::{Semaphore, oneshot};

/// Loads at once. Compiling one pack uses every core already; a second slot lets a small pack past a large one.
const AT_ONCE: usize = 2;

/// Stack of a load's thread. Compiling takes some of it, and wasm that is tried out up to 512 KiB.
const STACK: usize = 4 << 20;

/// Runs loads.
pub(crate) struct LoadQueue {
    slots: Arc<Semaphore>,
    deadline: Duration,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LoadLost {
    /// All slots were taken all the time.
    #[error(
        "{AT_ONCE} other packs were being loaded for all of the {} s that a load may take (--load-timeout); send it again later",
        .0.as_secs_f64()
    )]
    Busy(Duration),
    /// It took too long.
    #[error(
        "it was not loaded within {} s (--load-timeout); what was begun ends in the background and changes nothing",
        .0.as_secs_f64()
    )]
    Slow(Duration),
    /// Its thread could not be started, or panicked.
    #[error("loading it was lost: {0}")]
    Broken(String),
}

impl LoadQueue {
    pub(crate) fn new(deadline: Duration) -> Self {
        Self { slots: Arc::new(Semaphore::new(AT_ONCE)), deadline }
    }

    /// Runs `work` once there is a slot.
    ///
    /// # Errors
    ///
    /// See [`LoadLost`]. If the work ends too late, its result is dropped on its own thread.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LoadLost> {
        let waiting = async {
            let slot =
                self.slots.clone().acquire_owned().await.map_err(|closed| LoadLost::Broken(closed.to_string()))?;
            let (sender, result) = oneshot::channel();
            // A pack that is loaded asks its model's server what it can be held to.
            let handle = tokio::runtime::Handle::current();
            let thread = std::thread::Builder::new().name("rewarden-load".to_owned()).stack_size(STACK);
            thread
                .spawn(move || {
                    rewarden_runtime::lower_thread_priority();
                    let _entered = handle.enter();
                    let result = work();
                    drop(slot);
                    let _ = sender.send(result);
                })
                .map_err(|error| LoadLost::Broken(error.to_string()))?;
            Ok(result)
        };
        let begun = tokio::time::Instant::now();
        let result = match tokio::time::timeout(self.deadline, waiting).await {
            Ok(result) => result?,
            Err(_) => return Err(LoadLost::Busy(self.deadline)),
        };
        match tokio::time::timeout_at(begun + self.deadline, result).await {
            Ok(result) => result.map_err(|_| LoadLost::Broken("its thread panicked".to_owned())),
            Err(_) => Err(LoadLost::Slow(self.deadline)),
        }
    }
}

impl From<&LoadLost> for Problem {
    fn from(lost: &LoadLost) -> Self {
        match lost {
            LoadLost::Busy(_) => Self { retry_after: Some(5), ..Self::new(ProblemKind::Overloaded, lost.to_string()) },
            LoadLost::Slow(_) => Self::new(ProblemKind::Timeout, lost.to_string()),
            LoadLost::Broken(_) => Self::new(ProblemKind::Internal, lost.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_load_that_hangs_costs_its_own_slot_and_no_other_load() {
        let loads = LoadQueue::new(Duration::from_millis(1000));
        let (release, held) = mpsc::channel::<()>();
        let hanging = loads.run(move || held.recv().is_ok()).await;
        assert_eq!(hanging, Err(LoadLost::Slow(Duration::from_millis(1000))));
        assert_eq!(loads.run(|| 7).await, Ok(7));
        drop(release);
    }

    #[tokio::test]
    async fn with_every_slot_taken_a_load_is_refused_in_time_and_later_taken() {
        let loads = LoadQueue::new(Duration::from_millis(500));
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        for _ in 0..AT_ONCE {
            let held = held.clone();
            let lost = loads.run(move || held.lock().unwrap().recv().is_ok()).await;
            assert_eq!(lost, Err(LoadLost::Slow(Duration::from_millis(500))));
        }
        let refused = loads.run(|| ()).await.unwrap_err();
        assert_eq!(refused, LoadLost::Busy(Duration::from_millis(500)));
        assert_eq!(Problem::from(&refused).retry_after, Some(5));
        drop(release);
        while loads.slots.available_permits() < AT_ONCE {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(loads.run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_load_that_panics_is_told_and_gives_its_slot_back() {
        let loads = LoadQueue::new(Duration::from_secs(5));
        for _ in 0..2 * AT_ONCE {
            let lost = loads.run(|| panic!("on purpose")).await;
            assert_eq!(lost, Err::<(), _>(LoadLost::Broken("its thread panicked".to_owned())));
        }
    }
}
