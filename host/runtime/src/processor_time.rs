//! How long processors have worked for a thread or a process. Limits on time count this and not the clock on the wall, so
//! that a machine with much else to do changes no outcome.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Ticks a second of the times in `/proc`: Linux gives them in this unit on every machine, whatever its own clock does.
#[cfg(target_os = "linux")]
const TICKS: u64 = 100;

/// What the calling thread has used.
pub(crate) fn of_this_thread() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(tv_sec).unwrap_or(0), u32::try_from(tv_nsec).unwrap_or(0))
}

/// What a process has used, all of its threads together, to a hundredth of a second; `None` where it cannot be known.
#[cfg(target_os = "linux")]
pub(crate) fn of_process(id: u32) -> Option<Duration> {
    of_stat(&std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// As [`of_process`], of threads of this process, by their ids. Those that have ended count nothing.
#[cfg(target_os = "linux")]
pub(crate) fn of_threads(ids: &[u32]) -> Option<Duration> {
    let of = |id: &u32| of_stat(&std::fs::read_to_string(format!("/proc/self/task/{id}/stat")).ok()?);
    ids.iter().filter_map(of).reduce(Duration::saturating_add)
}

/// Not known here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn of_threads(_: &[u32]) -> Option<Duration> {
    None
}

/// The times in user and system mode in a line of `/proc`: the fields 14 and 15. The second field is a name in brackets, in which
/// anything may stand.
#[cfg(target_os = "linux")]
fn of_stat(line: &str) -> Option<Duration> {
    let (_, fields) = line.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let sum = ticks()?.saturating_add(ticks()?);
    Some(Duration::from_millis(sum.saturating_mul(1000 / TICKS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_counts_and_waiting_does_not() {
        let before = of_this_thread();
        std::thread::sleep(Duration::from_millis(30));
        assert!(of_this_thread() - before < Duration::from_millis(20));
        while of_this_thread() - before < Duration::from_millis(30) {
            std::hint::black_box(before);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_line_of_proc_is_read_whatever_the_program_is_called() {
        let line = "7 (a) R 1 (b) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0";
        assert_eq!(of_stat(line), Some(Duration::from_millis(1750)));
        assert_eq!(of_stat("7 (a) R 1"), None);
        let started = of_process(std::process::id()).unwrap();
        let before = of_this_thread();
        while of_this_thread() - before < Duration::from_millis(60) {}
        assert!(of_process(std::process::id()).unwrap() - started >= Duration::from_millis(30));
        let this = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
        assert!(of_threads(&[this, u32::MAX]).unwrap() >= Duration::from_millis(30));
    }
}
