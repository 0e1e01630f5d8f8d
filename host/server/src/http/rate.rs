//! Limits how often a key may be used.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A limit in requests a second that allows bursts of one second's worth: the generic cell rate algorithm (ITU-T I.371,
/// Annex A) with an increment of 1/rate and a limit of one second less that.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Nanoseconds between requests.
    increment: u64,
    start: Instant,
    /// When the next request would be due if all came evenly spaced, in nanoseconds after `start`.
    due: AtomicU64,
}

const SECOND: u64 = 1_000_000_000;

impl Rate {
    /// A limit of `limit` requests a second, at least 1.
    pub(crate) fn new(limit: u32) -> Self {
        Self { increment: SECOND / u64::from(limit.max(1)), start: Instant::now(), due: AtomicU64::new(0) }
    }

    /// Takes one request, or returns how long to wait for the next.
    pub(crate) fn take(&self) -> Result<(), Duration> {
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.take_at(now)
    }

    fn take_at(&self, now: u64) -> Result<(), Duration> {
        let tolerance = SECOND.saturating_sub(self.increment);
        let mut due = self.due.load(Ordering::Relaxed);
        loop {
            let earliest = due.saturating_sub(tolerance);
            if now < earliest {
                return Err(Duration::from_nanos(earliest - now));
            }
            let next = due.max(now).saturating_add(self.increment);
            match self.due.compare_exchange_weak(due, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(found) => due = found,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holds_the_limit_and_time_brings_more() {
        let rate = Rate::new(4);
        let taken = (0..10).filter(|_| rate.take_at(SECOND).is_ok()).count();
        assert_eq!(taken, 4);
        assert_eq!(rate.take_at(SECOND), Err(Duration::from_millis(250)));
        assert!(rate.take_at(SECOND + SECOND / 4).is_ok());
        assert!(rate.take_at(SECOND + SECOND / 4).is_err());
    }
}
