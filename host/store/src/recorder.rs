//! Writing a run while tasks are judged side by side.

use std::sync::{Arc, OnceLock, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rewarden_types::{Reward, Sha256Digest, Task};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::StoreError;
use crate::writer::RunWriter;
use rewarden_record::{Begun, Journal, MetaRecord, PrinciplesRecord, SampleRecord, TaskFailure, TaskKey, Verdict};

/// How much may wait for the disk before those who draw wait too.
const QUEUE: usize = 1024;
/// How long a transaction collects what comes in while it is open.
const LINGER: Duration = Duration::from_millis(20);

/// The same while only [`Recorder::whole`] is used, where nobody waits for the commit: many small ones would cost more than all
/// the rows in them.
const LINGER_BEHIND: Duration = Duration::from_millis(250);
enum Entry {
    Begin(Box<Task>, oneshot::Sender<Result<Begun, StoreError>>),
    FindPrinciples(Sha256Digest, oneshot::Sender<Result<Option<PrinciplesRecord>, StoreError>>),
    JudgedUnder(TaskKey, Arc<PrinciplesRecord>),
    Sample(TaskKey, Box<SampleRecord>),
    Rating(TaskKey, u32, Box<MetaRecord>),
    Finish(TaskKey, Box<Result<Reward, TaskFailure>>, oneshot::Sender<Result<(), StoreError>>),
    Whole(Arc<(Task, Verdict)>),
}

/// What the thread receives, each with its place in the queue.
type Entries = mpsc::Receiver<(Entry, OwnedSemaphorePermit)>;

/// Hands what happens to a thread that writes it, in order, and commits as soon as nothing more is waiting.
pub struct Recorder {
    entries: mpsc::Sender<(Entry, OwnedSemaphorePermit)>,
    /// Room in the queue, which itself has no bound: the thread waits with a deadline, which tokio's channels cannot.
    room: Arc<Semaphore>,
    thread: JoinHandle<Result<(), StoreError>>,
    /// Why nothing is written any more.
    failure: Arc<OnceLock<StoreError>>,
}

impl Recorder {
    /// Starts the thread.
    pub fn start(writer: RunWriter) -> std::io::Result<Self> {
        let (entries, receiver) = mpsc::channel();
        let failure = Arc::new(OnceLock::new());
        let told = failure.clone();
        let thread = std::thread::Builder::new()
            .name("rewarden-record".into())
            .spawn(move || write(writer, &receiver, &told))?;
        Ok(Self { entries, room: Arc::new(Semaphore::new(QUEUE)), thread, failure })
    }

    /// Adds a task that was judged elsewhere, with everything that became of it, unless the run holds a task of this id:
    /// then that stays as it is. Waits for room in the queue, not for the disk: what is lost with the process must be such
    /// that it can be judged again, and comes out the same. Committed within a second.
    ///
    /// # Errors
    ///
    /// Something earlier could not be written; nothing is any more.
    pub async fn whole(&self, judged: Arc<(Task, Verdict)>) -> Result<(), StoreError> {
        if let Some(error) = self.failure.get() {
            return Err(error.clone());
        }
        self.send(Entry::Whole(judged)).await;
        Ok(())
    }

    /// Commits what is left and closes the run. Blocks.
    pub fn close(self) -> Result<(), StoreError> {
        drop(self.entries);
        self.thread.join().unwrap_or_else(|_| Err(lost()))
    }

    async fn send(&self, entry: Entry) {
        // The semaphore is never closed, and the thread takes entries for as long as there is a recorder.
        if let Ok(place) = self.room.clone().acquire_owned().await {
            let _ = self.entries.send((entry, place));
        }
    }
}

impl Journal for Recorder {
    type Error = StoreError;

    async fn begin(&self, task: &Task) -> Result<Begun, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Entry::Begin(Box::new(task.clone()), reply)).await;
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    async fn principles(&self, query: Sha256Digest) -> Result<Option<PrinciplesRecord>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Entry::FindPrinciples(query, reply)).await;
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    async fn judged_under(&self, task: TaskKey, record: &Arc<PrinciplesRecord>) {
        self.send(Entry::JudgedUnder(task, record.clone())).await;
    }

    async fn sample(&self, task: TaskKey, sample: &SampleRecord) {
        self.send(Entry::Sample(task, Box::new(sample.clone()))).await;
    }

    async fn rating(&self, task: TaskKey, sample: u32, meta: &MetaRecord) {
        self.send(Entry::Rating(task, sample, Box::new(meta.clone()))).await;
    }

    /// Waits until the task's end is committed.
    async fn finish(&self, task: TaskKey, reward: &Result<Reward, TaskFailure>) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Entry::Finish(task, Box::new(reward.clone()), reply)).await;
        answer.await.unwrap_or_else(|_| Err(lost()))
    }
}

fn lost() -> StoreError {
    StoreError::Io { path: "the run".into(), message: "the thread that writes it was lost".into() }
}

/// Returns what else is to be written in the transaction that was opened then, or `None` if it is to be committed.
fn following(entries: &Entries, opened: Instant, behind: bool) -> Option<Entry> {
    let left = |linger: Duration| linger.checked_sub(opened.elapsed());
    let next = match behind {
        true => entries.recv_timeout(left(LINGER_BEHIND)?).ok(),
        false => left(LINGER).and_then(|_| entries.try_recv().ok()),
    };
    next.map(|(entry, _)| entry)
}

fn write(writer: RunWriter, entries: &Entries, told: &OnceLock<StoreError>) -> Result<(), StoreError> {
    // After the first failure nothing more is written: a sample that is missing must not be followed by a reward.
    let mut failed: Option<StoreError> = None;
    let mut finished = Vec::new();
    while let Ok((entry, _)) = entries.recv() {
        let mut next = Some(entry);
        let opened = Instant::now();
        let mut behind = true;
        while let Some(entry) = next {
            behind &= matches!(entry, Entry::Whole(_));
            let written = match (&failed, entry) {
                (Some(error), Entry::Begin(_, reply)) => {
                    let _ = reply.send(Err(error.clone()));
                    Ok(())
                }
                (Some(error), Entry::Finish(_, _, reply)) => {
                    let _ = reply.send(Err(error.clone()));
                    Ok(())
                }
                (Some(error), Entry::FindPrinciples(_, reply)) => {
                    let _ = reply.send(Err(error.clone()));
                    Ok(())
                }
                (Some(_), Entry::JudgedUnder(..) | Entry::Sample(..) | Entry::Rating(..) | Entry::Whole(_)) => Ok(()),
                (None, Entry::FindPrinciples(query, reply)) => {
                    let found = writer.principles(query);
                    let failed = found.as_ref().err().cloned();
                    let _ = reply.send(found);
                    failed.map_or(Ok(()), Err)
                }
                (None, Entry::JudgedUnder(task, record)) => {
                    writer.begin().and_then(|()| writer.judged_under(task, &record))
                }
                (None, Entry::Begin(task, reply)) => match writer.begin().and_then(|()| writer.begin_task(&task)) {
                    // The caller's own mistake, and no reason to stop.
                    Err(error @ (StoreError::TaskChanged { .. } | StoreError::TooLarge { .. })) => {
                        let _ = reply.send(Err(error));
                        Ok(())
                    }
                    Ok(begun) => {
                        let _ = reply.send(Ok(begun));
                        Ok(())
                    }
                    Err(error) => {
                        let _ = reply.send(Err(error.clone()));
                        Err(error)
                    }
                },
                (None, Entry::Sample(task, sample)) => writer.begin().and_then(|()| writer.add_sample(task, &sample)),
                (None, Entry::Rating(task, sample, meta)) => {
                    writer.begin().and_then(|()| writer.add_rating(task, sample, &meta))
                }
                (None, Entry::Finish(task, reward, reply)) => {
                    finished.push(reply);
                    writer.begin().and_then(|()| writer.finish_task(task, &reward))
                }
                (None, Entry::Whole(judged)) => writer.begin().and_then(|()| writer.add_whole(&judged.0, &judged.1)),
            };
            if let Err(error) = written {
                tracing::error!("{error}");
                let _ = told.set(error.clone());
                failed = Some(error);
            }
            next = following(entries, opened, behind);
        }
        let committed = match &failed {
            Some(error) => Err(error.clone()),
            None => writer.commit(),
        };
        for reply in finished.drain(..) {
            let _ = reply.send(committed.clone());
        }
        if let (Err(error), None) = (committed, &failed) {
            let _ = told.set(error.clone());
            failed = Some(error);
        }
    }
    match failed {
        Some(error) => Err(error),
        None => writer.close(),
    }
}
