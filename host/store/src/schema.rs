//! Opening a file and finding out whether it is a run, before anything in it is believed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use crate::bounds::{COMPONENT_BYTES, MOST_OBJECTS, ROW_BYTES};
use crate::columns::Schema;
use crate::error::StoreError;
use crate::shape::{self, SCHEMA, SCHEMA_VERSION};

/// The oldest schema that is read and gone on with. It has no seals, so its runs have no digest. Schema 1 was never released.
const OLDEST_SCHEMA: u32 = 2;

/// "RWDR"; what `file` and SQLite call the application id.
const APPLICATION_ID: u32 = 0x5257_4452;

/// How long to wait for another process that holds the database for a moment.
const PATIENCE: Duration = Duration::from_secs(5);

/// Steps of SQLite's machine between two looks at how many there were.
const STEPS_AT_ONCE: i32 = 10_000;
/// Steps that any file may take, and those for each byte of it. A row of a sound file has some sixty bytes at the least, and
/// `verify`, which does most, goes some six times through all rows, at a step or two for each of their columns.
const STEPS: u64 = 50_000_000;
const STEPS_PER_BYTE: u64 = 32;

/// How much of a promise a committed sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Survives the process; the newest may be lost when the machine itself stops, the file stays sound.
    Kept,
    /// Nobody will read it after this process.
    Scratch,
}

/// A database that is a run.
pub(crate) struct Opened {
    pub(crate) connection: Connection,
    pub(crate) schema: Schema,
}

/// Opens an existing run for reading; `None` if its creation was cut off before its first commit.
pub(crate) fn open_to_read(path: &Path) -> Result<Option<Opened>, StoreError> {
    check_file(path)?;
    let sqlite = |error: rusqlite::Error| StoreError::sqlite(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    harden(&connection).map_err(sqlite)?;
    let mut left = (STEPS + STEPS_PER_BYTE.saturating_mul(size(path))) / STEPS_AT_ONCE.unsigned_abs() as u64;
    let out_of_steps = move || match left.checked_sub(1) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    };
    connection.progress_handler(STEPS_AT_ONCE, Some(out_of_steps)).map_err(sqlite)?;
    connection.pragma_update(None, "query_only", true).map_err(sqlite)?;
    if is_unfinished(&connection).map_err(sqlite)? {
        return Ok(None);
    }
    let version = check_ids(&connection, path)?;
    shape::check(&connection, path, version)?;
    Ok(Some(Opened { connection, schema: Schema(version) }))
}

/// Opens a run for writing, or creates it if there is none. Also returns whether it was there.
pub(crate) fn open_to_write(path: &Path, durability: Durability) -> Result<(Opened, bool), StoreError> {
    check_beside(path)?;
    let sqlite = |error: rusqlite::Error| StoreError::sqlite(path, &error);
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(sqlite)?;
    harden(&connection).map_err(sqlite)?;
    // In a write-ahead log a commit is one append, and readers are never kept out.
    connection.pragma_update(None, "journal_mode", "wal").map_err(sqlite)?;
    let synchronous = if durability == Durability::Kept { "normal" } else { "off" };
    connection.pragma_update(None, "synchronous", synchronous).map_err(sqlite)?;
    let fresh = is_unfinished(&connection).map_err(sqlite)?;
    if fresh {
        let transaction = connection.transaction().map_err(sqlite)?;
        transaction.execute_batch(SCHEMA).map_err(sqlite)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(sqlite)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION).map_err(sqlite)?;
        transaction.commit().map_err(sqlite)?;
    }
    let version = check_ids(&connection, path)?;
    shape::check(&connection, path, version)?;
    Ok((Opened { connection, schema: Schema(version) }, !fresh))
}

/// Takes from SQLite what no run needs, before it has read anything of the file.
fn harden(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(PATIENCE)?;
    // No statement of the file's own schema is trusted, or run.
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        connection.set_db_config(setting, on)?;
    }
    for (limit, most) in [
        (Limit::SQLITE_LIMIT_LENGTH, i32::try_from(ROW_BYTES).unwrap_or(i32::MAX)),
        // The longest statement here, with the comments that a schema keeps, has 2 kB; all of the schema has 8.
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 64 << 10),
        // Samples have 24.
        (Limit::SQLITE_LIMIT_COLUMN, 64),
        (Limit::SQLITE_LIMIT_SCHEMA, MOST_OBJECTS),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 50),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 8),
        // A check of the whole file takes some two thousand instructions.
        (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 8),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 64),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, most)?;
    }
    // More than the statements that there are.
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "cell_size_check", true)
}

/// Does `work` while values may be as large as a component.
pub(crate) fn with_components<T>(connection: &Connection, work: impl FnOnce() -> T) -> Result<T, rusqlite::Error> {
    let before = connection.limit(Limit::SQLITE_LIMIT_LENGTH)?;
    let most = i32::try_from(COMPONENT_BYTES).unwrap_or(i32::MAX);
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, most)?;
    let done = work();
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, before)?;
    Ok(done)
}

/// A database without a single table and without an id: a run whose creation was cut off before its first commit.
fn is_unfinished(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(tables == 0 && id == 0)
}

/// A file that SQLite uses beside the database, which it finds by the database's real name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut name = real.into_os_string();
    name.push(ending);
    name.into()
}

/// Bytes of the run, with those that are not in its file yet.
pub(crate) fn size(path: &Path) -> u64 {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    size(path).saturating_add(size(&beside(path, "-wal")))
}

/// How a rollback journal begins, and how one ends that names a super-journal: a file elsewhere, which is deleted when the journal is rolled back.
const SUPER_JOURNAL: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Refuses files beside the run that would have SQLite write or delete another one: they may come from elsewhere with it.
fn check_beside(path: &Path) -> Result<(), StoreError> {
    for ending in ["-wal", "-shm", "-journal"] {
        let path = beside(path, ending);
        let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
        if !metadata.is_file() {
            return Err(StoreError::Beside { path, found: "is no regular file" });
        }
        if ending == "-journal" && metadata.len() >= 8 {
            let (mut start, mut end) = ([0; 8], [0; 8]);
            let read = File::open(&path).and_then(|mut file| {
                file.read_exact(&mut start)?;
                file.seek(SeekFrom::End(-8))?;
                file.read_exact(&mut end)
            });
            read.map_err(|error| StoreError::io(&path, &error))?;
            // Zeros begin one that was rolled back and kept.
            if start != SUPER_JOURNAL && start != [0; 8] {
                return Err(StoreError::Beside { path, found: "has the name of its journal and is none" });
            }
            if end == SUPER_JOURNAL {
                return Err(StoreError::Beside { path, found: "names another journal, which no run has" });
            }
        }
    }
    Ok(())
}

/// Looks at the file before SQLite does: for what can be told better from here.
fn check_file(path: &Path) -> Result<(), StoreError> {
    let metadata = std::fs::metadata(path).map_err(|error| StoreError::io(path, &error))?;
    if !metadata.is_file() {
        return Err(StoreError::NotSqlite { path: path.to_owned(), hint: Some(" (it is no regular file)".into()) });
    }
    check_beside(path)?;
    let mut head = Vec::new();
    let file = File::open(path).map_err(|error| StoreError::io(path, &error))?;
    file.take(100).read_to_end(&mut head).map_err(|error| StoreError::io(path, &error))?;
    if !head.starts_with(b"SQLite format 3\0") {
        let json = head.trim_ascii_start().starts_with(b"{");
        let hint = json.then(|| {
            " but looks like JSON; score it with `rewarden score`, or `rewarden import` recorded \
                                 completions into a run"
                .to_owned()
        });
        return Err(StoreError::NotSqlite { path: path.to_owned(), hint });
    }
    // Of the file format: page size at byte 16, pages of the database at byte 28, both big-endian. While a write-ahead log
    // exists, the file itself may rightly be shorter.
    let number = |at: usize, bytes: usize| {
        head.get(at..at + bytes)
            .map_or(0, |digits| digits.iter().fold(0_u64, |sum, &byte| (sum << 8) | u64::from(byte)))
    };
    let page = match number(16, 2) {
        1 => 65_536,
        size => size,
    };
    let promised = page * number(28, 4);
    if metadata.len() < promised.max(100) && !beside(path, "-wal").exists() {
        return Err(StoreError::Truncated {
            path: path.to_owned(),
            promised: promised.max(100),
            found: metadata.len(),
        });
    }
    Ok(())
}

/// The schema's version of what is a run by its ids.
fn check_ids(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let sqlite = |error: rusqlite::Error| StoreError::sqlite(path, &error);
    // Both are 32 bits of the file, which SQLite shows as signed.
    let pragma = |name| -> Result<u32, StoreError> {
        let number: i64 = connection.pragma_query_value(None, name, |row| row.get(0)).map_err(sqlite)?;
        Ok(u32::try_from(number & i64::from(u32::MAX)).unwrap_or(u32::MAX))
    };
    let found = pragma("application_id")?;
    if found != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned(), found, expected: APPLICATION_ID });
    }
    let encoding: String = connection.pragma_query_value(None, "encoding", |row| row.get(0)).map_err(sqlite)?;
    if encoding != "UTF-8" {
        return Err(StoreError::Shape { path: path.to_owned(), found: format!("texts in {encoding}") });
    }
    match pragma("user_version")? {
        found if found > SCHEMA_VERSION => {
            Err(StoreError::NewerSchema { path: path.to_owned(), found, known: SCHEMA_VERSION })
        }
        found if found < OLDEST_SCHEMA => Err(StoreError::UnknownSchema {
            path: path.to_owned(),
            found,
            oldest: OLDEST_SCHEMA,
            known: SCHEMA_VERSION,
        }),
        version => Ok(version),
    }
}
