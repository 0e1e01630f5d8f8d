//! What a host holds of the components that it has loaded: each once, however many packs and versions use it, and no more
//! than [`Limits::loaded_bytes`] of all together.
//!
//! Nothing is held for its own sake: what no plugin uses any more is gone, and comes back from the compile cache on disk.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::digest::Sha256Digest;
use crate::engine::Gate;
use crate::error::LoadFailure;
use crate::limits::Limits;
use crate::plugin::Loaded;

/// What a component counts at least: engines, maps and records of one cost some 30 KiB beside its code. Bounds their
/// number, which small components would not.
const LEAST: usize = 64 << 10;

/// Components by digest; `C` is the compiled form, whatever the limits that it runs under.
pub(crate) struct Holdings<C> {
    slots: Mutex<Slots<C>>,
    held: Arc<AtomicUsize>,
}

struct Slots<C> {
    by_digest: HashMap<Sha256Digest, Arc<Slot<C>>>,
    /// When there are this many, those that nothing is left of are taken out.
    tidy_at: usize,
}

/// One component.
struct Slot<C> {
    /// One load at a time compiles it; the others wait and share.
    turn: Arc<Gate>,
    kept: Mutex<Kept<C>>,
}

struct Kept<C> {
    compiled: Weak<C>,
    /// By the limits that its calls are under.
    loaded: HashMap<Limits, Weak<Loaded>>,
}

/// Bytes that count as held for as long as this lives.
pub(crate) struct Held {
    held: Arc<AtomicUsize>,
    bytes: usize,
}

impl Held {
    /// Counts so many bytes, if there is room for them.
    pub(crate) fn new(held: &Arc<AtomicUsize>, bytes: usize, allowed: usize) -> Result<Self, LoadFailure> {
        let mut this = Self { held: held.clone(), bytes: 0 };
        this.grow(bytes.max(LEAST), allowed).map(|()| this)
    }

    /// Counts some more.
    pub(crate) fn grow(&mut self, bytes: usize, allowed: usize) -> Result<(), LoadFailure> {
        let more = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= allowed);
        match self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => {
                self.bytes += bytes;
                Ok(())
            }
            Err(held) => {
                let others = held.saturating_sub(self.bytes);
                Err(LoadFailure::NoRoom { wanted: self.bytes.saturating_add(bytes), held: others, allowed })
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is replaced whole or not at all, so a poisoned lock is as good as any.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C> Default for Holdings<C> {
    fn default() -> Self {
        Self { slots: Mutex::new(Slots { by_digest: HashMap::new(), tidy_at: 64 }), held: Arc::default() }
    }
}

impl<C> Holdings<C> {
    /// What counts as held.
    pub(crate) fn counter(&self) -> &Arc<AtomicUsize> {
        &self.held
    }

    /// The component of this digest under these limits: the one that is there, or what `load` makes of it. `load` is given
    /// the compiled form where that is there, from a load under other limits.
    ///
    /// Identical components are loaded one after another, so that the second finds what the first has made.
    pub(crate) fn get(
        &self,
        digest: Sha256Digest,
        limits: &Limits,
        load: impl FnOnce(Option<Arc<C>>) -> Result<(Arc<C>, Loaded), LoadFailure>,
    ) -> Result<Arc<Loaded>, LoadFailure> {
        let slot = self.slot(digest);
        if let Some(loaded) = slot.loaded(limits) {
            return Ok(loaded);
        }
        let Some(_turn) = slot.turn.enter_within(limits.compile) else {
            return Err(LoadFailure::CompileTime { allowed: limits.compile });
        };
        if let Some(loaded) = slot.loaded(limits) {
            return Ok(loaded);
        }
        let compiled = lock(&slot.kept).compiled.upgrade();
        let (compiled, loaded) = load(compiled)?;
        let loaded = Arc::new(loaded);
        let mut kept = lock(&slot.kept);
        kept.compiled = Arc::downgrade(&compiled);
        if kept.loaded.len().is_power_of_two() {
            kept.loaded.retain(|_, loaded| loaded.strong_count() > 0);
        }
        kept.loaded.insert(limits.clone(), Arc::downgrade(&loaded));
        Ok(loaded)
    }

    fn slot(&self, digest: Sha256Digest) -> Arc<Slot<C>> {
        let mut slots = lock(&self.slots);
        if let Some(slot) = slots.by_digest.get(&digest) {
            return slot.clone();
        }
        if slots.by_digest.len() >= slots.tidy_at {
            // Whoever is loading one holds its slot.
            slots
                .by_digest
                .retain(|_, slot| Arc::strong_count(slot) > 1 || lock(&slot.kept).compiled.strong_count() > 0);
            slots.tidy_at = 64.max(slots.by_digest.len() * 2);
        }
        let kept = Kept { compiled: Weak::new(), loaded: HashMap::new() };
        let slot = Arc::new(Slot { turn: Gate::new(1), kept: Mutex::new(kept) });
        slots.by_digest.insert(digest, slot.clone());
        slot
    }
}

impl<C> Slot<C> {
    fn loaded(&self, limits: &Limits) -> Option<Arc<Loaded>> {
        lock(&self.kept).loaded.get(limits).and_then(Weak::upgrade)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted_and_given_back() {
        let held = Arc::default();
        let mut first = Held::new(&held, 700 << 10, 1 << 20).unwrap();
        first.grow(100 << 10, 1 << 20).unwrap();
        let refused = Held::new(&held, 300 << 10, 1 << 20).err().unwrap().to_string();
        assert_eq!(
            refused,
            "would take 307200 bytes beside the 819200 that this host holds of other components, more than the 1048576 \
             allowed together; take packs out of service, or raise the host's limit with --limits loaded_bytes=1126400 \
             or more"
        );
        drop(first);
        let small: Vec<Held> = (0..).map_while(|_| Held::new(&held, 1, 1 << 20).ok()).collect();
        assert_eq!(small.len(), 16);
        drop(small);
        assert_eq!(held.load(Ordering::Relaxed), 0);
    }
}
