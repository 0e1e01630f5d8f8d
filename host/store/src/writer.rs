//! Writing a run, from one thread.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use rewarden_types::{
    Failure, FailureKind, Identity, Outcome, Rating, Reward, Sha256Digest, Task, strict_json as json,
};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::bounds::{COMPONENT_BYTES, TASK_BYTES};
use crate::columns::{REWARDS, Schema};
use crate::encode;
use crate::error::StoreError;
use crate::foreign_text::shown;
use crate::header::{Header, RunSource};
use crate::packed::pack;
use crate::reader::RunReader;
use crate::schema::{self, Durability, Opened};
use crate::seal::{self, Sealed, WrittenRows};
use crate::tables::Tables;
use crate::whole::{Room, Which};
use rewarden_record::{
    Begun, MetaRecord, PrinciplesRecord, Recorded, RecordedComponent, SampleRecord, TaskFailure, TaskFailureKind,
    TaskKey, Verdict, differences,
};

/// A run that is open for writing. Everything since the last [`commit`](RunWriter::commit) is lost with the process.
pub struct RunWriter {
    connection: Connection,
    path: PathBuf,
    /// An older one stays as it is.
    schema: Schema,
    /// See [`RunWriter::retrying`].
    retries: bool,
    /// Whether the run's digest stands in it, because nothing was changed since it was closed.
    closed: Cell<bool>,
    /// Whether its tasks end.
    ends: bool,
    /// Tasks that were begun here and have not ended.
    written: RefCell<HashMap<TaskKey, WrittenRows>>,
    // After the connection: closing any descriptor of the file drops SQLite's own locks on it.
    _lock: File,
}

impl RunWriter {
    /// Opens the run at `path`, or creates it if there is none. An existing run must have been made by the same model,
    /// sampling, seed, budget and strategy as `header`, or [`StoreError::Mismatch`] names what differs.
    pub fn open(path: &Path, header: &Header, components: &[RecordedComponent]) -> Result<Self, StoreError> {
        Self::open_as(path, header, components, Durability::Kept)
    }

    /// Opens a run that nobody will read after this process.
    pub fn scratch(path: &Path, header: &Header, components: &[RecordedComponent]) -> Result<Self, StoreError> {
        Self::open_as(path, header, components, Durability::Scratch)
    }

    fn open_as(
        path: &Path,
        header: &Header,
        components: &[RecordedComponent],
        durability: Durability,
    ) -> Result<Self, StoreError> {
        // Looked at before it is opened for writing, which changes the file's header: what is refused stays as it was, and
        // nothing of a file that is no sound run is run.
        let there = std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0);
        if there && let Some(made) = RunReader::look(path)? {
            let found = differences(&kind(&made, header), &kind(header, &made));
            if !found.is_empty() {
                return Err(StoreError::Mismatch { path: path.to_owned(), differences: found });
            }
        }
        let lock = lock(path)?;
        let (Opened { connection, schema }, existed) = schema::open_to_write(path, durability)?;
        let (path, closed, ends) = (path.to_owned(), Cell::new(false), header.source != RunSource::Import);
        let writer =
            Self { connection, path, schema, retries: false, closed, ends, written: RefCell::default(), _lock: lock };
        writer.begin()?;
        let made = writer.tables().header()?;
        if !existed || made.is_none() {
            writer.write_header(header, components)?;
        } else if schema.is_sealed() {
            writer.closed.set(writer.tables().closed_with()?.is_some());
        }
        writer.commit()?;
        Ok(writer)
    }

    fn tables(&self) -> Tables<'_> {
        Tables { connection: &self.connection, path: &self.path, schema: self.schema, principles: None }
    }

    /// Called before anything is changed: the digest of a closed run holds no longer.
    fn reopen(&self) -> Result<(), StoreError> {
        if self.closed.replace(false) {
            self.execute("DELETE FROM run WHERE key = ?", [seal::DIGEST])?;
        }
        Ok(())
    }

    fn execute(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<usize, StoreError> {
        self.connection.execute(sql, parameters).map_err(|error| StoreError::sqlite(&self.path, &error))
    }

    /// A time as runs hold it. `when` is one of SQLite's time values.
    fn time(&self, when: &str) -> Result<String, StoreError> {
        let sqlite = |error: rusqlite::Error| StoreError::sqlite(&self.path, &error);
        let sql = "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', ?)";
        let time: Option<String> = self.connection.query_row(sql, [when], |row| row.get(0)).map_err(sqlite)?;
        let message =
            "the system's clock is not between the years 0 and 9999, so the run's date cannot be written; set it";
        time.ok_or_else(|| StoreError::Io { path: self.path.clone(), message: message.to_owned() })
    }

    fn write_header(&self, header: &Header, components: &[RecordedComponent]) -> Result<(), StoreError> {
        let mut values = vec![
            ("source", header.source.name().to_owned()),
            ("host", header.host.clone()),
            ("drawn", encode::plain_text(&header.drawn)),
        ];
        values.extend(header.origin.clone().map(|origin| ("origin", origin)));
        values.extend(header.strategy.as_ref().map(|strategy| ("strategy", encode::plain_text(strategy))));
        for (key, value) in values {
            self.execute("INSERT INTO run (key, value) VALUES (?, ?)", params![key, value])?;
        }
        self.execute("INSERT INTO run (key, value) VALUES ('created', ?)", [self.time("now")?])?;
        let sqlite = |error: rusqlite::Error| StoreError::sqlite(&self.path, &error);
        schema::with_components(&self.connection, || {
            for RecordedComponent { name, digest, wasm } in components {
                if wasm.len() as u64 > COMPONENT_BYTES {
                    let (path, what) = (self.path.clone(), format!("component {name}"));
                    return Err(StoreError::TooLarge { path, what, most: format!("{COMPONENT_BYTES} bytes") });
                }
                let stored = pack(wasm, self.schema)
                    .map_err(|error| StoreError::Io { path: self.path.clone(), message: error.to_string() })?;
                self.execute(
                    "INSERT OR IGNORE INTO components (digest, name, wasm) VALUES (?, ?, ?)",
                    params![digest.to_string(), name, stored],
                )?;
            }
            Ok(())
        })
        .map_err(sqlite)?
    }

    /// Starts a transaction, unless one is under way.
    pub fn begin(&self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() { self.execute("BEGIN IMMEDIATE", []).map(|_| ()) } else { Ok(()) }
    }

    /// Has tasks that ended because the model or its server failed begin again if they are asked for again. Otherwise they stay
    /// as they ended, until [`forget_model_errors`](RunWriter::forget_model_errors).
    pub fn retrying(mut self) -> Self {
        self.retries = true;
        self
    }

    /// Makes everything since [`begin`](RunWriter::begin) durable.
    pub fn commit(&self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() { Ok(()) } else { self.execute("COMMIT", []).map(|_| ()) }
    }

    /// Adds the task, or finds it with what is recorded of it.
    ///
    /// # Errors
    ///
    /// The run holds another task of this id, or one that was changed since it was sealed.
    pub fn begin_task(&self, task: &Task) -> Result<Begun, StoreError> {
        let tables = self.tables();
        let room = Room { bytes: TASK_BYTES };
        let Some(known) = tables.unchanged(Which::Id(&task.id), room)? else {
            self.reopen()?;
            let name = || format!("task `{}`", shown(&task.id));
            if json::values(&task.metadata) > json::MOST_VALUES {
                let (path, what) = (self.path.clone(), format!("the metadata of {}", name()));
                return Err(StoreError::TooLarge { path, what, most: format!("{} JSON values", json::MOST_VALUES) });
            }
            let inserted = tables.insert_task(task).map_err(|error| error.writing(name))?;
            let lost =
                || StoreError::Io { path: self.path.clone(), message: format!("{} is there and is not", name()) };
            let (key, content) = inserted.ok_or_else(lost)?;
            self.remember(key, content);
            return Ok(Begun { key, samples: Vec::new(), reward: None });
        };
        if let Some(field) = changed(&known.task, task) {
            return Err(StoreError::TaskChanged { path: self.path.clone(), id: task.id.clone(), field });
        }
        let Recorded { key, samples, reward, principles, .. } = known;
        if self.retries && reward.is_some() && failed_with_the_model(&samples, &reward, principles.is_some()) {
            self.forget_end(key)?;
            self.forget_failed(key)?;
            let again = tables.unchanged(Which::Key(key), room)?;
            let samples = again.map(|again| again.samples).unwrap_or_default();
            return Ok(Begun { key, samples, reward: None });
        }
        if reward.is_none() && self.schema.is_sealed() {
            // It goes on, and gets another seal in the end.
            self.reopen()?;
            tables.delete_seal(key)?;
        }
        Ok(Begun { key, samples, reward })
    }

    /// Returns the principles of a query, or `None` if the run does not hold them.
    pub fn principles(&self, query: Sha256Digest) -> Result<Option<PrinciplesRecord>, StoreError> {
        self.tables().find_principles(query)
    }

    /// Links a task to its principles, and stores the principles first if they are new.
    pub fn judged_under(&self, task: TaskKey, record: &PrinciplesRecord) -> Result<(), StoreError> {
        self.tables().insert_principles(task, record)
    }

    /// Adds a sample to a task that was begun.
    pub fn add_sample(&self, task: TaskKey, sample: &SampleRecord) -> Result<(), StoreError> {
        let row = self.tables().insert_sample(task, sample)?;
        if let Some(written) = self.written.borrow_mut().get_mut(&task) {
            written.sample(sample.id, row);
        }
        match &sample.meta {
            Some(meta) => self.add_rating(task, sample.id, meta),
            None => Ok(()),
        }
    }

    /// Adds a rating of a sample that was added without one.
    pub fn add_rating(&self, task: TaskKey, sample: u32, meta: &MetaRecord) -> Result<(), StoreError> {
        let row = self.tables().insert_rating(task, sample, meta)?;
        if let Some(written) = self.written.borrow_mut().get_mut(&task) {
            written.rating(sample, row);
        }
        Ok(())
    }

    /// Ends a task, and seals it.
    pub fn finish_task(&self, task: TaskKey, reward: &Result<Reward, TaskFailure>) -> Result<(), StoreError> {
        let tables = self.tables();
        let row = tables.insert_reward(task, reward)?;
        match self.written.borrow_mut().remove(&task) {
            _ if !self.schema.is_sealed() => Ok(()),
            Some(written) => tables.seal_written(task, &written, &row),
            // It was begun by another process.
            None => tables.seal_task(task),
        }
    }

    /// Keeps the digests of a new task's rows until it ends: of those that are under way, and of none that is imported, which
    /// end with the run.
    fn remember(&self, task: TaskKey, content: Sealed) {
        if self.schema.is_sealed() && self.ends {
            self.written.borrow_mut().insert(task, WrittenRows::new(content));
        }
    }

    /// Adds a task with its samples and its reward, unless there is a task of this id.
    pub fn add_whole(&self, task: &Task, verdict: &Verdict) -> Result<(), StoreError> {
        self.reopen()?;
        let Some((key, content)) = self.tables().insert_task(task)? else { return Ok(()) };
        self.remember(key, content);
        for sample in &verdict.samples {
            self.add_sample(key, sample)?;
        }
        self.finish_task(key, &verdict.reward)
    }

    /// Forgets samples that failed because the model or its server did, with everything that was decided after them, so that
    /// they are drawn again, and the ends of tasks that never got to a sample because it failed to write their principles, or
    /// that ended because the host itself failed. Returns how many tasks are open again.
    ///
    /// # Errors
    ///
    /// Such a task was changed since it was sealed; the run stays as it is then.
    pub fn forget_model_errors(&self) -> Result<u64, StoreError> {
        self.begin()?;
        let failed = self.keys(
            "SELECT task FROM samples WHERE failure_kind = 'model_error' \
             UNION SELECT task FROM ratings WHERE failure_kind = 'model_error' ORDER BY task",
        )?;
        // Principles that failed otherwise are held, and would fail again.
        let without = self.keys(
            "SELECT task FROM rewards WHERE failure_kind = 'host' \
             OR (failure_kind = 'principles' AND task NOT IN (SELECT task FROM queries)) ORDER BY task",
        )?;
        let all: BTreeSet<TaskKey> = failed.iter().chain(&without).copied().collect();
        for key in &all {
            self.tables().unchanged(Which::Key(*key), Room { bytes: TASK_BYTES })?;
            self.forget_end(*key)?;
        }
        for key in failed {
            self.forget_failed(key)?;
        }
        self.commit()?;
        Ok(all.len() as u64)
    }

    /// Takes a task's end back, so that it goes on.
    fn forget_end(&self, key: TaskKey) -> Result<(), StoreError> {
        self.reopen()?;
        self.execute("DELETE FROM rewards WHERE task = ?", [key.0])?;
        if self.schema.is_sealed() {
            self.tables().delete_seal(key)?;
        }
        Ok(())
    }

    /// Forgets what failed because a model or its server did, and what was decided after it.
    fn forget_failed(&self, TaskKey(key): TaskKey) -> Result<(), StoreError> {
        // A rating failed with the meta RM's server, or is of a sample that goes.
        self.execute("DELETE FROM ratings WHERE task = ?", [key])?;
        self.execute(
            "DELETE FROM samples WHERE task = ?1 AND (failure_kind = 'model_error' OR round > \
             (SELECT min(round) FROM samples WHERE task = ?1 AND failure_kind = 'model_error'))",
            [key],
        )?;
        Ok(())
    }

    /// Task keys that a statement selects, ascending.
    fn keys(&self, sql: &str) -> Result<Vec<TaskKey>, StoreError> {
        let (mut keys, mut before) = (Vec::new(), 0);
        let tables = self.tables();
        tables.each(sql, [], |row| {
            before = tables.ascending_key(row, REWARDS.only(&["task"]), before)?;
            keys.push(TaskKey(before));
            Ok(())
        })?;
        Ok(keys)
    }

    /// Seals what has no seal yet, imported and unfinished tasks, and writes down the digest of the whole.
    fn seal_all(&self) -> Result<(), StoreError> {
        self.begin()?;
        let tables = self.tables();
        let mut after = TaskKey(0);
        while let Some(key) = tables.next_unsealed(after)? {
            tables.seal_task(key)?;
            after = key;
        }
        let digest = encode::plain_text(&tables.digest_of_seals()?);
        self.execute("INSERT INTO run (key, value) VALUES (?, ?)", params![seal::DIGEST, digest])?;
        Ok(())
    }

    /// Commits, and leaves one plain file that can be read from anywhere, a read-only directory included. From then on the
    /// run has a digest.
    pub fn close(self) -> Result<(), StoreError> {
        if self.schema.is_sealed() && !self.closed.get() {
            self.seal_all()?;
        }
        self.commit()?;
        // Refused while another process reads the run; then the log stays beside it, which is no harm.
        let _ = self.connection.pragma_update(None, "journal_mode", "delete");
        Ok(())
    }
}

/// One writer a run: two would draw the same samples twice.
fn lock(path: &Path) -> Result<File, StoreError> {
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| StoreError::io(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Busy { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(StoreError::io(path, &error)),
    }
}

/// What must be equal for samples to be of one kind. The host's version is not part of it: `verify` tells whether it
/// matters. What `other` does not say of its models, since a host before this one wrote it, is no difference.
fn kind(header: &Header, other: &Header) -> Value {
    let mut drawn = header.drawn.clone();
    let said = |model: Option<&Identity>| model.is_some_and(|model| model.batch_invariant.is_some());
    let forget = |model: &mut Identity, other: Option<&Identity>| {
        if !said(other) {
            model.batch_invariant = None;
        }
    };
    forget(&mut drawn.model, Some(&other.drawn.model));
    if let Some(meta) = &mut drawn.meta_model {
        forget(meta, other.drawn.meta_model.as_ref());
    }
    for (name, model) in &mut drawn.judge_models {
        forget(model, other.drawn.judge_models.get(name));
    }
    let mut kind = json!({"source": header.source.name(), "drawn": drawn, "strategy": header.strategy});
    // Flat paths read better in the message.
    let mut flat = serde_json::Map::new();
    if let Some(object) = kind.as_object_mut() {
        for part in ["strategy", "drawn"] {
            if let Some(Value::Object(values)) = object.remove(part) {
                flat.extend(values);
            }
        }
        flat.extend(std::mem::take(object));
    }
    Value::Object(flat)
}

fn changed(known: &Task, task: &Task) -> Option<&'static str> {
    if known.messages != task.messages {
        Some("messages")
    } else if known.responses != task.responses {
        Some("responses")
    } else if known.reference != task.reference {
        Some("reference")
    } else if known.preferred != task.preferred {
        Some("preferred")
    } else if known.metadata != task.metadata {
        Some("metadata")
    } else {
        None
    }
}

/// Returns whether a task ended as it did because a model did not answer.
fn failed_with_the_model(
    samples: &[SampleRecord],
    reward: &Option<Result<Reward, TaskFailure>>,
    has_principles: bool,
) -> bool {
    let failed = |failure: &Failure| failure.kind == FailureKind::ModelError;
    let sample = |sample: &SampleRecord| match (&sample.outcome, sample.meta.as_ref().map(|meta| &meta.rating)) {
        (Outcome::Failed(failure), _) if failed(failure) => true,
        (_, Some(Rating::Failed(failure))) => failed(failure),
        _ => false,
    };
    let no_principles = matches!(reward, Some(Err(failure)) if failure.kind == TaskFailureKind::Principles);
    let host = matches!(reward, Some(Err(failure)) if failure.kind == TaskFailureKind::Host);
    samples.iter().any(sample) || (no_principles && !has_principles) || host
}

#[cfg(test)]
mod tests {
    use rewarden_record::{Budget, Drawn, SamplingProvenance};
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_clock_beyond_what_a_date_can_be_is_told_as_that() {
        let directory = tempfile::tempdir().unwrap();
        let model = Identity::new("none", "none");
        let sampling = SamplingProvenance { temperature: 0.0, top_p: None, max_tokens: None };
        let drawn = Drawn {
            model,
            meta_model: None,
            judge_models: BTreeMap::new(),
            sampling,
            seed: 0,
            budget: Budget::default(),
        };
        let header = Header::new(RunSource::Import, None, drawn, None);
        let writer = RunWriter::open(&directory.path().join("a.run"), &header, &[]).unwrap();
        assert_eq!(writer.time("2026-11-26 10:00:00").unwrap(), "2026-11-26T10:00:00Z");
        // A day of the year 10000, as SQLite counts days.
        let error = writer.time("5373484.6").unwrap_err().to_string();
        assert!(error.contains("the system's clock is not between the years 0 and 9999"), "{error}");
    }
}
