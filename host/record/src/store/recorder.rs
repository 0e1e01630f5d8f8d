//! Writing a run while tasks are judged side by side.

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rewarden_runtime::Sha256Digest;
use rewarden_runtime::contract::Reward;
use tokio::sync::{mpsc, oneshot};

use super::error::StoreError;
use super::tables::TaskKey;
use super::writer::{Begun, RunWriter};
use crate::principles::PrinciplesRecord;
use crate::sample::{MetaRecord, SampleRecord};
use crate::task::Task;
use crate::verdict::{TaskFailure, Verdict};

/// How much may wait for the disk before those who draw wait too.
const QUEUE: usize = 1024;
/// How long a transaction collects what comes in while it is open.
const LINGER: Duration = Duration::from_millis(20);

/// The same while only [`Recorder::whole`] is used, where nobody waits for the commit: many small ones would cost more than all
/// the rows in them.
const LINGER_BEHIND: Duration = Duration::from_millis(250);
/// How long such a transaction waits when there is nothing to write.
const PAUSE: Duration = Duration::from_millis(2);

enum Entry {
    Begin(Box<Task>, oneshot::Sender<Result<Begun, StoreError>>),
    FindPrinciples(Sha256Digest, oneshot::Sender<Result<Option<PrinciplesRecord>, StoreError>>),
    JudgedUnder(TaskKey, Arc<PrinciplesRecord>),
    Sample(TaskKey, Box<SampleRecord>),
    Rating(TaskKey, u32, Box<MetaRecord>),
    Finish(TaskKey, Box<Result<Reward, TaskFailure>>, oneshot::Sender<Result<(), StoreError>>),
    Whole(Arc<(Task, Verdict)>),
}

/// Hands what happens to a thread that writes it, in order, and commits as soon as nothing more is waiting.
pub struct Recorder {
    entries: mpsc::Sender<Entry>,
    thread: JoinHandle<Result<(), StoreError>>,
    /// Why nothing is written any more.
    failure: Arc<OnceLock<StoreError>>,
}

impl Recorder {
    /// Starts the thread.
    pub fn start(writer: RunWriter) -> std::io::Result<Self> {
        let (entries, receiver) = mpsc::channel(QUEUE);
        let failure = Arc::new(OnceLock::new());
        let told = failure.clone();
        let thread =
            std::thread::Builder::new().name("rewarden-record".into()).spawn(move || write(writer, receiver, &told))?;
        Ok(Self { entries, thread, failure })
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

    /// Adds the task, or finds what is recorded of it.
    pub async fn begin(&self, task: &Task) -> Result<Begun, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Entry::Begin(Box::new(task.clone()), reply)).await;
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    /// The principles of a query, when the run holds them.
    pub async fn principles(&self, query: Sha256Digest) -> Result<Option<PrinciplesRecord>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Entry::FindPrinciples(query, reply)).await;
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Says what a task is judged under, and adds that where the run does not hold it yet; as [`sample`](Recorder::sample)
    /// adds samples.
    pub async fn judged_under(&self, task: TaskKey, record: &Arc<PrinciplesRecord>) {
        self.send(Entry::JudgedUnder(task, record.clone())).await;
    }

    /// Adds a sample. It is committed at the latest with its task's end; a failure to write shows there too.
    pub async fn sample(&self, task: TaskKey, sample: &SampleRecord) {
        self.send(Entry::Sample(task, Box::new(sample.clone()))).await;
    }

    /// Adds a rating of a sample that was added, as [`sample`](Recorder::sample) adds samples.
    pub async fn rating(&self, task: TaskKey, sample: u32, meta: &MetaRecord) {
        self.send(Entry::Rating(task, sample, Box::new(meta.clone()))).await;
    }

    /// Ends a task, and waits until that is committed.
    pub async fn finish(&self, task: TaskKey, reward: &Result<Reward, TaskFailure>) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Entry::Finish(task, Box::new(reward.clone()), reply)).await;
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Commits what is left and closes the run. Blocks.
    pub fn close(self) -> Result<(), StoreError> {
        drop(self.entries);
        self.thread.join().unwrap_or_else(|_| Err(lost()))
    }

    async fn send(&self, entry: Entry) {
        // The thread takes entries for as long as there is a recorder.
        let _ = self.entries.send(entry).await;
    }
}

fn lost() -> StoreError {
    StoreError::Io { path: "the run".into(), message: "the thread that writes it was lost".into() }
}

/// What is to be written in the same transaction, too.
fn following(entries: &mut mpsc::Receiver<Entry>, opened: Instant, behind: bool) -> Option<Entry> {
    let linger = if behind { LINGER_BEHIND } else { LINGER };
    while opened.elapsed() < linger {
        match entries.try_recv() {
            Ok(entry) => return Some(entry),
            Err(mpsc::error::TryRecvError::Empty) if behind => std::thread::sleep(PAUSE),
            Err(_) => return None,
        }
    }
    None
}

fn write(writer: RunWriter, mut entries: mpsc::Receiver<Entry>, told: &OnceLock<StoreError>) -> Result<(), StoreError> {
    // After the first failure nothing more is written: a sample that is missing must not be followed by a reward.
    let mut failed: Option<StoreError> = None;
    let mut finished = Vec::new();
    while let Some(entry) = entries.blocking_recv() {
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
            next = following(&mut entries, opened, behind);
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
