//! Rows of the tables `principles` and `queries` as they are read.

use std::sync::Arc;

use rewarden_record::{PrinciplesRecord, TaskKey};
use rewarden_types::Sha256Digest;
use rusqlite::{OptionalExtension, Row};

use crate::cells::{Cells, digest};
use crate::columns::{PRINCIPLES, QUERIES};
use crate::encode;
use crate::error::StoreError;
use crate::principles_cache::HeldPrinciples;
use crate::seal::Sealed;
use crate::tables::Tables;

impl Tables<'_> {
    /// Returns the principles of a query, or `None` if the run does not hold them.
    pub(crate) fn find_principles(&self, query: Sha256Digest) -> Result<Option<PrinciplesRecord>, StoreError> {
        let mut statement = self.prepare(&PRINCIPLES.select("WHERE query = ?"))?;
        let found = statement.query_row([query.to_string()], |row| Ok(self.principles_row(row))).optional();
        found.map_err(|error| self.sqlite(&error))?.transpose()
    }

    /// Returns the principles that the task was judged under, and how many bytes were read for them.
    pub(crate) fn principles_of(
        &self,
        TaskKey(key): TaskKey,
    ) -> Result<Option<(Arc<HeldPrinciples>, u64)>, StoreError> {
        let mut found = None;
        self.each(&QUERIES.select("WHERE task = ?"), [key], |row| {
            let cells = Cells { tables: self, table: QUERIES, row, name: format!("task {key}") };
            let query = cells.text("query")?;
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

    fn held(&self, query: &str) -> Result<Option<Arc<HeldPrinciples>>, StoreError> {
        let mut found = None;
        self.each(&PRINCIPLES.select("WHERE query = ?"), [query], |row| {
            let sealed = Sealed::read(row, PRINCIPLES).map_err(|error| self.sqlite(&error))?;
            let bytes = sealed.bytes();
            found = Some(Arc::new(HeldPrinciples { record: Arc::new(self.principles_row(row)?), sealed, bytes }));
            Ok(())
        })?;
        Ok(found)
    }

    fn principles_row(&self, row: &Row<'_>) -> Result<PrinciplesRecord, StoreError> {
        let cells = Cells { tables: self, table: PRINCIPLES, row, name: "a query".to_owned() };
        let query = cells.decoded("query", digest)?;
        let cells = Cells { name: format!("query {query}"), ..cells };
        let outcome = match (cells.optional("principles", encode::principles)?, cells.failure()?) {
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
            temperature: cells.temperature()?,
            seed: cells.seed()?,
            prompt: cells.digest("prompt")?,
            completion: cells.completion()?,
            seconds: cells.seconds()?,
            outcome,
        })
    }
}
