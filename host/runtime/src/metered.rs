//! A result with what it cost.

use serde::{Deserialize, Serialize};

/// A result, and what it cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metered<T> {
    /// The result.
    pub value: T,
    /// Fuel used, instantiation and configuration included.
    pub fuel: u64,
    /// Bytes of linear memory that the instance had at the end; memory never shrinks, so also its peak.
    pub memory_bytes: usize,
}
