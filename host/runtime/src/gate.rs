//! How many threads may be at something at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A counting semaphore for blocking threads.
pub(crate) struct Gate {
    free: Mutex<u32>,
    changed: Condvar,
}

/// Leave to be inside a [`Gate`], given back when dropped.
pub(crate) struct Permit(Arc<Gate>);

impl Gate {
    pub(crate) fn new(permits: u32) -> Arc<Self> {
        Arc::new(Self { free: Mutex::new(permits), changed: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, u32> {
        // A count cannot be left half-changed, so a poisoned lock is as good as any.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a permit.
    pub(crate) fn enter(self: &Arc<Self>) -> Permit {
        let mut free = self.changed.wait_while(self.lock(), |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Permit(self.clone())
    }

    /// Waits for a permit, but no longer than `patience`.
    pub(crate) fn enter_within(self: &Arc<Self>, patience: Duration) -> Option<Permit> {
        let (mut free, timed_out) = self
            .changed
            .wait_timeout_while(self.lock(), patience, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        if timed_out.timed_out() {
            return None;
        }
        *free -= 1;
        Some(Permit(self.clone()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *self.0.lock() += 1;
        self.0.changed.notify_one();
    }
}
