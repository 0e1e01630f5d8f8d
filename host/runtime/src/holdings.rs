//! What a host holds of the components that it has loaded: each once, however many packs and versions use it, and no more
//! than [`Limits::loaded_bytes`] of all together.
//!
//! Nothing is held for its own sake: what no plugin uses any more is gone, and comes back from the compile cache on disk.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::compiler::patience;
use crate::error::LoadFailure;
use crate::gate::Gate;
use crate::limits::Limits;
use rewarden_types::Sha256Digest;

/// Components by digest. `C` is the compiled form, whatever the limits that it runs under, and `L` one that is loaded under
/// its limits.
pub(crate) struct Holdings<C, L> {
    slots: Mutex<Slots<C, L>>,
    held: Arc<AtomicUsize>,
}

struct Slots<C, L> {
    by_digest: HashMap<Sha256Digest, Arc<Slot<C, L>>>,
    /// When there are this many, those that nothing is left of are taken out.
    tidy_at: usize,
}

/// One component.
struct Slot<C, L> {
    /// One load at a time compiles it; the others wait and share.
    turn: Arc<Gate>,
    kept: Mutex<Kept<C, L>>,
}

struct Kept<C, L> {
    compiled: Weak<C>,
    /// By the limits that its calls are under.
    loaded: HashMap<Limits, Weak<L>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is replaced whole or not at all, so a poisoned lock is as good as any.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C, L> Default for Holdings<C, L> {
    fn default() -> Self {
        Self { slots: Mutex::new(Slots { by_digest: HashMap::new(), tidy_at: 64 }), held: Arc::default() }
    }
}

impl<C, L> Holdings<C, L> {
    /// What counts as held.
    pub(crate) fn counter(&self) -> &Arc<AtomicUsize> {
        &self.held
    }

    /// Returns the component of this digest under these limits, or loads it with `load`. `load` gets the compiled form if a
    /// load under other limits has left one.
    ///
    /// Identical components are loaded one after another, so that the second finds what the first has made.
    pub(crate) fn get(
        &self,
        digest: Sha256Digest,
        limits: &Limits,
        load: impl FnOnce(Option<Arc<C>>) -> Result<(Arc<C>, L), LoadFailure>,
    ) -> Result<Arc<L>, LoadFailure> {
        let slot = self.slot(digest);
        if let Some(loaded) = slot.loaded(limits) {
            return Ok(loaded);
        }
        let Some(_turn) = slot.turn.enter_within(patience(limits.compile)) else {
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

    fn slot(&self, digest: Sha256Digest) -> Arc<Slot<C, L>> {
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

impl<C, L> Slot<C, L> {
    fn loaded(&self, limits: &Limits) -> Option<Arc<L>> {
        lock(&self.kept).loaded.get(limits).and_then(Weak::upgrade)
    }
}
