//! What `verify` asks of a file as a whole: that SQLite finds it sound, that every row belongs to something, and that
//! components are what their digests say.

use rewarden_types::Sha256Digest;

use crate::bounds::ALL_COMPONENTS_BYTES;
use crate::cells::Cells;
use crate::change::Change;
use crate::columns::{COMPONENTS, PRINCIPLES, QUERIES, RATINGS, REWARDS, SAMPLES, SEALS, TASKS, Table};
use crate::error::StoreError;
use crate::foreign_text::shown;
use crate::tables::Tables;
use rewarden_record::TaskKey;

/// How many rows of one kind that belong to nothing are reported.
const TOLD: u32 = 5;

/// Rows of a table, with their keys, for which a row of another is missing.
const ORPHANS: [(Table, &str, &str); 7] = [
    (SAMPLES.only(&["task", "id"]), "task NOT IN (SELECT key FROM tasks)", "such task"),
    (
        RATINGS.only(&["task", "sample"]),
        "NOT EXISTS (SELECT 1 FROM samples WHERE samples.task = ratings.task AND samples.id = ratings.sample)",
        "such sample",
    ),
    (REWARDS.only(&["task"]), "task NOT IN (SELECT key FROM tasks)", "such task"),
    (QUERIES.only(&["task"]), "task NOT IN (SELECT key FROM tasks)", "such task"),
    (QUERIES.only(&["task"]), "query NOT IN (SELECT query FROM principles)", "row of its query in principles"),
    (PRINCIPLES.only(&["query"]), "query NOT IN (SELECT query FROM queries)", "task with this query"),
    (SEALS.only(&["task"]), "task NOT IN (SELECT key FROM tasks)", "such task"),
];

impl Tables<'_> {
    /// Has SQLite look at every page, index and declared type.
    pub(crate) fn check_pages(&self) -> Result<(), StoreError> {
        let mut damage = None;
        self.each("PRAGMA integrity_check(1)", [], |row| {
            let text: String = row.get(0).map_err(|error| self.sqlite(&error))?;
            damage = (text != "ok").then(|| text.lines().map(shown).collect::<Vec<_>>().join(" "));
            Ok(())
        })?;
        match damage {
            Some(message) => Err(StoreError::Damaged { path: self.path.to_owned(), message }),
            None => Ok(()),
        }
    }

    /// Reports rows that belong to nothing.
    pub(crate) fn orphans(&self, told: &mut impl FnMut(Change)) -> Result<(), StoreError> {
        for (table, condition, missing) in ORPHANS {
            if table.name == "seals" && !self.schema.is_sealed() {
                continue;
            }
            let sql = table.select(&format!("WHERE {condition} LIMIT {TOLD}"));
            self.each(&sql, [], |row| {
                let cells = Cells { tables: self, table, row, name: "a row that belongs to nothing".to_owned() };
                let mut names = Vec::new();
                for key in table.columns.iter().copied() {
                    names.push(match key {
                        "query" => format!("query {}", shown(cells.text(key)?)),
                        key => format!("{key} {}", cells.integer(key, i64::MIN..=i64::MAX)?),
                    });
                }
                told(Change::Orphan { table: table.name, row: names.join(", "), missing });
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Reports components that are not what their digests say, whether anything uses them or not.
    pub(crate) fn components(&self, told: &mut impl FnMut(Change)) -> Result<(), StoreError> {
        let mut bytes = 0_u64;
        self.each(&COMPONENTS.select("ORDER BY digest"), [], |row| {
            let cells = Cells { tables: self, table: COMPONENTS, row, name: "a component".to_owned() };
            let recorded = cells.text("digest")?.to_owned();
            let cells = Cells { name: format!("digest {}", shown(&recorded)), ..cells };
            let name = cells.text("name")?.to_owned();
            let wasm = cells.component()?;
            bytes = bytes.saturating_add(wasm.len() as u64);
            if bytes > ALL_COMPONENTS_BYTES {
                let message = format!("with the components before it has more than {ALL_COMPONENTS_BYTES} bytes");
                return Err(cells.error("wasm", message));
            }
            let found = Sha256Digest::of(&wasm);
            if found.to_string() != recorded {
                told(Change::Component { name, recorded, found });
            }
            Ok(())
        })
    }

    /// Returns the key and id of the first task after this one, and whether it has ended.
    pub(crate) fn next_task(&self, TaskKey(after): TaskKey) -> Result<Option<(TaskKey, String, bool)>, StoreError> {
        let sql = "SELECT key, id, EXISTS (SELECT 1 FROM rewards WHERE task = key) AS ended FROM tasks WHERE key > ? \
                   ORDER BY key LIMIT 1";
        let table = TASKS.only(&["key", "id", "ended"]);
        let mut found = None;
        self.each(sql, [after], |row| {
            let key = self.ascending_key(row, table, after)?;
            let cells = Cells { tables: self, table, row, name: format!("key {key}") };
            found = Some((TaskKey(key), cells.text("id")?.to_owned(), cells.integer("ended", 0..=1)? == 1));
            Ok(())
        })?;
        Ok(found)
    }

    /// Returns the first task after this one that has no seal.
    pub(crate) fn next_unsealed(&self, TaskKey(after): TaskKey) -> Result<Option<TaskKey>, StoreError> {
        let sql = "SELECT tasks.key FROM tasks LEFT JOIN seals ON seals.task = tasks.key \
                   WHERE tasks.key > ? AND seals.task IS NULL ORDER BY tasks.key LIMIT 1";
        let mut found = None;
        self.each(sql, [after], |row| {
            found = Some(TaskKey(self.ascending_key(row, TASKS.only(&["key"]), after)?));
            Ok(())
        })?;
        Ok(found)
    }
}
