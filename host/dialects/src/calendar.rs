//! The time of day, for replies that contain a date. Nothing is measured or limited with it.

use std::time::{Duration, SystemTime};

/// Returns the time since 1970 (UTC), or zero if the clock is set to an earlier date.
#[allow(clippy::disallowed_methods, reason = "a date is what is wanted")]
pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
