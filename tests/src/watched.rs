//! What a command takes of processor and memory, going by the system.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::{Sandbox, peak_memory};

/// The processor time that the host may spend on one thing that a stranger sends.
pub const CPU: Duration = Duration::from_secs(2);

/// The same by the clock, on a machine that others use too; what takes longer hangs.
pub const CLOCK: Duration = Duration::from_secs(10);

/// The memory that one thing that a stranger sends may cost beyond what is usual, in KiB.
pub const KIB: u64 = 64 << 10;

/// Runs the binary: its exit status, what it wrote, and the most memory that it was seen to hold, in KiB.
///
/// # Panics
///
/// If it takes more than [`CPU`] or [`CLOCK`].
pub fn watched(sandbox: &Sandbox, arguments: &[&str]) -> (i32, String, u64) {
    let mut command = sandbox.rewarden();
    let started = Instant::now();
    let child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (pid, ended) = (child.id(), AtomicBool::new(false));
    let (output, (most, cpu)) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let (mut most, mut cpu) = (0, Duration::ZERO);
            while !ended.load(Ordering::SeqCst) {
                most = most.max(peak(pid).unwrap_or(0));
                cpu = cpu.max(cpu_time(pid).unwrap_or_default());
                std::thread::sleep(Duration::from_millis(2));
            }
            (most, cpu)
        });
        let output = child.wait_with_output().unwrap();
        ended.store(true, Ordering::SeqCst);
        (output, watch.join().unwrap())
    });
    assert!(started.elapsed() < CLOCK, "{arguments:?} took {:?}", started.elapsed());
    assert!(cpu < CPU, "{arguments:?} took {cpu:?} of a processor");
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().expect("ended by a signal"), text, most)
}

/// The time on processors that a process has had, and those that it started and that have ended.
fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Fields 14 to 17 of proc_pid_stat(5), in hundredths of a second; the name is field 2.
    let ticks = stat.rsplit_once(") ")?.1.split(' ').skip(11).take(4).filter_map(|field| field.parse::<u64>().ok());
    Some(Duration::from_millis(ticks.sum::<u64>() * 10))
}

/// The most memory that a process has held, in KiB; `None` once it has ended.
pub fn peak(pid: u32) -> Option<u64> {
    peak_memory(pid).map(|bytes| bytes / 1024)
}
