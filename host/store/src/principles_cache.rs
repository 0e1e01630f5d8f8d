//! Principles that were read, while a run is.

use std::collections::HashMap;
use std::sync::Arc;

use rewarden_record::PrinciplesRecord;

use crate::seal::Sealed;

/// The principles of a query as they were read, with what goes into the seals of its tasks.
pub(crate) struct HeldPrinciples {
    pub(crate) record: Arc<PrinciplesRecord>,
    pub(crate) sealed: Sealed,
    pub(crate) bytes: u64,
}

/// Bytes of principles that are kept while a run is read.
const HELD_BYTES: u64 = 64 << 20;

/// Principles that were read: many tasks may have the same, and a large one should not be read for each.
#[derive(Default)]
pub(crate) struct Cache {
    pub(crate) held: HashMap<String, Arc<HeldPrinciples>>,
    bytes: u64,
}

impl Cache {
    pub(crate) fn keep(&mut self, query: String, held: &Arc<HeldPrinciples>) {
        if self.bytes > HELD_BYTES {
            *self = Self::default();
        }
        self.bytes += held.bytes;
        self.held.insert(query, held.clone());
    }
}
