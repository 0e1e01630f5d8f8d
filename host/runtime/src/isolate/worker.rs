//! A child process as its parent sees it. Nothing that it sends is believed: not a length, not a form, not that it will
//! ever answer.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::wire;
use crate::processor_time;

/// What became of a process that gave no usable answer. Reads as the end of a sentence that begins with "its process".
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum WorkerError {
    #[error("could not be started: {0}")]
    Start(String),
    #[error("could not be confined: {0}")]
    Sandbox(String),
    #[error("gave no answer within {:.1} s {} and was killed", .0.time.as_secs_f64(), .0.of)]
    Late(TimeGiven),
    #[error("{0}")]
    Died(String),
    /// Ended by a signal that nothing inside of it can have raised, or gone without a trace.
    #[error("{0}")]
    Killed(String),
    #[error("sent {found} bytes, more than the {allowed} allowed, and was killed")]
    TooLong { found: usize, allowed: usize },
    #[error("answered nonsense ({0}) and was killed")]
    Nonsense(String),
    #[error("was not asked: {0}")]
    Unasked(String),
}

/// Processor time that a child gets over the limit of whatever it is doing, before it is given up: for starting and encoding.
/// By the clock twice as much.
const GRACE: Duration = Duration::from_secs(10);

/// How many times as long as alone an answer may take on a machine that has much else to do.
const STARVED: u32 = 20;

/// A child process. Killed when dropped.
pub(crate) struct Worker {
    watched: Arc<Mutex<Watched>>,
    id: u32,
    input: ChildStdin,
    output: ChildStdout,
}

/// The part of a child that [`Watch`] looks at while a call waits for an answer.
struct Watched {
    child: Child,
    /// When it has to have answered. None: nothing was asked.
    deadline: Option<Deadline>,
    late: Option<TimeGiven>,
}

/// Kills children whose time is over, so that whoever waits for their answer reads the end of a pipe instead.
#[derive(Default)]
pub(crate) struct Watch(Vec<Weak<Mutex<Watched>>>);

impl Watch {
    /// How often to look.
    pub(crate) const INTERVAL: Duration = Duration::from_millis(50);

    pub(crate) fn add(&mut self, worker: &Worker) {
        self.0.push(Arc::downgrade(&worker.watched));
    }

    /// Looks once.
    pub(crate) fn look(&mut self) {
        self.0.retain(|watched| {
            let Some(watched) = watched.upgrade() else { return false };
            let mut watched = lock(&watched);
            let id = watched.child.id();
            if let Some(given) = watched.deadline.as_ref().and_then(|deadline| deadline.passed(id)) {
                watched.deadline = None;
                watched.late = Some(given);
                // Fails only where it has ended by itself.
                let _ = watched.child.kill();
            }
            true
        });
    }
}

/// Until when a child has to have answered.
struct Deadline {
    /// Its processor time when it was asked, and what it may use from then on.
    work: (Duration, Duration),
    /// When it was asked, and how long that may be ago.
    clock: (Instant, Duration),
}

/// What a child was given for an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeGiven {
    time: Duration,
    /// What the time is of.
    of: &'static str,
}

impl Deadline {
    /// Returns what of it has passed, for the child with this process id.
    fn passed(&self, id: u32) -> Option<TimeGiven> {
        let ((before, work), (asked, clock)) = (self.work, self.clock);
        if processor_time::of_process(id).is_some_and(|now| now.saturating_sub(before) >= work) {
            return Some(TimeGiven { time: work, of: "of processor time" });
        }
        (asked.elapsed() >= clock).then_some(TimeGiven { time: clock, of: "altogether" })
    }
}

fn lock(watched: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    // Fields are independent, so a poisoned lock is safe to use.
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    pub(crate) fn new(mut child: Child) -> std::io::Result<Self> {
        let id = child.id();
        let ends = child.stdin.take().zip(child.stdout.take());
        let watched = Watched { child, deadline: None, late: None };
        match ends {
            Some((input, output)) => Ok(Self { watched: Arc::new(Mutex::new(watched)), id, input, output }),
            None => {
                end(&mut { watched }.child);
                Err(std::io::Error::other("it has no pipes"))
            }
        }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Returns whether it has not ended.
    pub(crate) fn is_alive(&self) -> bool {
        matches!(lock(&self.watched).child.try_wait(), Ok(None))
    }

    /// Sets the deadline for an answer for which the child limits itself to this much processor time: the process is killed
    /// if it does not.
    pub(crate) fn set_deadline(&self, time: Duration) {
        self.set_deadline_of(time.saturating_add(GRACE), time);
    }

    /// Sets the deadline for an answer for which this much processor time may be used.
    pub(crate) fn set_deadline_to(&self, work: Duration) {
        self.set_deadline_of(work, work);
    }

    /// The process is killed when its processors have worked for `work`, or when it must have slept: it gets [`STARVED`] times
    /// the `longest` that it takes where it has a processor to itself.
    fn set_deadline_of(&self, work: Duration, longest: Duration) {
        let before = processor_time::of_process(self.id).unwrap_or_default();
        let clock = longest.saturating_mul(STARVED).saturating_add(GRACE.saturating_mul(2));
        lock(&self.watched).deadline = Some(Deadline { work: (before, work), clock: (Instant::now(), clock) });
    }

    /// It has answered and may wait for as long as it takes.
    pub(crate) fn clear_deadline(&self) {
        lock(&self.watched).deadline = None;
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, message: &impl Serialize) -> Result<(), WorkerError> {
        let frame = wire::frame(message).map_err(|error| WorkerError::Unasked(error.to_string()))?;
        self.send_frame(&frame)
    }

    /// Sends bytes as a frame of their own.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), WorkerError> {
        let head = wire::head(bytes.len()).map_err(|error| WorkerError::Unasked(error.to_string()))?;
        self.send_frame(&head)?;
        self.send_frame(bytes)
    }

    /// Sends a frame that is made already.
    pub(crate) fn send_frame(&mut self, frame: &[u8]) -> Result<(), WorkerError> {
        self.input.write_all(frame).map_err(|_| self.post_mortem())
    }

    /// The next message, of at most this many bytes in its frame and in memory.
    pub(crate) fn receive<T: DeserializeOwned>(&mut self, allowed: usize, in_memory: usize) -> Result<T, WorkerError> {
        let bytes = self.receive_bytes(allowed)?;
        wire::message_within(&bytes, in_memory).map_err(|error| WorkerError::Nonsense(error.to_string()))
    }

    /// The bytes of the next frame.
    pub(crate) fn receive_bytes(&mut self, allowed: usize) -> Result<Vec<u8>, WorkerError> {
        let mut head = [0; wire::HEAD];
        self.output.read_exact(&mut head).map_err(|_| self.post_mortem())?;
        let length = u32::from_le_bytes(head);
        let found = length as usize;
        if found > allowed {
            return Err(WorkerError::TooLong { found, allowed });
        }
        // Grown as bytes arrive: a length alone is not worth an allocation.
        let mut bytes = Vec::with_capacity(found.min(64 << 10));
        let read = (&mut self.output).take(length.into()).read_to_end(&mut bytes);
        if read.is_err() || bytes.len() < found { Err(self.post_mortem()) } else { Ok(bytes) }
    }

    /// How it ended, now that its pipe is closed.
    fn post_mortem(&self) -> WorkerError {
        // The pipe closes a moment before the process is gone. One that closed its pipe and lives on is ended.
        for _ in 0..100 {
            let mut watched = lock(&self.watched);
            match (watched.child.try_wait(), watched.late) {
                (Ok(Some(_)), Some(given)) => return WorkerError::Late(given),
                (Ok(Some(status)), None) => return obituary(status),
                (Ok(None), _) => {}
                (Err(error), _) => return WorkerError::Killed(format!("is gone: {error}")),
            }
            drop(watched);
            std::thread::sleep(Duration::from_millis(1));
        }
        end(&mut lock(&self.watched).child);
        WorkerError::Nonsense("it closed its pipe".into())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        end(&mut lock(&self.watched).child);
    }
}

fn end(child: &mut Child) {
    // Both fail only where it was waited for already.
    let _ = child.kill();
    let _ = child.wait();
}

/// How a process ended that its parent did not end.
///
/// A process that runs a plugin can send no signal, so what is not raised by its own instructions, its system calls or its
/// memory comes from outside.
fn obituary(status: ExitStatus) -> WorkerError {
    let Some(signal) = status.signal() else {
        return WorkerError::Died(format!("ended with {status}, without an answer"));
    };
    let (name, likely) = match signal {
        libc::SIGSYS => ("SIGSYS", ": it made a system call that it may not make"),
        libc::SIGABRT => ("SIGABRT", ": it ran out of the memory that it may use, or found itself damaged"),
        libc::SIGSEGV => ("SIGSEGV", ": it crashed"),
        libc::SIGBUS => ("SIGBUS", ": it crashed"),
        libc::SIGILL => ("SIGILL", ": it crashed"),
        libc::SIGFPE => ("SIGFPE", ": it crashed"),
        libc::SIGTRAP => ("SIGTRAP", ": it crashed"),
        libc::SIGXFSZ => ("SIGXFSZ", ": it wrote more than it may"),
        libc::SIGKILL => {
            return WorkerError::Killed("was killed by SIGKILL: by hand, or by the system for want of memory".into());
        }
        _ => return WorkerError::Killed(format!("was killed by signal {signal}")),
    };
    WorkerError::Died(format!("was killed by {name}{likely}"))
}
