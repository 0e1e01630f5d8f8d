//! The first of two stages: principles from the query alone, once for all tasks that have it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rewarden_record::{PrinciplesRecord, TaskFailure};
use rewarden_types::{Completion, GenerateRequest, Principle, Query, Sha256Digest, Task};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use crate::calls;
use crate::calls::{RequestSettings, Stopped};
use crate::part::Part;
use crate::seed::principles_seed;
use crate::validate;

/// What writes a pack's principles.
#[derive(Clone)]
pub struct PrinciplesStage {
    /// Asks for them and reads them.
    pub writer: Part,
    /// The fields of a task's metadata that are part of its query, in the order of the manifest. No others are shown: rows
    /// carry ids, labels and names of models there, which would tell of the responses and part tasks of one query.
    pub metadata: Vec<String>,
}

impl PrinciplesStage {
    /// Returns what the principles of a task are written from.
    pub fn query(&self, task: &Task) -> Query {
        let named = |key: &String| Some((key.clone(), task.metadata.get(key)?.clone()));
        let metadata: Map<String, Value> = self.metadata.iter().filter_map(named).collect();
        Query { messages: task.messages.clone(), metadata: Value::Object(metadata).to_string().into() }
    }

    /// The request for the principles of a query.
    pub(crate) fn request(&self, query: &Query, settings: RequestSettings<'_>) -> Result<GenerateRequest, Stopped> {
        let asked = self.writer.plugin.ask(self.writer.config_text(), query).map_err(Stopped::of_call)?.value;
        let prompt = asked.map_err(|refusal| calls::refused("principles.ask", &refusal))?;
        calls::generate_request(prompt, settings)
    }

    /// The principles in a completion, as far as the host takes them.
    pub(crate) fn read(&self, completion: &Completion) -> Result<Vec<Principle>, Stopped> {
        let read = self
            .writer
            .plugin
            .read(self.writer.config_text(), &completion.without_thinking())
            .map_err(Stopped::of_call)?;
        Ok(validate::principles(read.value)?)
    }
}

/// What a query is known by: SHA-256 of its turns and metadata as JSON.
pub(crate) fn query_digest(query: &Query) -> Sha256Digest {
    let turns: Vec<_> = query.messages.iter().map(|message| (message.role.name(), &message.content)).collect();
    // Strings only: nothing that JSON could refuse.
    Sha256Digest::of(&serde_json::to_vec(&(turns, &query.metadata)).unwrap_or_default())
}

/// A query's principles that are still to be written.
pub(crate) fn blank(query: Sha256Digest, run_seed: u64, temperature: f64) -> PrinciplesRecord {
    PrinciplesRecord {
        query,
        temperature,
        seed: principles_seed(run_seed, query),
        prompt: None,
        completion: None,
        seconds: None,
        outcome: Err(calls::not_generated()),
    }
}

/// What became of a query's principles. The error is one that another attempt may not meet: the model's, its server's or
/// the run's; all else is in the record.
pub(crate) type WrittenPrinciples = Result<Arc<PrinciplesRecord>, TaskFailure>;

/// Queries that are kept in memory. Beyond that the oldest is forgotten; a run still holds it.
const KEPT: usize = 4096;

/// The principles of the latest queries, each written once however many tasks wait for them.
#[derive(Default)]
pub(crate) struct Shared(Mutex<Cells>);

#[derive(Default)]
struct Cells {
    by_query: HashMap<Sha256Digest, Arc<OnceCell<WrittenPrinciples>>>,
    /// Oldest first.
    order: VecDeque<Sha256Digest>,
}

impl Shared {
    /// The principles of a query: those that are there or being written, else what `write` gives. Errors are
    /// shared with current waiters but not cached: later tasks retry.
    pub(crate) async fn get(
        &self,
        query: Sha256Digest,
        write: impl Future<Output = WrittenPrinciples>,
    ) -> WrittenPrinciples {
        let cell = self.cell(query);
        let written = cell.get_or_init(|| write).await.clone();
        if written.is_err() {
            self.forget(query, &cell);
        }
        written
    }

    fn cells(&self) -> MutexGuard<'_, Cells> {
        // Nothing that could panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cell(&self, query: Sha256Digest) -> Arc<OnceCell<WrittenPrinciples>> {
        let mut cells = self.cells();
        if let Some(cell) = cells.by_query.get(&query) {
            return cell.clone();
        }
        while cells.order.len() >= KEPT {
            if let Some(oldest) = cells.order.pop_front() {
                cells.by_query.remove(&oldest);
            }
        }
        let cell = Arc::new(OnceCell::new());
        cells.by_query.insert(query, cell.clone());
        cells.order.push_back(query);
        cell
    }

    fn forget(&self, query: Sha256Digest, cell: &Arc<OnceCell<WrittenPrinciples>>) {
        let mut cells = self.cells();
        if cells.by_query.get(&query).is_some_and(|known| Arc::ptr_eq(known, cell)) {
            cells.by_query.remove(&query);
            cells.order.retain(|known| *known != query);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rewarden_record::TaskFailureKind;
    use rewarden_types::{Message, Role};

    use super::*;

    fn digest(text: &str, metadata: &str) -> Sha256Digest {
        let messages = vec![Message { role: Role::User, content: text.to_owned() }].into();
        query_digest(&Query { messages, metadata: metadata.into() })
    }

    fn failure() -> TaskFailure {
        TaskFailure { kind: TaskFailureKind::Principles, message: "the server is away".to_owned() }
    }

    #[test]
    fn queries_are_told_apart_by_every_turn_and_by_the_metadata_shown() {
        assert_eq!(digest("a", "{}"), digest("a", "{}"));
        assert_ne!(digest("a", "{}"), digest("b", "{}"));
        assert_ne!(digest("a", "{}"), digest("a", r#"{"field":"law"}"#));
    }

    #[tokio::test]
    async fn those_who_wait_share_one_attempt_and_an_error_is_not_kept() {
        let (shared, query, asked) = (Shared::default(), digest("q", "{}"), AtomicUsize::new(0));
        let get = |written: WrittenPrinciples| {
            let (shared, asked) = (&shared, &asked);
            shared.get(query, async move {
                asked.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                written
            })
        };
        let failed = futures::future::join_all((0..5).map(|_| get(Err(failure())))).await;
        assert!(failed.iter().all(|written| *written == Err(failure())));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        let record = Arc::new(blank(query, 1, 0.5));
        let all = futures::future::join_all((0..5).map(|_| get(Ok(record.clone())))).await;
        assert!(all.iter().all(|written| written.as_ref() == Ok(&record)));
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn the_memory_is_bounded_and_the_oldest_query_goes_first() {
        let (shared, asked) = (Shared::default(), AtomicUsize::new(0));
        let get = |number: usize| {
            let (query, asked) = (digest(&number.to_string(), "{}"), &asked);
            shared.get(query, async move {
                asked.fetch_add(1, Ordering::SeqCst);
                Ok(Arc::new(blank(query, 1, 0.5)))
            })
        };
        for number in 0..=KEPT {
            get(number).await.unwrap();
        }
        get(KEPT).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), KEPT + 1);
        get(0).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), KEPT + 2);
        assert_eq!(shared.cells().by_query.len(), KEPT);
    }
}
