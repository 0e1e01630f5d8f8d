//! What can go wrong with a run's file.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::bounds::{MOST_OBJECTS, ROW_BYTES};
use crate::change::Change;
use rewarden_record::Difference;

/// Why a run cannot be read or written. What was committed before stays as it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// There is no such file.
    #[error(
        "there is no run at {path}; expected a file that `rewarden score --run`, `replay --run` or `import --run` made"
    )]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// There is not even the directory.
    #[error("there is no directory {directory} for {path}; make it, or give another path")]
    NoDirectory {
        /// The path.
        path: PathBuf,
        /// The directory.
        directory: PathBuf,
    },
    /// A file, but no SQLite database.
    #[error("{path} is not a run: it is no SQLite database{}", hint.as_deref().unwrap_or_default())]
    NotSqlite {
        /// The file.
        path: PathBuf,
        /// What it may be instead.
        hint: Option<String>,
    },
    /// A database of some other program.
    #[error(
        "{path} is an SQLite database, but not a run of Rewarden (application id {found:#x}, expected {expected:#x})"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its application id.
        found: u32,
        /// That of a run.
        expected: u32,
    },
    /// A run of a later version of Rewarden.
    #[error(
        "{path} has schema {found}; this rewarden reads up to {known}: use the version that made it, or a newer one"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// A run of a schema that no released version wrote.
    #[error("{path} has schema {found}; this rewarden reads {oldest} to {known}")]
    UnknownSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The oldest that is known here.
        oldest: u32,
        /// The newest.
        known: u32,
    },
    /// A database that has not exactly the tables of a run.
    #[error(
        "{path}: the run has {found}; a run has the tables that rewarden makes and nothing else: take what was added away, \
         or get the run anew from where it came from"
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is there, or not there.
        found: String,
    },
    /// A file that SQLite would use beside the run is not what it should be.
    #[error("{path} lies beside the run and {found}; move it away")]
    Beside {
        /// The other file.
        path: PathBuf,
        /// What is wrong with it.
        found: &'static str,
    },
    /// Rows are not those that were sealed.
    #[error("{path}: {change}; `rewarden verify` tells all changes, get the run anew from where it came from")]
    Changed {
        /// The file.
        path: PathBuf,
        /// The first change that was found.
        change: Box<Change>,
    },
    /// A task that is too large to be kept.
    #[error("{what} has more than {most}, the most that a run ({path}) holds of one; make it smaller")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
        /// The limit.
        most: String,
    },
    /// A row that is larger than any that is written.
    #[error(
        "{path}: {place} has more than {ROW_BYTES} bytes, the most that a run holds of one; the run was changed by another program"
    )]
    LargeRow {
        /// The file.
        path: PathBuf,
        /// Where it is.
        place: String,
    },
    /// A task that holds more than the file can have room for, or more than can be worked on.
    #[error("{path}: what it holds of task {task} takes more than {most} bytes, the most that one task may take")]
    Crowded {
        /// The file.
        path: PathBuf,
        /// The task's key.
        task: i64,
        /// The limit.
        most: u64,
    },
    /// Reading does not come to an end.
    #[error("{path} is damaged: reading it takes more work than a sound file of its size ever does")]
    Endless {
        /// The file.
        path: PathBuf,
    },
    /// A file that was cut off.
    #[error(
        "{path} is cut off: its header promises {promised} bytes, {found} are there; copy it again from where it came \
         from (with its -wal file, if one lies beside it)"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that the header promises.
        promised: u64,
        /// Bytes there.
        found: u64,
    },
    /// A run whose creation was cut off.
    #[error(
        "{path} holds nothing yet: the process that made it ended before its first sample; start its command again"
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A database that SQLite calls damaged.
    #[error("{path} is damaged: {message}; `sqlite3 {path} .recover` may save what is readable")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        message: String,
    },
    /// A value that no version of this schema writes.
    #[error("{path}: table {table}, {row}, column `{column}`: {message}; the run was changed by another program")]
    Value {
        /// The file.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// The row, in words.
        row: String,
        /// The column.
        column: &'static str,
        /// What was expected and found.
        message: String,
    },
    /// The disk is full.
    #[error("no space is left to write {path}; what was committed is kept: make room and start the same command again")]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// Another process writes the run.
    #[error("{path} is being written by another process; wait for it, or give another --run")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The run was made by another pack, model or sampling.
    #[error(
        "{path} was made otherwise, and a run is of one kind; give another --run, or the same command:\n{}",
        differences.iter().map(difference).collect::<Vec<_>>().join("\n")
    )]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What differs: `here` is the run's value, `there` the command's.
        differences: Vec<Difference>,
    },
    /// The run holds a task of the same id with another content.
    #[error("task `{id}` is in {path} already, with other {field}; give it another id, or the run another file")]
    TaskChanged {
        /// The file.
        path: PathBuf,
        /// The task.
        id: String,
        /// What differs.
        field: &'static str,
    },
    /// Anything else that SQLite or the file system says.
    #[error("{path}: {message}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was said.
        message: String,
    },
}

impl StoreError {
    pub(crate) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let message = error.to_string();
        match error.sqlite_error_code() {
            // Has no code of its own, and stands before others.
            _ if message.starts_with("too many schema objects") => {
                Self::Shape { path, found: format!("more than {MOST_OBJECTS} tables, indices, views and triggers") }
            }
            Some(ErrorCode::NotADatabase) => Self::NotSqlite { path, hint: None },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, message },
            Some(ErrorCode::OperationInterrupted) => Self::Endless { path },
            Some(ErrorCode::TooBig) => Self::LargeRow { path, place: "a row".to_owned() },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => Self::Io { path, message },
        }
    }

    /// Says where the row is that is too large to be read.
    pub(crate) fn at(self, place: impl FnOnce() -> String) -> Self {
        match self {
            Self::LargeRow { path, .. } => Self::LargeRow { path, place: place() },
            other => other,
        }
    }

    /// Says what it is that is too large to be written.
    pub(crate) fn writing(self, what: impl FnOnce() -> String) -> Self {
        match self {
            Self::LargeRow { path, .. } => Self::TooLarge { path, what: what(), most: format!("{ROW_BYTES} bytes") },
            other => other,
        }
    }

    pub(crate) fn io(path: &Path, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound if path.parent().is_some_and(is_missing) => {
                Self::NoDirectory { path: path.to_owned(), directory: path.parent().unwrap_or(path).to_owned() }
            }
            std::io::ErrorKind::NotFound => Self::Missing { path: path.to_owned() },
            std::io::ErrorKind::StorageFull => Self::DiskFull { path: path.to_owned() },
            _ => Self::Io { path: path.to_owned(), message: error.to_string() },
        }
    }
}

/// Returns whether a directory is not there; a path without one is in the working directory.
fn is_missing(directory: &Path) -> bool {
    !directory.as_os_str().is_empty() && !directory.exists()
}

fn difference(difference: &Difference) -> String {
    let show = |value: &Option<serde_json::Value>| value.as_ref().map_or("nothing".to_owned(), ToString::to_string);
    format!("  {}: the run has {}, the command {}", difference.path, show(&difference.here), show(&difference.there))
}
