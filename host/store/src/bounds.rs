//! How much a run may hold.

/// The most that one row may take, and with it one text: four times the largest result of a plugin, some ten thousand pages.
pub(crate) const ROW_BYTES: u64 = 64 << 20;

/// The most that one task may take in memory: sixteen times the largest row.
pub(crate) const TASK_BYTES: u64 = 16 * ROW_BYTES;

/// The most that a component may take: more than twice the default limit, which the host's user may raise.
pub(crate) const COMPONENT_BYTES: u64 = 256 << 20;

/// The most that all components may take: sixteen of the largest. Compressed, they need not have many bytes in the file.
pub(crate) const ALL_COMPONENTS_BYTES: u64 = 16 * COMPONENT_BYTES;

/// Tables and indices together, the same for every known schema; more are refused unread.
pub(crate) const MOST_OBJECTS: i32 = 32;
