//! What can go wrong with a file of rows.

use std::io::{Error, ErrorKind};
use std::path::PathBuf;

/// Why a table cannot be read or written. All are final, but for [`TableError::Value`] and [`TableError::Width`],
/// after which the writer is as it was before the row.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// There is no such file.
    #[error("{} does not exist; expected a file of rows (JSON lines, a JSON array or Parquet)", path.display())]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// A directory stands where a file was expected.
    #[error("{} is a directory; expected a file", path.display())]
    Directory {
        /// The path.
        path: PathBuf,
    },
    /// The operating system does not open the file.
    #[error("cannot open {}: {error}", path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// What the operating system says.
        error: Error,
    },
    /// Reading broke off.
    #[error("cannot read {name} any further, after {}: {error}", place(*after))]
    Read {
        /// The file, or what was given as its name.
        name: String,
        /// The last line or row that was read, 0 for none.
        after: u64,
        /// What the operating system says.
        error: Error,
    },
    /// Parquet where no file can be searched: its index stands at the end.
    #[error("{name} holds Parquet, which cannot be read from a pipe; save it as a file and give that file's path")]
    ParquetPipe {
        /// What was given as the name of the input.
        name: String,
    },
    /// A Parquet file that is cut off or damaged.
    #[error(
        "{} is no whole Parquet file: {found} (after {}); copy or write it again from where it came from",
        path.display(), place(*after)
    )]
    CorruptParquet {
        /// The file.
        path: PathBuf,
        /// The last row that was read, 0 for none.
        after: u64,
        /// What is wrong with it.
        found: String,
    },
    /// A Parquet file that may be sound and has more columns, levels or row groups than are read.
    #[error("{}: {found}", path.display())]
    Beyond {
        /// The file.
        path: PathBuf,
        /// What it has, what is allowed, and what to do.
        found: String,
    },
    /// A Parquet file packed in a way that this build does not unpack.
    #[error(
        "{}: column `{column}` is compressed with {codec}; expected none, SNAPPY or ZSTD: write the file again with \
         one of these",
        path.display()
    )]
    Compression {
        /// The file.
        path: PathBuf,
        /// The column, with dots between the levels of nesting.
        column: String,
        /// Its codec.
        codec: String,
    },
    /// A Parquet file that would take more memory than a table may.
    #[error("{}: column `{column}` is too large: {found}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The column that takes the most, with dots between the levels of nesting.
        column: String,
        /// What it has, what is allowed, and what to do.
        found: String,
    },
    /// A Parquet column whose type has no counterpart in JSON.
    #[error(
        "{}: column `{column}` has type {found}; expected text, numbers, booleans, dates or times, or lists, structs \
         and text-keyed maps of these: convert the column or leave it out",
        path.display()
    )]
    UnsupportedColumn {
        /// The file.
        path: PathBuf,
        /// The column; `.` goes into a struct, `[]` into a list and `{}` into a map.
        column: String,
        /// Its type, in Arrow's words.
        found: String,
    },
    /// A JSON array that is cut off or whose elements are not separated as they should be.
    #[error("the JSON array in {name} breaks off after {}: expected {expected}, found {found}", place(*after))]
    BrokenArray {
        /// The file, or what was given as its name.
        name: String,
        /// The last element that was read, 0 for none.
        after: u64,
        /// What should follow there.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// A value that does not fit its column. Nothing of its row is written.
    #[error("row {row}, column `{column}`: expected {expected}, found {found}")]
    Value {
        /// The row, from 1.
        row: u64,
        /// The column.
        column: &'static str,
        /// What fits the column.
        expected: String,
        /// The value, shortened.
        found: String,
    },
    /// A row with too few or too many values. Nothing of it is written.
    #[error("row {row}: expected {expected} values, one for each column, found {found}")]
    Width {
        /// The row, from 1.
        row: u64,
        /// How many columns there are.
        expected: usize,
        /// How many values.
        found: usize,
    },
    /// The file cannot be made.
    #[error("cannot create {}: {error}", path.display())]
    Create {
        /// The path.
        path: PathBuf,
        /// What the operating system says.
        error: Error,
    },
    /// Writing failed. Of a regular file nothing is left, and what had its name before is still there.
    #[error("cannot write {name}: {error}{}", remedy(error))]
    Write {
        /// The file, or what was given as its name.
        name: String,
        /// What the operating system or the format's encoder says.
        error: Error,
    },
    /// The writer was used after it had failed.
    #[error("{name} is not written any further, since writing it failed before; start it again")]
    Stopped {
        /// The file, or what was given as its name.
        name: String,
    },
}

fn place(after: u64) -> String {
    if after == 0 { "its start".to_owned() } else { format!("row {after}") }
}

fn remedy(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; make room, or write to another disk",
        _ => "",
    }
}
