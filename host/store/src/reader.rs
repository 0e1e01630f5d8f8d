//! Reading a run, a few tasks at a time.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::bounds::TASK_BYTES;
use crate::cells::Cells;
use crate::change::{self, Change};
use crate::columns::{COMPONENTS, Schema};
use crate::error::StoreError;
use crate::header::Header;
use crate::principles_cache::Cache;
use crate::schema::{self, Opened};
use crate::seal::{RunDigest, Seals};
use crate::tables::Tables;
use crate::whole::{Room, Which, Whole};
use rewarden_record::{Recorded, RecordedComponent, TaskKey};
use rewarden_types::Sha256Digest;

/// A run that is open for reading. Another process may go on writing it.
///
/// Every value is checked as it is read, and in a run with seals every task's rows are compared with their seal.
pub struct RunReader {
    connection: Connection,
    path: PathBuf,
    header: Header,
    /// What it was closed with; none while it is written, and in a run without seals.
    closed_with: Option<RunDigest>,
    schema: Schema,
    /// Whether changed tasks are read all the same.
    lenient: bool,
    /// Bytes that may still be read: a row may claim the bytes of others as its own, and reading would not end.
    left: Cell<u64>,
    principles: RefCell<Cache>,
}

/// Bytes of tasks that are read together, but for the last of them.
const CHUNK_BYTES: u64 = 32 << 20;
/// How often a sound file is read through at most. `verify` does so twice, `report` once for each of its passes.
const PASSES: u64 = 16;

impl RunReader {
    /// Opens a run.
    ///
    /// # Errors
    ///
    /// It is no run, or not as it was closed.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let run = Self::open_as(path, false)?.ok_or_else(|| StoreError::Empty { path: path.to_owned() })?;
        run.check_closed()?;
        Ok(run)
    }

    /// Opens a run that may have been changed since it was closed, for [`changes`](RunReader::changes) to tell.
    ///
    /// # Errors
    ///
    /// It is no run.
    pub fn open_changed(path: &Path) -> Result<Self, StoreError> {
        Self::open_as(path, true)?.ok_or_else(|| StoreError::Empty { path: path.to_owned() })
    }

    /// Returns the header of the run as it was closed, or `None` if its creation was cut off.
    pub(crate) fn look(path: &Path) -> Result<Option<Header>, StoreError> {
        let Some(run) = Self::open_as(path, false)? else { return Ok(None) };
        run.check_closed()?;
        Ok(Some(run.header))
    }

    fn open_as(path: &Path, lenient: bool) -> Result<Option<Self>, StoreError> {
        let Some(Opened { connection, schema }) = schema::open_to_read(path)? else { return Ok(None) };
        let tables = Tables { connection: &connection, path, schema, principles: None };
        let Some(header) = tables.header()? else { return Ok(None) };
        let closed_with = if schema.is_sealed() { tables.closed_with()? } else { None };
        let left = Cell::new(PASSES.saturating_mul(schema::size(path)).saturating_add(CHUNK_BYTES));
        let (path, principles) = (path.to_owned(), RefCell::default());
        Ok(Some(Self { connection, path, header, closed_with, schema, lenient, left, principles }))
    }

    fn check_closed(&self) -> Result<(), StoreError> {
        let Some(then) = &self.closed_with else { return Ok(()) };
        let mut found = Vec::new();
        // With the components: other code under a recorded digest would be judged with, or handed on.
        schema::with_components(&self.connection, || self.view().components(&mut |change| found.push(change)))
            .map_err(|error| StoreError::sqlite(&self.path, &error))??;
        if let Some(change) = found.into_iter().next() {
            return Err(StoreError::Changed { path: self.path.clone(), change: Box::new(change) });
        }
        match change::of_digest(then, &self.view().digest_of_seals()?).into_iter().next() {
            Some(change) => Err(StoreError::Changed { path: self.path.clone(), change: Box::new(change) }),
            None => Ok(()),
        }
    }

    /// Returns what holds for the whole run.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the digest that names the run and all that it holds, which it was closed with. `None` while it is written, after
    /// its process was killed, and in a run that was made before runs had a digest.
    pub fn digest(&self) -> Option<Sha256Digest> {
        self.closed_with.as_ref().map(|digest| digest.run)
    }

    /// Returns whether the run is of a schema with digests.
    pub fn has_seals(&self) -> bool {
        self.schema.is_sealed()
    }

    fn view(&self) -> Tables<'_> {
        let principles = Some(&self.principles);
        Tables { connection: &self.connection, path: &self.path, schema: self.schema, principles }
    }

    /// Counts its tasks, finished or not.
    pub fn tasks(&self) -> Result<u64, StoreError> {
        self.count("SELECT count(*) FROM tasks WHERE key > 0")
    }

    /// Returns how many tasks have no reward and no failure. In an import that is all of them.
    pub fn unfinished(&self) -> Result<u64, StoreError> {
        self.count("SELECT count(*) FROM tasks WHERE key > 0 AND key NOT IN (SELECT task FROM rewards)")
    }

    /// Counts its samples.
    pub fn samples(&self) -> Result<u64, StoreError> {
        self.count("SELECT count(*) FROM samples WHERE task > 0")
    }

    /// Counts by the condition, row by row: a plain `count(*)` is a single step to SQLite, which nothing would end in a file
    /// whose pages lead in a circle.
    fn count(&self, sql: &str) -> Result<u64, StoreError> {
        let counted: i64 = self
            .connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|error| StoreError::sqlite(&self.path, &error))?;
        Ok(counted.unsigned_abs())
    }

    /// Returns the component with this digest, or `None` if the run does not hold it.
    pub fn component(&self, digest: Sha256Digest) -> Result<Option<RecordedComponent>, StoreError> {
        let tables = self.view();
        let find = || {
            let mut found = None;
            tables.each(&COMPONENTS.select("WHERE digest = ?"), [digest.to_string()], |row| {
                let cells = Cells { tables: &tables, table: COMPONENTS, row, name: format!("digest {digest}") };
                let (name, wasm) = (cells.text("name")?.to_owned(), cells.component()?);
                let actual = Sha256Digest::of(&wasm);
                if actual != digest {
                    return Err(cells.error("wasm", format!("its digest is {actual}")));
                }
                found = Some(RecordedComponent { name, digest, wasm });
                Ok(())
            })?;
            Ok(found)
        };
        schema::with_components(&self.connection, find).map_err(|error| StoreError::sqlite(&self.path, &error))?
    }

    /// Returns all that the run holds of the task with this id.
    pub fn task(&self, id: &str) -> Result<Option<Recorded>, StoreError> {
        self.at_once(|| Ok(self.whole(Which::Id(id))?.map(|whole| whole.recorded)))
    }

    /// Returns the next tasks after `after` (`None`: the first ones) with all that belongs to them: at most `limit` tasks, and not many
    /// more than 32 MiB. An empty list is the end.
    pub fn chunk(&self, after: Option<TaskKey>, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        self.at_once(|| {
            let (mut after, mut all, mut bytes) = (after.unwrap_or(TaskKey(0)), Vec::new(), 0);
            while all.len() < limit && bytes < CHUNK_BYTES {
                let Some(whole) = self.whole(Which::After(after))? else { break };
                bytes += whole.bytes;
                after = whole.recorded.key;
                all.push(whole.recorded);
            }
            Ok(all)
        })
    }

    fn whole(&self, which: Which<'_>) -> Result<Option<Whole>, StoreError> {
        // No task has more bytes than the file.
        let room = Room { bytes: TASK_BYTES.min(schema::size(&self.path)) };
        let whole = self.view().whole(which, room)?;
        if let Some(whole) = &whole {
            self.spend(whole.bytes)?;
            if let (Some(change), false) = (&whole.change, self.lenient) {
                return Err(StoreError::Changed { path: self.path.clone(), change: Box::new(change.clone()) });
            }
        }
        Ok(whole)
    }

    fn spend(&self, bytes: u64) -> Result<(), StoreError> {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(StoreError::Endless { path: self.path.clone() }),
        }
    }

    /// Reads at one moment of a run that another process may be writing.
    fn at_once<T>(&self, read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let sqlite = |error: rusqlite::Error| StoreError::sqlite(&self.path, &error);
        let moment = self.connection.unchecked_transaction().map_err(sqlite)?;
        let done = read()?;
        moment.commit().map_err(sqlite)?;
        Ok(done)
    }

    /// Compares the whole run with its digests, row by row, and everything with what it belongs to. Decodes nothing.
    ///
    /// # Errors
    ///
    /// The file is damaged, or holds more than can be read.
    pub fn changes(&self, mut told: impl FnMut(Change)) -> Result<Checked, StoreError> {
        self.at_once(|| {
            let tables = self.view();
            tables.check_pages()?;
            tables.orphans(&mut told)?;
            schema::with_components(&self.connection, || tables.components(&mut told))
                .map_err(|error| StoreError::sqlite(&self.path, &error))??;
            if !self.schema.is_sealed() {
                return Ok(Checked { digest: None, closed: false, unsealed: 0 });
            }
            let (mut seals, mut unsealed, mut same) = (Seals::new(), 0, true);
            let mut after = TaskKey(0);
            while let Some((key, id, finished)) = tables.next_task(after)? {
                after = key;
                let (now, bytes) = tables.seal_now(key)?;
                self.spend(bytes)?;
                let then = tables.find_seal(key)?;
                match then.as_ref().map(|then| then.changed(&now)) {
                    Some(tables) if tables.is_empty() => {}
                    Some(tables) => {
                        same = false;
                        told(Change::Sealed { task: id, tables });
                    }
                    None if finished || self.closed_with.is_some() => {
                        same = false;
                        told(Change::Unsealed { task: id });
                    }
                    None => unsealed += 1,
                }
                if then.is_some() {
                    seals.add(key, &now);
                }
            }
            let now = RunDigest::new(tables.digest_of_header()?, tables.digest_of_components()?, seals);
            if let Some(then) = &self.closed_with {
                for change in change::of_digest(then, &now) {
                    // That tasks were changed has been told, each by its name.
                    if same || !matches!(change, Change::Seals { .. }) {
                        told(change);
                    }
                }
            }
            Ok(Checked { digest: Some(now.run), closed: self.closed_with.is_some(), unsealed })
        })
    }
}

/// What [`RunReader::changes`] found beside the changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The digest that the rows of the sealed tasks give; none in a run that was made before runs had one.
    pub digest: Option<Sha256Digest>,
    /// Whether the run was closed, so that its digest is final.
    pub closed: bool,
    /// Tasks that have no seal yet, because the run is being written or its process was killed.
    pub unsealed: u64,
}
