//! Says what is being done, and how long it took.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Runs one step of a task between two lines on stderr; stdout stays free for results.
///
/// # Errors
/// The step's own, with the step's name in front.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("==> {name}");
    let start = Instant::now();
    let done = work().with_context(|| format!("step \"{name}\" failed after {}", readable(start.elapsed())))?;
    eprintln!("    done in {}", readable(start.elapsed()));
    Ok(done)
}

/// A duration for people: `0.3 s`, `42 s`, `14 min 55 s`.
pub(crate) fn readable(duration: Duration) -> String {
    match duration.as_secs() {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        assert_eq!(readable(Duration::from_millis(340)), "0.3 s");
        assert_eq!(readable(Duration::from_secs(42)), "42 s");
        assert_eq!(readable(Duration::from_secs(895)), "14 min 55 s");
    }

    #[test]
    fn a_failed_step_is_named() {
        let error = step("counting", || -> Result<()> { anyhow::bail!("lost count") }).unwrap_err();
        assert!(format!("{error:#}").starts_with("step \"counting\" failed"), "{error:#}");
        assert!(format!("{error:#}").ends_with("lost count"));
    }
}
