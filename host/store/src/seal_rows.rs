//! Seals and digests as they are made of a run's rows, written, and read again.

use rewarden_record::TaskKey;
use rewarden_types::{Sha256Digest, strict_json as json};
use rusqlite::{OptionalExtension, Row, params};

use crate::cells::Cells;
use crate::columns::{COMPONENTS, RATINGS, RUN, SEALS, TASKS, Table};
use crate::error::StoreError;
use crate::seal::{DIGEST, Hasher, RunDigest, Seal, Sealed, Sealing, Seals, WrittenRows};
use crate::tables::Tables;

impl Tables<'_> {
    /// Returns the seal of the task's rows as they are now, and how many bytes their texts have.
    pub(crate) fn seal_now(&self, TaskKey(key): TaskKey) -> Result<(Seal, u64), StoreError> {
        let mut seal = Sealing::new();
        self.rows(TASKS, "WHERE key = ?", key, |row| {
            seal.content(&Sealed::read(row, TASKS)?);
            Ok(())
        })?;
        if let Some((held, bytes)) = self.principles_of(TaskKey(key))? {
            seal.principles(&held.sealed, bytes);
        }
        let (samples, rewards) = (self.schema.samples(), self.schema.rewards());
        self.rows(samples, "WHERE task = ? ORDER BY id", key, |row| {
            seal.sample(row.get("id")?, &Sealed::read(row, samples)?);
            Ok(())
        })?;
        self.rows(RATINGS, "WHERE task = ? ORDER BY sample", key, |row| {
            seal.rating(row.get("sample")?, &Sealed::read(row, RATINGS)?);
            Ok(())
        })?;
        self.rows(rewards, "WHERE task = ?", key, |row| {
            seal.reward(&Sealed::read(row, rewards)?);
            Ok(())
        })?;
        let bytes = seal.bytes();
        Ok((seal.finish(), bytes))
    }

    fn rows(
        &self,
        table: Table,
        condition: &str,
        key: i64,
        mut take: impl FnMut(&Row<'_>) -> Result<(), rusqlite::Error>,
    ) -> Result<(), StoreError> {
        let mut statement = self.prepare(&table.select(condition))?;
        let at = |error| self.sqlite(&error).at(|| format!("table {}, task {key}: a row", table.name));
        let mut rows = statement.query([key]).map_err(at)?;
        while let Some(row) = rows.next().map_err(at)? {
            take(row).map_err(at)?;
        }
        Ok(())
    }

    /// Seals the task as its rows are now.
    pub(crate) fn seal_task(&self, key: TaskKey) -> Result<(), StoreError> {
        let (seal, _) = self.seal_now(key)?;
        self.insert_seal(key, &seal)
    }

    /// Seals a task all of whose rows were written in this process.
    pub(crate) fn seal_written(&self, key: TaskKey, written: &WrittenRows, reward: &Sealed) -> Result<(), StoreError> {
        let mut seal = Sealing::new();
        seal.content(&written.content);
        if let Some((held, bytes)) = self.principles_of(key)? {
            seal.principles(&held.sealed, bytes);
        }
        for (id, row) in &written.samples {
            seal.sample(i64::from(*id), row);
        }
        for (sample, row) in &written.ratings {
            seal.rating(i64::from(*sample), row);
        }
        seal.reward(reward);
        self.insert_seal(key, &seal.finish())
    }

    fn insert_seal(&self, key: TaskKey, seal: &Seal) -> Result<(), StoreError> {
        let sql = format!("INSERT INTO {} ({}) VALUES (?, ?, ?, ?, ?, ?, ?)", SEALS.name, SEALS.columns.join(", "));
        let [content, principles, samples, ratings, reward, clock] =
            seal.parts().map(|(_, part)| part.bytes().as_slice());
        let values = params![key.0, content, principles, samples, ratings, reward, clock];
        self.prepare(&sql)?.execute(values).map(|_| ()).map_err(|error| self.sqlite(&error))
    }

    pub(crate) fn delete_seal(&self, TaskKey(key): TaskKey) -> Result<(), StoreError> {
        let mut statement = self.prepare("DELETE FROM seals WHERE task = ?")?;
        statement.execute([key]).map(|_| ()).map_err(|error| self.sqlite(&error))
    }

    /// Returns the seal that the task was given.
    pub(crate) fn find_seal(&self, TaskKey(key): TaskKey) -> Result<Option<Seal>, StoreError> {
        let mut statement = self.prepare(&SEALS.select("WHERE task = ?"))?;
        let found = statement.query_row([key], |row| Ok(self.seal(row, key))).optional();
        found.map_err(|error| self.sqlite(&error))?.transpose()
    }

    fn seal(&self, row: &Row<'_>, task: i64) -> Result<Seal, StoreError> {
        let cells = Cells { tables: self, table: SEALS, row, name: format!("task {task}") };
        let part = |column: &'static str| {
            let bytes = cells.blob(column)?;
            let bytes: [u8; 32] = bytes
                .try_into()
                .map_err(|_| cells.error(column, format!("expected 32 bytes, found {}", bytes.len())))?;
            Ok(Sha256Digest::from_bytes(bytes))
        };
        Ok(Seal {
            content: part("content")?,
            principles: part("principles")?,
            samples: part("samples")?,
            ratings: part("ratings")?,
            reward: part("reward")?,
            clock: part("clock")?,
        })
    }

    /// Returns the digest of the run by its seals, without a look at the rows that they were made of.
    pub(crate) fn digest_of_seals(&self) -> Result<RunDigest, StoreError> {
        let mut seals = Seals::new();
        let mut before = 0;
        self.each(&SEALS.select("ORDER BY task"), [], |row| {
            let key = self.ascending_key(row, SEALS, before)?;
            before = key;
            seals.add(TaskKey(key), &self.seal(row, key)?);
            Ok(())
        })?;
        Ok(RunDigest::new(self.digest_of_header()?, self.digest_of_components()?, seals))
    }

    pub(crate) fn digest_of_header(&self) -> Result<Sha256Digest, StoreError> {
        self.digest_of_rows("run", RUN, "WHERE key <> 'digest' ORDER BY key")
    }

    pub(crate) fn digest_of_components(&self) -> Result<Sha256Digest, StoreError> {
        self.digest_of_rows("components", COMPONENTS.only(&["digest", "name"]), "ORDER BY digest")
    }

    /// Returns a digest over all values of these rows; `name` goes into it first.
    fn digest_of_rows(&self, name: &str, table: Table, rest: &str) -> Result<Sha256Digest, StoreError> {
        let mut hasher = Hasher::new(name);
        self.each(&table.select(rest), [], |row| {
            for place in 0..table.columns.len() {
                hasher.value(row.get_ref(place).map_err(|error| self.sqlite(&error))?);
            }
            Ok(())
        })?;
        Ok(hasher.finish())
    }

    /// Returns the digest that the run was closed with; `None` while it is open, and after its process was killed.
    pub(crate) fn closed_with(&self) -> Result<Option<RunDigest>, StoreError> {
        let Some(text) = self.header_value(DIGEST)? else { return Ok(None) };
        json::form(&text).map(Some).map_err(|message| self.wrong_header(DIGEST, message))
    }
}
