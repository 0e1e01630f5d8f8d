//! Children that wait for calls, and what they run.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::worker::Worker;
use crate::engine_config;
use crate::held::HeldBytes;

/// A component and what a child compiled it to; shared by pools of different limits.
pub(crate) struct Artefact {
    pub(crate) wasm: Arc<[u8]>,
    pub(crate) compiled: Vec<u8>,
    /// Counts it as held.
    pub(crate) _held: HeldBytes,
}

/// Children of all pools that wait for calls. The ones that have waited longest are ended when there are too many, so that
/// ten thousand packs do not keep ten thousand processes.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<VecDeque<(u64, Worker)>>);

/// Children that wait at most, over all components: as many as there may be calls at once.
const MOST_WAITING: usize = engine_config::CONCURRENT_CALLS as usize;

impl Waiting {
    pub(crate) fn list(&self) -> MutexGuard<'_, VecDeque<(u64, Worker)>> {
        // A list cannot be left half-changed, so a poisoned lock is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, pool: u64, worker: Worker) {
        let mut list = self.list();
        list.push_back((pool, worker));
        let oldest = if list.len() > MOST_WAITING { list.pop_front() } else { None };
        // Ending a process takes a moment; others need not wait for it.
        drop(list);
        drop(oldest);
    }

    /// Takes the child that was used last, which is the likeliest to be in the processor's caches.
    pub(crate) fn take(&self, pool: u64) -> Option<Worker> {
        let mut list = self.list();
        let at = list.iter().rposition(|(of, _)| *of == pool)?;
        list.remove(at).map(|(_, worker)| worker)
    }

    pub(crate) fn end(&self, pool: u64) {
        let mut list = self.list();
        let (gone, left) = std::mem::take(&mut *list).into_iter().partition(|(of, _)| *of == pool);
        *list = left;
        drop(list);
        drop::<VecDeque<_>>(gone);
    }
}
