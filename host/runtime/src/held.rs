//! Counting what a host holds of components, in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::LoadFailure;

/// What a component counts at least: engines, maps and records of one cost some 30 KiB beside its code. Bounds their
/// number, which small components would not.
const LEAST: usize = 64 << 10;

/// Bytes that count as held for as long as this lives.
pub(crate) struct HeldBytes {
    held: Arc<AtomicUsize>,
    bytes: usize,
}

impl HeldBytes {
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

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted_and_given_back() {
        let held = Arc::default();
        let mut first = HeldBytes::new(&held, 700 << 10, 1 << 20).unwrap();
        first.grow(100 << 10, 1 << 20).unwrap();
        let refused = HeldBytes::new(&held, 300 << 10, 1 << 20).err().unwrap().to_string();
        assert_eq!(
            refused,
            "would take 307200 bytes beside the 819200 that this host holds of other components, more than the 1048576 \
             allowed together; take packs out of service, or raise the host's limit with --limits loaded_bytes=1126400 \
             or more"
        );
        drop(first);
        let small: Vec<HeldBytes> = (0..).map_while(|_| HeldBytes::new(&held, 1, 1 << 20).ok()).collect();
        assert_eq!(small.len(), 16);
        drop(small);
        assert_eq!(held.load(Ordering::Relaxed), 0);
    }
}
