//! Whether a file has the tables of a run and nothing else, before anything in it is read.
//!
//! A view in the place of a table, a trigger or a virtual table would be run by the statements that read a run; a generated
//! column or an index on an expression computes; another table is what nothing here vouches for. So every statement of the
//! file's schema must be one that this program writes.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::error::StoreError;
use crate::foreign_text::shown;

/// The schema that this version writes, and the newest that it reads.
pub const SCHEMA_VERSION: u32 = 5;

/// What marks a column that schemas before the fourth do not have.
const NEW_IN_4: &str = "-- new in 4";

/// All tables of a run.
pub(crate) const SCHEMA: &str = include_str!("schema.sql");

/// A table that a schema declares.
struct Declared {
    statement: Vec<String>,
    /// Whether SQLite makes an index of its own for it.
    indexed: bool,
}

/// The statements of a schema version. Schema 2 has no `seals`, which is not taken out here.
fn schema(version: u32) -> String {
    let known = |line: &&str| version >= 4 || !line.contains(NEW_IN_4);
    SCHEMA.lines().filter(known).flat_map(|line| [line, "\n"]).collect()
}

/// The tables of a schema version by name.
fn tables(version: u32) -> BTreeMap<String, Declared> {
    let mut tables = BTreeMap::new();
    for statement in tokens(&schema(version)).unwrap_or_default().split(|token| token == ";") {
        let Some(name) = statement.get(2) else { continue };
        if version < 3 && name == "seals" {
            continue;
        }
        let text = statement.join(" ");
        // A primary key of a table with row ids that is no alias of them, or another unique column, has an index.
        let indexed = !text.ends_with("WITHOUT ROWID")
            && (text.contains("TEXT PRIMARY KEY") || text.contains("UNIQUE") || text.contains(", PRIMARY KEY ("));
        tables.insert(name.clone(), Declared { statement: statement.to_vec(), indexed });
    }
    tables
}

/// Refuses a database whose schema is not exactly that of this version of runs.
pub(crate) fn check(connection: &Connection, path: &Path, version: u32) -> Result<(), StoreError> {
    let refuse = |found: String| Err(StoreError::Shape { path: path.to_owned(), found });
    let sqlite = |error: rusqlite::Error| StoreError::sqlite(path, &error);
    let mut missing = tables(version);
    let mut indices: Vec<String> = missing
        .iter()
        .filter(|(_, table)| table.indexed)
        .map(|(name, _)| format!("sqlite_autoindex_{name}_1"))
        .collect();
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type DESC";
    // Views and triggers come first: what stands in a table's place says more than that the table has another name.
    let mut statement = connection.prepare(sql).map_err(sqlite)?;
    let mut rows = statement.query([]).map_err(sqlite)?;
    while let Some(row) = rows.next().map_err(sqlite)? {
        let mut texts = Vec::new();
        for column in 0..4 {
            texts.push(match row.get_ref(column).map_err(sqlite)? {
                ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
                _ => None,
            });
        }
        let [Some(kind), Some(name), Some(of), sql] = texts.as_slice() else {
            return refuse("an entry without a name in its schema".to_owned());
        };
        let called = format!("`{}`", shown(name));
        match (kind.as_str(), sql) {
            ("table", Some(sql)) => match missing.remove(name) {
                Some(table) if tokens(sql).as_ref() == Some(&table.statement) && of == name => {}
                Some(_) => return refuse(format!("a table {called} that is declared otherwise")),
                None => return refuse(format!("a table {called}, which runs do not have")),
            },
            ("index", None) => match indices.iter().position(|known| known == name) {
                Some(at) => {
                    indices.remove(at);
                }
                None => return refuse(format!("an index {called}, which runs do not have")),
            },
            ("index", Some(_)) => return refuse(format!("an index {called}, which runs do not have")),
            ("view", _) if missing.contains_key(name) => {
                return refuse(format!("a view {called} where a table is expected"));
            }
            ("view", _) => return refuse(format!("a view {called}, which runs do not have")),
            ("trigger", _) => return refuse(format!("a trigger {called}, which runs do not have")),
            (kind, _) => return refuse(format!("an entry {called} of the kind `{}`", shown(kind))),
        }
    }
    match missing.keys().next().or(indices.first()) {
        Some(name) => refuse(format!("no `{name}`")),
        None => Ok(()),
    }
}

/// The words and signs of a statement, without comments and white space as SQLite knows them. `None` if there is a quoted
/// name or text: no statement of a run has one, and what is a comment would depend on it.
fn tokens(sql: &str) -> Option<Vec<String>> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = sql;
    while let Some(next) = rest.chars().next() {
        if rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with("/*") {
            rest = rest.split_once("*/").map_or("", |(_, after)| after);
        } else if matches!(next, ' ' | '\t' | '\n' | '\r' | '\x0c') {
            rest = rest.get(1..)?;
        } else if next.is_ascii_alphanumeric() || next == '_' {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(rest.get(..end)?.to_owned());
            rest = rest.get(end..)?;
        } else if matches!(next, '(' | ')' | ',' | ';') {
            tokens.push(next.to_string());
            rest = rest.get(1..)?;
        } else {
            return None;
        }
    }
    Some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(edit: &str) -> Result<(), String> {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        connection.execute_batch(edit).unwrap();
        check(&connection, Path::new("a.run"), SCHEMA_VERSION).map_err(|error| match error {
            StoreError::Shape { found, .. } => found,
            other => panic!("{other}"),
        })
    }

    #[test]
    fn the_schema_itself_passes_however_its_white_space_and_comments_are() {
        assert_eq!(checked(""), Ok(()));
        let terse: String = tokens(SCHEMA).unwrap().join(" ");
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(&terse.replace("seals (", "seals /* the digests */ (\n-- 'all'\n")).unwrap();
        assert_eq!(check(&connection, Path::new("a.run"), SCHEMA_VERSION), Ok(()));
    }

    #[test]
    fn a_schema_without_the_columns_of_the_fourth_is_that_of_earlier_ones_and_without_seals_that_of_the_second() {
        assert_eq!(checked("DROP TABLE seals"), Err("no `seals`".to_owned()));
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(&schema(3)).unwrap();
        assert_eq!(check(&connection, Path::new("a.run"), 3), Ok(()));
        assert!(check(&connection, Path::new("a.run"), 4).is_err());
        assert!(check(&connection, Path::new("a.run"), 2).is_err());
        connection.execute_batch("DROP TABLE seals").unwrap();
        assert_eq!(check(&connection, Path::new("a.run"), 2), Ok(()));
    }

    #[test]
    fn whatever_runs_do_not_have_is_named() {
        let kept = |name: &str| format!("DROP TABLE {name}; CREATE TABLE {name} ");
        let cases = [
            ("CREATE VIEW v AS SELECT 1", "a view `v`, which runs do not have"),
            (
                "ALTER TABLE rewards RENAME TO kept; CREATE VIEW rewards AS SELECT * FROM kept",
                "a view `rewards` where a table is expected",
            ),
            ("DROP TABLE rewards; CREATE VIEW rewards AS SELECT 1", "a view `rewards` where a table is expected"),
            (
                "CREATE TRIGGER t AFTER INSERT ON rewards BEGIN DELETE FROM tasks; END",
                "a trigger `t`, which runs do not have",
            ),
            ("CREATE INDEX i ON samples (seed)", "an index `i`, which runs do not have"),
            ("CREATE INDEX i ON samples (abs(seed))", "an index `i`, which runs do not have"),
            ("CREATE TABLE more (a)", "a table `more`, which runs do not have"),
            ("ANALYZE", "a table `sqlite_stat1`, which runs do not have"),
            ("CREATE VIRTUAL TABLE f USING fts5 (a)", "a table `f`, which runs do not have"),
            ("ALTER TABLE tasks ADD COLUMN more TEXT", "a table `tasks` that is declared otherwise"),
            ("CREATE TABLE \"a\u{1b}[31m\" (a)", "a table `a\\u{1b}[31m`, which runs do not have"),
            ("DROP TABLE ratings", "no `ratings`"),
        ];
        for (edit, told) in cases {
            assert_eq!(checked(edit), Err(told.to_owned()), "{edit}");
        }
        let declared = [
            kept("run") + "(key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)",
            kept("run") + "(key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL DEFAULT '--') WITHOUT ROWID",
            kept("run") + "(key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL CHECK (value <> 1)) WITHOUT ROWID",
            kept("run") + "(key TEXT PRIMARY KEY NOT NULL, value TEXT AS (key)) WITHOUT ROWID",
            kept("run") + "(key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID, STRICT",
        ];
        for edit in declared {
            assert_eq!(checked(&edit), Err("a table `run` that is declared otherwise".to_owned()), "{edit}");
        }
        let many: String = (0..100).map(|index| format!("CREATE TABLE m{index} (a);")).collect();
        assert!(checked(&many).is_err());
    }
}
