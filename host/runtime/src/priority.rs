//! The priority of threads that compile: work that can wait gives way to work that somebody waits for.

/// How far a thread steps back, as `nice` counts (0 to 19). At 10 the scheduler gives it a tenth of the time of a thread
/// that answers a request, and all of it where none does.
#[cfg(target_os = "linux")]
const STEP_BACK: libc::c_int = 10;

/// Lowers the priority of the calling thread, and with it that of the threads it starts from now on.
///
/// For threads that load components while others run them: with ten loads under way at once, requests keep their latency.
/// There is no way back: call it on a thread that ends with the load. Does nothing on systems other than Linux, where
/// priorities belong to processes.
pub fn lower_thread_priority() {
    #[cfg(target_os = "linux")]
    #[allow(unsafe_code, reason = "crates that wrap it switch on features of libc, and all else is built anew")]
    // SAFETY: the call takes three numbers and touches no memory of this process; 0 names the calling thread.
    let outcome = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, STEP_BACK) };
    // Raising the number needs no privilege; a sandbox that forbids the call leaves the priority as it was.
    #[cfg(target_os = "linux")]
    if outcome != 0 {
        tracing::debug!("the priority of a loading thread stays: {}", std::io::Error::last_os_error());
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// The `nice` value of the calling thread, as the kernel tells it.
    fn nice() -> i64 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let after_name = stat.rsplit_once(") ").unwrap().1;
        // Field 19 of proc_pid_stat(5); the name is field 2.
        after_name.split(' ').nth(16).unwrap().parse().unwrap()
    }

    #[test]
    fn a_lowered_thread_and_those_it_starts_give_way_and_no_other_does() {
        let before = nice();
        let lowered = std::thread::spawn(|| {
            lower_thread_priority();
            (nice(), std::thread::spawn(nice).join().unwrap())
        });
        assert_eq!(lowered.join().unwrap(), (10, 10));
        assert_eq!(nice(), before);
    }
}
