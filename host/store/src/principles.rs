//! Rows of the tables `principles` and `queries`.

use std::collections::HashMap;
use std::sync::Arc;

use rewarden_types::Sha256Digest;
use rusqlite::{OptionalExtension, Row, params};

use crate::cells::{Cells, CompletionColumns, digest};
use crate::encode;
use crate::error::StoreError;
use crate::seal::Sealed;
use crate::tables::{Tables, finish_name};
use rewarden_record::{PrinciplesRecord, TaskKey};

const COLUMNS: &str = "query, temperature, seed, prompt, text, thinking, finish, prompt_tokens, completion_tokens, \
     seconds, tokens, principles, failure_kind, failure_message";

/// Where `seconds` stands in them.
pub(crate) const SECONDS: usize = 9;

const COMPLETION: CompletionColumns =
    CompletionColumns { text: 4, thinking: 5, finish: 6, prompt_tokens: 7, completion_tokens: 8, tokens: 10 };

/// The principles of a query as they were read, with what goes into the seals of its tasks.
pub(crate) struct Held {
    pub(crate) record: Arc<PrinciplesRecord>,
    pub(crate) sealed: Sealed,
    bytes: u64,
}

/// Bytes of principles that are kept while a run is read.
const HELD_BYTES: u64 = 64 << 20;

/// Principles that were read: many tasks may have the same, and a large one should not be read for each.
#[derive(Default)]
pub(crate) struct Cache {
    held: HashMap<String, Arc<Held>>,
    bytes: u64,
}

impl Cache {
    fn keep(&mut self, query: String, held: &Arc<Held>) {
        if self.bytes > HELD_BYTES {
            *self = Self::default();
        }
        self.bytes += held.bytes;
        self.held.insert(query, held.clone());
    }
}

impl Tables<'_> {
    /// The principles of a query, when the run holds them.
    pub(crate) fn find_principles(&self, query: Sha256Digest) -> Result<Option<PrinciplesRecord>, StoreError> {
        let mut statement = self.prepare(&format!("SELECT {COLUMNS} FROM principles WHERE query = ?"))?;
        let found = statement.query_row([query.to_string()], |row| Ok(self.principles_row(row))).optional();
        found.map_err(|error| self.sqlite(&error))?.transpose()
    }

    /// Adds the principles, unless those of the query are there, and says that the task is judged under them.
    pub(crate) fn insert_principles(
        &self,
        TaskKey(task): TaskKey,
        record: &PrinciplesRecord,
    ) -> Result<(), StoreError> {
        let sql = format!("INSERT OR IGNORE INTO principles ({COLUMNS}) VALUES ({})", ["?"; 14].join(", "));
        let mut statement = self.prepare(&sql)?;
        let completion = record.completion.as_ref();
        let usage = completion.map(|completion| completion.usage).filter(|usage| usage.prompt_tokens > 0);
        let (given, failure) = (record.outcome.as_ref().ok(), record.outcome.as_ref().err());
        let inserted = statement.execute(params![
            record.query.to_string(),
            record.temperature,
            // As those of samples, these seeds have 53 bits.
            i64::try_from(record.seed).unwrap_or(i64::MAX),
            record.prompt.map(|digest| digest.to_string()),
            completion.map(|completion| &completion.text),
            completion.and_then(|completion| completion.thinking.as_ref()),
            completion.map(|completion| finish_name(completion.finish)),
            usage.map(|usage| usage.prompt_tokens),
            usage.map(|usage| usage.completion_tokens),
            record.seconds,
            completion.filter(|c| !c.tokens.is_empty()).map(|completion| encode::plain_text(&completion.tokens)),
            given.map(|given| encode::principles_text(given)),
            failure.map(|failure| failure.kind.name()),
            failure.map(|failure| &failure.message),
        ]);
        inserted.map_err(|error| self.sqlite(&error))?;
        let mut statement = self.prepare("INSERT OR IGNORE INTO queries (task, query) VALUES (?, ?)")?;
        let linked = statement.execute(params![task, record.query.to_string()]);
        linked.map(|_| ()).map_err(|error| self.sqlite(&error))
    }

    /// What the task was judged under, and how many bytes were read for it.
    pub(crate) fn principles_of(&self, TaskKey(key): TaskKey) -> Result<Option<(Arc<Held>, u64)>, StoreError> {
        let mut found = None;
        self.each("SELECT task, query FROM queries WHERE task = ?", [key], |row| {
            let cells = Cells { tables: self, table: "queries", row, name: format!("task {key}") };
            let query = cells.text(1, "query")?;
            let known = self.principles.and_then(|cache| cache.borrow().held.get(query).cloned());
            found = Some(match known {
                Some(held) => (held, 0),
                None => {
                    let missing = || cells.error("query", "there is no such row in principles".to_owned());
                    let held = self.held(query)?.ok_or_else(missing)?;
                    if let Some(cache) = self.principles {
                        cache.borrow_mut().keep(query.to_owned(), &held);
                    }
                    (held.clone(), held.bytes)
                }
            });
            Ok(())
        })?;
        Ok(found)
    }

    fn held(&self, query: &str) -> Result<Option<Arc<Held>>, StoreError> {
        let mut found = None;
        self.each(&format!("SELECT {COLUMNS} FROM principles WHERE query = ?"), [query], |row| {
            let sealed = Sealed::read(row, 0, Some(SECONDS)).map_err(|error| self.sqlite(&error))?;
            let bytes = sealed.bytes();
            found = Some(Arc::new(Held { record: Arc::new(self.principles_row(row)?), sealed, bytes }));
            Ok(())
        })?;
        Ok(found)
    }

    fn principles_row(&self, row: &Row<'_>) -> Result<PrinciplesRecord, StoreError> {
        let cells = Cells { tables: self, table: "principles", row, name: "a query".to_owned() };
        let query = cells.decoded(0, "query", digest)?;
        let cells = Cells { name: format!("query {query}"), ..cells };
        let outcome = match (cells.optional(11, "principles", encode::principles)?, cells.failure(12)?) {
            (Some(principles), None) => Ok(principles),
            (None, Some(failure)) => Err(failure),
            (None, None) => {
                return Err(cells.error("principles", "expected principles or a failure, found neither".to_owned()));
            }
            (Some(_), Some(_)) => {
                return Err(cells.error("principles", "expected principles or a failure, found both".to_owned()));
            }
        };
        Ok(PrinciplesRecord {
            query,
            temperature: cells.temperature(1)?,
            seed: cells.seed(2)?,
            prompt: cells.digest(3, "prompt")?,
            completion: cells.completion(&COMPLETION)?,
            seconds: cells.seconds(SECONDS)?,
            outcome,
        })
    }
}
