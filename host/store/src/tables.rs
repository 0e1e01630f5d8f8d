//! A run's connection, and statements on it.

use std::cell::RefCell;
use std::path::Path;

use rusqlite::{Connection, Row};

use crate::columns::Schema;
use crate::error::StoreError;
use crate::principles_cache::Cache;

/// A run's connection with the path that errors name.
pub(crate) struct Tables<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) path: &'a Path,
    pub(crate) schema: Schema,
    /// Principles that were read, where tasks are read one after the other.
    pub(crate) principles: Option<&'a RefCell<Cache>>,
}

impl Tables<'_> {
    pub(crate) fn sqlite(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::sqlite(self.path, error)
    }

    pub(crate) fn prepare(&self, sql: &str) -> Result<rusqlite::CachedStatement<'_>, StoreError> {
        self.connection.prepare_cached(sql).map_err(|error| self.sqlite(&error))
    }

    /// Goes through the rows of a statement.
    pub(crate) fn each(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        mut take: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(parameters).map_err(|error| self.sqlite(&error))?;
        while let Some(row) = rows.next().map_err(|error| self.sqlite(&error))? {
            take(row)?;
        }
        Ok(())
    }
}
