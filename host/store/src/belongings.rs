//! What `verify` asks of a file as a whole: that SQLite finds it sound, that every row belongs to something, and that
//! components are what their digests say.

use rewarden_types::Sha256Digest;

use crate::cells::{Cells, shown};
use crate::change::Change;
use crate::error::StoreError;
use crate::tables::Tables;
use rewarden_record::TaskKey;

/// Rows of one kind that belong to nothing and are told.
const TOLD: u32 = 5;

/// Rows of a table, with their keys, for which a row of another is missing.
const ORPHANS: [(&str, &[&str], &str, &str); 7] = [
    ("samples", &["task", "id"], "task NOT IN (SELECT key FROM tasks)", "such task"),
    (
        "ratings",
        &["task", "sample"],
        "NOT EXISTS (SELECT 1 FROM samples WHERE samples.task = ratings.task AND samples.id = ratings.sample)",
        "such sample",
    ),
    ("rewards", &["task"], "task NOT IN (SELECT key FROM tasks)", "such task"),
    ("queries", &["task"], "task NOT IN (SELECT key FROM tasks)", "such task"),
    ("queries", &["task"], "query NOT IN (SELECT query FROM principles)", "row of its query in principles"),
    ("principles", &["query"], "query NOT IN (SELECT query FROM queries)", "task with this query"),
    ("seals", &["task"], "task NOT IN (SELECT key FROM tasks)", "such task"),
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

    /// Tells rows that belong to nothing.
    pub(crate) fn orphans(&self, told: &mut impl FnMut(Change)) -> Result<(), StoreError> {
        for (table, keys, condition, missing) in ORPHANS {
            if table == "seals" && !self.sealed {
                continue;
            }
            let sql = format!("SELECT {} FROM {table} WHERE {condition} LIMIT {TOLD}", keys.join(", "));
            self.each(&sql, [], |row| {
                let cells = Cells { tables: self, table, row, name: "a row that belongs to nothing".to_owned() };
                let mut names = Vec::new();
                for (index, key) in keys.iter().copied().enumerate() {
                    names.push(match key {
                        "query" => format!("query {}", shown(cells.text(index, key)?)),
                        key => format!("{key} {}", cells.integer(index, key, i64::MIN..=i64::MAX)?),
                    });
                }
                told(Change::Orphan { table, row: names.join(", "), missing });
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Tells components that are not what their digests say, whether anything uses them or not.
    pub(crate) fn components(&self, told: &mut impl FnMut(Change)) -> Result<(), StoreError> {
        self.each("SELECT digest, name, wasm FROM components ORDER BY digest", [], |row| {
            let cells = Cells { tables: self, table: "components", row, name: "a component".to_owned() };
            let recorded = cells.text(0, "digest")?.to_owned();
            let cells = Cells { name: format!("digest {}", shown(&recorded)), ..cells };
            let (name, found) = (cells.text(1, "name")?.to_owned(), Sha256Digest::of(cells.blob(2, "wasm")?));
            if found.to_string() != recorded {
                told(Change::Component { name, recorded, found });
            }
            Ok(())
        })
    }

    /// The first task after this one: its key and id, and whether it has ended.
    pub(crate) fn next_task(&self, TaskKey(after): TaskKey) -> Result<Option<(TaskKey, String, bool)>, StoreError> {
        let sql = "SELECT key, id, EXISTS (SELECT 1 FROM rewards WHERE task = key) FROM tasks WHERE key > ? \
                   ORDER BY key LIMIT 1";
        let mut found = None;
        self.each(sql, [after], |row| {
            let key = self.ascending_key(row, "tasks", after)?;
            let cells = Cells { tables: self, table: "tasks", row, name: format!("key {key}") };
            found = Some((TaskKey(key), cells.text(1, "id")?.to_owned(), cells.integer(2, "key", 0..=1)? == 1));
            Ok(())
        })?;
        Ok(found)
    }

    /// The first task after this one that has no seal.
    pub(crate) fn next_unsealed(&self, TaskKey(after): TaskKey) -> Result<Option<TaskKey>, StoreError> {
        let sql = "SELECT tasks.key FROM tasks LEFT JOIN seals ON seals.task = tasks.key \
                   WHERE tasks.key > ? AND seals.task IS NULL ORDER BY tasks.key LIMIT 1";
        let mut found = None;
        self.each(sql, [after], |row| {
            found = Some(TaskKey(self.ascending_key(row, "tasks", after)?));
            Ok(())
        })?;
        Ok(found)
    }
}
