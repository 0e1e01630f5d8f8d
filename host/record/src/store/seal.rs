//! Digests of a run's rows, by which a change shows: a seal for every task, and one digest over the whole run.
//!
//! What is hashed is written down in docs/runs.md, precisely enough to be computed by another program. Nothing of it depends
//! on how SQLite lays the rows out, nor a task's seal on the order in which tasks came.

use std::sync::Arc;

use rewarden_runtime::Sha256Digest;
use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::cells::Cells;
use super::error::StoreError;
use super::json;
use super::principles::Held;
use super::tables::{RATING_COLUMNS, REWARD_COLUMNS, SAMPLE_COLUMNS, TASK_COLUMNS, Tables, TaskKey};

/// Names the encoding: another one would give other digests, and gets another name.
const RUN: &str = "rewarden run 3";

/// The key in the table `run` that the digest stands under while the run is closed.
pub(super) const DIGEST: &str = "digest";

const SEAL_COLUMNS: &str = "content, principles, samples, ratings, reward, clock";

/// Where `seconds` stands in a row of samples, of ratings and of principles.
pub(super) const SAMPLE_SECONDS: usize = 12;
/// See [`SAMPLE_SECONDS`].
pub(super) const RATING_SECONDS: usize = 11;

/// Takes values in, each so that it cannot be mistaken for two others.
#[derive(Clone)]
pub(super) struct Hasher {
    sha: Sha256,
    /// Bytes of texts and of binary data that it took.
    pub(super) bytes: u64,
}

impl Hasher {
    pub(super) fn new(name: &str) -> Self {
        let mut hasher = Self { sha: Sha256::new(), bytes: 0 };
        hasher.text(name);
        hasher.bytes = 0;
        hasher
    }

    fn sized(&mut self, tag: u8, bytes: &[u8]) {
        let length = bytes.len() as u64;
        self.sha.update([tag]);
        self.sha.update(length.to_be_bytes());
        self.sha.update(bytes);
        self.bytes += length;
    }

    pub(super) fn text(&mut self, text: &str) {
        self.sized(3, text.as_bytes());
    }

    pub(super) fn integer(&mut self, number: i64) {
        self.sha.update([1]);
        self.sha.update(number.to_be_bytes());
    }

    pub(super) fn value(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.sha.update([0]),
            ValueRef::Integer(number) => self.integer(number),
            ValueRef::Real(number) => {
                // SQLite keeps whole numbers as integers, and so has one zero only.
                let number = if number == 0.0 { 0.0 } else { number };
                self.sha.update([2]);
                self.sha.update(number.to_be_bytes());
            }
            ValueRef::Text(bytes) => self.sized(3, bytes),
            ValueRef::Blob(bytes) => self.sized(4, bytes),
        }
    }

    /// The row's values from column `from` on, but for that of `seconds`.
    pub(super) fn row(&mut self, row: &Row<'_>, from: usize, seconds: Option<usize>) -> Result<(), rusqlite::Error> {
        for column in from..row.as_ref().column_count() {
            if Some(column) != seconds {
                self.value(row.get_ref(column)?);
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Sha256Digest {
        Sha256Digest::from(self.sha)
    }
}

/// The digests of one task's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) content: Sha256Digest,
    pub(super) principles: Sha256Digest,
    pub(super) samples: Sha256Digest,
    pub(super) ratings: Sha256Digest,
    pub(super) reward: Sha256Digest,
    pub(super) clock: Sha256Digest,
}

impl Seal {
    pub(super) fn parts(&self) -> [(&'static str, &Sha256Digest); 6] {
        [
            ("tasks", &self.content),
            ("principles", &self.principles),
            ("samples", &self.samples),
            ("ratings", &self.ratings),
            ("rewards", &self.reward),
            ("seconds", &self.clock),
        ]
    }

    /// The tables whose rows are not those of `self` any more.
    pub(super) fn changed(&self, now: &Self) -> Vec<&'static str> {
        let pairs = self.parts().into_iter().zip(now.parts());
        pairs.filter(|((_, then), (_, now))| then != now).map(|((table, _), _)| table).collect()
    }
}

/// A seal while the rows of its task are gone through.
pub(super) struct Sealing {
    pub(super) content: Hasher,
    principles: Option<Arc<Held>>,
    principles_bytes: u64,
    pub(super) samples: Hasher,
    pub(super) ratings: Hasher,
    pub(super) reward: Hasher,
    clock: Hasher,
}

impl Sealing {
    pub(super) fn new() -> Self {
        Self {
            content: Hasher::new("tasks"),
            principles: None,
            principles_bytes: 0,
            samples: Hasher::new("samples"),
            ratings: Hasher::new("ratings"),
            reward: Hasher::new("rewards"),
            clock: Hasher::new("clock"),
        }
    }

    pub(super) fn sample(&mut self, row: &Row<'_>) -> Result<(), rusqlite::Error> {
        self.samples.row(row, 1, Some(SAMPLE_SECONDS))?;
        self.clock.text("samples");
        self.clock.value(row.get_ref(1)?);
        self.clock.value(row.get_ref(SAMPLE_SECONDS)?);
        Ok(())
    }

    pub(super) fn rating(&mut self, row: &Row<'_>) -> Result<(), rusqlite::Error> {
        self.ratings.row(row, 1, Some(RATING_SECONDS))?;
        self.clock.text("ratings");
        self.clock.value(row.get_ref(1)?);
        self.clock.value(row.get_ref(RATING_SECONDS)?);
        Ok(())
    }

    /// The task's principles, before its samples, and how many bytes were read for them.
    pub(super) fn principles(&mut self, (held, bytes): (Arc<Held>, u64)) {
        self.clock.text("principles");
        self.clock.value(ValueRef::from(&held.seconds));
        self.principles = Some(held);
        self.principles_bytes = bytes;
    }

    /// Bytes of texts that were read.
    pub(super) fn bytes(&self) -> u64 {
        let parts: u64 =
            [&self.content, &self.samples, &self.ratings, &self.reward].map(|part| part.bytes).iter().sum();
        parts + self.principles_bytes
    }

    pub(super) fn finish(self) -> Seal {
        Seal {
            content: self.content.finish(),
            principles: self.principles.map_or_else(|| Hasher::new("principles").finish(), |held| held.part),
            samples: self.samples.finish(),
            ratings: self.ratings.finish(),
            reward: self.reward.finish(),
            clock: self.clock.finish(),
        }
    }
}

/// The digest of a run, and what it is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunDigest {
    /// Over the three below; what names the run.
    pub(super) run: Sha256Digest,
    /// The table `run`, but for the digest itself.
    pub(super) header: Sha256Digest,
    /// Digests and names of the components.
    pub(super) components: Sha256Digest,
    /// The seals, by their tasks' keys.
    pub(super) tasks: Sha256Digest,
    /// How many seals.
    pub(super) count: u64,
}

impl RunDigest {
    pub(super) fn new(header: Sha256Digest, components: Sha256Digest, seals: Seals) -> Self {
        let count = seals.count;
        let tasks = seals.finish();
        let mut run = Hasher::new(RUN);
        for part in [&header, &components, &tasks] {
            run.value(ValueRef::Blob(part.bytes()));
        }
        Self { run: run.finish(), header, components, tasks, count }
    }
}

/// The digest over all seals while they are gone through.
pub(super) struct Seals {
    hasher: Hasher,
    count: u64,
}

impl Seals {
    pub(super) fn new() -> Self {
        Self { hasher: Hasher::new("seals"), count: 0 }
    }

    pub(super) fn add(&mut self, TaskKey(key): TaskKey, seal: &Seal) {
        self.hasher.integer(key);
        for (_, part) in seal.parts() {
            self.hasher.value(ValueRef::Blob(part.bytes()));
        }
        self.count += 1;
    }

    fn finish(self) -> Sha256Digest {
        self.hasher.finish()
    }
}

impl Tables<'_> {
    /// The seal of the task's rows as they are now.
    pub(super) fn seal_now(&self, TaskKey(key): TaskKey) -> Result<(Seal, u64), StoreError> {
        let mut seal = Sealing::new();
        let sql = format!("SELECT {TASK_COLUMNS} FROM tasks WHERE key = ?");
        self.hash("tasks", &sql, key, |row| seal.content.row(row, 1, None))?;
        if let Some(held) = self.principles_of(TaskKey(key))? {
            seal.principles(held);
        }
        let sql = format!("SELECT {SAMPLE_COLUMNS} FROM samples WHERE task = ? ORDER BY id");
        self.hash("samples", &sql, key, |row| seal.sample(row))?;
        let sql = format!("SELECT {RATING_COLUMNS} FROM ratings WHERE task = ? ORDER BY sample");
        self.hash("ratings", &sql, key, |row| seal.rating(row))?;
        let sql = format!("SELECT {REWARD_COLUMNS} FROM rewards WHERE task = ?");
        self.hash("rewards", &sql, key, |row| seal.reward.row(row, 1, None))?;
        let bytes = seal.bytes();
        Ok((seal.finish(), bytes))
    }

    fn hash(
        &self,
        table: &'static str,
        sql: &str,
        key: i64,
        mut take: impl FnMut(&Row<'_>) -> Result<(), rusqlite::Error>,
    ) -> Result<(), StoreError> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query([key]).map_err(|error| self.sqlite(&error))?;
        let at = |error| self.sqlite(&error).at(|| format!("table {table}, task {key}: a row"));
        while let Some(row) = rows.next().map_err(at)? {
            take(row).map_err(|error| self.sqlite(&error))?;
        }
        Ok(())
    }

    /// Seals the task as its rows are now.
    pub(super) fn insert_seal(&self, key: TaskKey) -> Result<(), StoreError> {
        let (seal, _) = self.seal_now(key)?;
        let sql = format!("INSERT INTO seals (task, {SEAL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)");
        let [content, principles, samples, ratings, reward, clock] =
            seal.parts().map(|(_, part)| part.bytes().as_slice());
        let values = params![key.0, content, principles, samples, ratings, reward, clock];
        self.prepare(&sql)?.execute(values).map(|_| ()).map_err(|error| self.sqlite(&error))
    }

    pub(super) fn delete_seal(&self, TaskKey(key): TaskKey) -> Result<(), StoreError> {
        let mut statement = self.prepare("DELETE FROM seals WHERE task = ?")?;
        statement.execute([key]).map(|_| ()).map_err(|error| self.sqlite(&error))
    }

    /// The seal that the task was given.
    pub(super) fn find_seal(&self, TaskKey(key): TaskKey) -> Result<Option<Seal>, StoreError> {
        let mut statement = self.prepare(&format!("SELECT {SEAL_COLUMNS} FROM seals WHERE task = ?"))?;
        let found = statement.query_row([key], |row| Ok(self.seal(row, 0, key))).optional();
        found.map_err(|error| self.sqlite(&error))?.transpose()
    }

    fn seal(&self, row: &Row<'_>, from: usize, task: i64) -> Result<Seal, StoreError> {
        let cells = Cells { tables: self, table: "seals", row, name: format!("task {task}") };
        let part = |index: usize, column: &'static str| {
            let bytes = cells.blob(from + index, column)?;
            let bytes: [u8; 32] = bytes
                .try_into()
                .map_err(|_| cells.error(column, format!("expected 32 bytes, found {}", bytes.len())))?;
            Ok(Sha256Digest::from_bytes(bytes))
        };
        Ok(Seal {
            content: part(0, "content")?,
            principles: part(1, "principles")?,
            samples: part(2, "samples")?,
            ratings: part(3, "ratings")?,
            reward: part(4, "reward")?,
            clock: part(5, "clock")?,
        })
    }

    /// The digest of the run as its seals say, without a look at the rows that they were made of.
    pub(super) fn digest_of_seals(&self) -> Result<RunDigest, StoreError> {
        let mut seals = Seals::new();
        let mut before = 0;
        self.each(&format!("SELECT task, {SEAL_COLUMNS} FROM seals ORDER BY task"), [], |row| {
            let key = self.ascending_key(row, "seals", before)?;
            before = key;
            seals.add(TaskKey(key), &self.seal(row, 1, key)?);
            Ok(())
        })?;
        Ok(RunDigest::new(self.digest_of_header()?, self.digest_of_components()?, seals))
    }

    pub(super) fn digest_of_header(&self) -> Result<Sha256Digest, StoreError> {
        let mut hasher = Hasher::new("run");
        self.each("SELECT key, value FROM run WHERE key <> 'digest' ORDER BY key", [], |row| {
            hasher.row(row, 0, None).map_err(|error| self.sqlite(&error))
        })?;
        Ok(hasher.finish())
    }

    pub(super) fn digest_of_components(&self) -> Result<Sha256Digest, StoreError> {
        let mut hasher = Hasher::new("components");
        self.each("SELECT digest, name FROM components ORDER BY digest", [], |row| {
            hasher.row(row, 0, None).map_err(|error| self.sqlite(&error))
        })?;
        Ok(hasher.finish())
    }

    /// The digest that the run was closed with; none while it is open, and after its process was killed.
    pub(super) fn closed_with(&self) -> Result<Option<RunDigest>, StoreError> {
        let Some(text) = self.header_value(DIGEST)? else { return Ok(None) };
        json::form(&text).map(Some).map_err(|message| self.wrong_header(DIGEST, message))
    }
}
