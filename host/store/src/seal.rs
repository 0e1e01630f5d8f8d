//! Digests of a run's rows, by which a change shows: a seal for every task, and one digest over the whole run.
//!
//! What is hashed is written down in docs/runs.md, precisely enough to be computed by another program. Nothing of it depends
//! on how SQLite lays the rows out, nor a task's seal on the order in which tasks came.

use std::collections::BTreeMap;
use std::convert::Infallible;

use rewarden_record::TaskKey;
use rewarden_types::Sha256Digest;
use rusqlite::Row;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::columns::Table;

/// Names the encoding: another one would give other digests, and gets another name.
const RUN: &str = "rewarden run 3";

/// The key in the table `run` that the digest stands under while the run is closed.
pub(crate) const DIGEST: &str = "digest";

/// Bytes that are collected before they are hashed: a value takes ten and more calls otherwise.
const COLLECTED: usize = 4096;

/// Takes values in, each so that it cannot be mistaken for two others.
pub(crate) struct Hasher {
    sha: Sha256,
    collected: Vec<u8>,
}

impl Hasher {
    pub(crate) fn new(name: &str) -> Self {
        let mut hasher = Self { sha: Sha256::new(), collected: Vec::with_capacity(COLLECTED) };
        hasher.text(name);
        hasher
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.collected.len() + bytes.len() > COLLECTED {
            self.sha.update(&self.collected);
            self.collected.clear();
        }
        if bytes.len() > COLLECTED { self.sha.update(bytes) } else { self.collected.extend_from_slice(bytes) }
    }

    fn tagged(&mut self, tag: u8, eight: [u8; 8]) {
        self.add(&[tag]);
        self.add(&eight);
    }

    fn sized(&mut self, tag: u8, bytes: &[u8]) {
        self.tagged(tag, (bytes.len() as u64).to_be_bytes());
        self.add(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.sized(3, text.as_bytes());
    }

    pub(crate) fn integer(&mut self, number: i64) {
        self.tagged(1, number.to_be_bytes());
    }

    pub(crate) fn digest(&mut self, digest: &Sha256Digest) {
        self.sized(4, digest.bytes());
    }

    pub(crate) fn value(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.add(&[0]),
            ValueRef::Integer(number) => self.integer(number),
            // SQLite keeps whole numbers as integers, and so has one zero only; it has nothing for what is no number.
            ValueRef::Real(0.0) => self.tagged(2, 0.0_f64.to_be_bytes()),
            ValueRef::Real(number) if number.is_nan() => self.add(&[0]),
            ValueRef::Real(number) => self.tagged(2, number.to_be_bytes()),
            ValueRef::Text(bytes) => self.sized(3, bytes),
            ValueRef::Blob(bytes) => self.sized(4, bytes),
        }
    }

    pub(crate) fn finish(mut self) -> Sha256Digest {
        self.sha.update(&self.collected);
        Sha256Digest::from(self.sha)
    }
}

/// A row as a seal takes it in.
pub(crate) struct Sealed {
    /// Of its values but `task`, `key` and `seconds`.
    digest: Sha256Digest,
    /// Null where the table has no such column.
    seconds: Value,
    /// Bytes of its texts.
    bytes: u64,
}

impl Sealed {
    /// The values of a row by their columns, in the order of the table's. `task` and `key` are left out, since another file may have
    /// other keys, and `seconds`, which goes by itself.
    fn new<'a, E>(values: impl IntoIterator<Item = Result<(&'static str, ValueRef<'a>), E>>) -> Result<Self, E> {
        let mut hasher = Hasher::new("row");
        let mut sealed = Self { digest: Sha256Digest::from_bytes([0; 32]), seconds: Value::Null, bytes: 0 };
        for value in values {
            let (column, value) = value?;
            match column {
                "task" | "key" => continue,
                // Never a text in a row that can be read.
                "seconds" => {
                    sealed.seconds = Value::try_from(value).unwrap_or(Value::Null);
                    continue;
                }
                _ => {}
            }
            if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = value {
                sealed.bytes += bytes.len() as u64;
            }
            hasher.value(value);
        }
        sealed.digest = hasher.finish();
        Ok(sealed)
    }

    /// A row of [`Table::select`] that was read.
    pub(crate) fn read(row: &Row<'_>, table: Table) -> Result<Self, rusqlite::Error> {
        let columns = table.columns.iter().copied().enumerate();
        Self::new(columns.map(|(place, column)| Ok((column, row.get_ref(place)?))))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A row that is written.
    pub(crate) fn written(row: &[(&'static str, ToSqlOutput<'_>)]) -> Self {
        let values = row.iter().map(|(column, value)| {
            let value = match value {
                ToSqlOutput::Borrowed(value) => *value,
                ToSqlOutput::Owned(value) => value.into(),
                // There are no others without features of rusqlite that are not used here.
                _ => ValueRef::Null,
            };
            Ok::<_, Infallible>((*column, value))
        });
        let Ok(sealed) = Self::new(values);
        sealed
    }
}

/// The digests of one task's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) content: Sha256Digest,
    pub(crate) principles: Sha256Digest,
    pub(crate) samples: Sha256Digest,
    pub(crate) ratings: Sha256Digest,
    pub(crate) reward: Sha256Digest,
    pub(crate) clock: Sha256Digest,
}

impl Seal {
    pub(crate) fn parts(&self) -> [(&'static str, &Sha256Digest); 6] {
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
    pub(crate) fn changed(&self, now: &Self) -> Vec<&'static str> {
        let pairs = self.parts().into_iter().zip(now.parts());
        pairs.filter(|((_, then), (_, now))| then != now).map(|((table, _), _)| table).collect()
    }
}

/// A seal while the rows of its task are gone through: the task's own, its principles, samples by id, ratings by sample, the
/// reward.
pub(crate) struct Sealing {
    content: Hasher,
    principles: Hasher,
    samples: Hasher,
    ratings: Hasher,
    reward: Hasher,
    clock: Hasher,
    bytes: u64,
}

impl Sealing {
    pub(crate) fn new() -> Self {
        Self {
            content: Hasher::new("tasks"),
            principles: Hasher::new("principles"),
            samples: Hasher::new("samples"),
            ratings: Hasher::new("ratings"),
            reward: Hasher::new("rewards"),
            clock: Hasher::new("clock"),
            bytes: 0,
        }
    }

    pub(crate) fn content(&mut self, row: &Sealed) {
        self.content.digest(&row.digest);
        self.bytes += row.bytes;
    }

    /// Principles, and how many bytes were read for them.
    pub(crate) fn principles(&mut self, row: &Sealed, bytes: u64) {
        self.principles.digest(&row.digest);
        self.clock.text("principles");
        self.clock.value(ValueRef::from(&row.seconds));
        self.bytes += bytes;
    }

    pub(crate) fn sample(&mut self, id: i64, row: &Sealed) {
        self.samples.digest(&row.digest);
        self.timed("samples", id, row);
    }

    pub(crate) fn rating(&mut self, sample: i64, row: &Sealed) {
        self.ratings.digest(&row.digest);
        self.timed("ratings", sample, row);
    }

    fn timed(&mut self, table: &str, id: i64, row: &Sealed) {
        self.clock.text(table);
        self.clock.integer(id);
        self.clock.value(ValueRef::from(&row.seconds));
        self.bytes += row.bytes;
    }

    pub(crate) fn reward(&mut self, row: &Sealed) {
        self.reward.digest(&row.digest);
        self.bytes += row.bytes;
    }

    /// Bytes of texts that were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn finish(self) -> Seal {
        Seal {
            content: self.content.finish(),
            principles: self.principles.finish(),
            samples: self.samples.finish(),
            ratings: self.ratings.finish(),
            reward: self.reward.finish(),
            clock: self.clock.finish(),
        }
    }
}

/// The rows of a task that was begun in this process, as they were written: reading them again to seal it would cost five
/// times as much.
pub(crate) struct WrittenRows {
    pub(crate) content: Sealed,
    pub(crate) samples: BTreeMap<u32, Sealed>,
    pub(crate) ratings: BTreeMap<u32, Sealed>,
}

impl WrittenRows {
    pub(crate) fn new(content: Sealed) -> Self {
        Self { content, samples: BTreeMap::new(), ratings: BTreeMap::new() }
    }

    pub(crate) fn sample(&mut self, id: u32, row: Sealed) {
        self.samples.insert(id, row);
    }

    pub(crate) fn rating(&mut self, sample: u32, row: Sealed) {
        self.ratings.insert(sample, row);
    }
}

/// The digest of a run, and what it is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunDigest {
    /// Over the three below; what names the run.
    pub(crate) run: Sha256Digest,
    /// The table `run`, but for the digest itself.
    pub(crate) header: Sha256Digest,
    /// Digests and names of the components.
    pub(crate) components: Sha256Digest,
    /// The seals, by their tasks' keys.
    pub(crate) tasks: Sha256Digest,
    /// How many seals.
    pub(crate) count: u64,
}

impl RunDigest {
    pub(crate) fn new(header: Sha256Digest, components: Sha256Digest, seals: Seals) -> Self {
        let count = seals.count;
        let tasks = seals.finish();
        let mut run = Hasher::new(RUN);
        for part in [&header, &components, &tasks] {
            run.digest(part);
        }
        Self { run: run.finish(), header, components, tasks, count }
    }
}

/// The digest over all seals while they are gone through.
pub(crate) struct Seals {
    hasher: Hasher,
    count: u64,
}

impl Seals {
    pub(crate) fn new() -> Self {
        Self { hasher: Hasher::new("seals"), count: 0 }
    }

    pub(crate) fn add(&mut self, TaskKey(key): TaskKey, seal: &Seal) {
        self.hasher.integer(key);
        for (_, part) in seal.parts() {
            self.hasher.digest(part);
        }
        self.count += 1;
    }

    fn finish(self) -> Sha256Digest {
        self.hasher.finish()
    }
}
