//! A row, what is wrong with one, and how long one may be.

use std::io::{BufRead, ErrorKind};

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line of a JSON lines file, blank ones counted; else which row it is. From 1.
    pub number: u64,
    /// The JSON text of the row. Rows of Parquet are objects without null fields; of the other forms this is what the
    /// file holds, not checked to be JSON.
    pub text: String,
}

/// What is wrong with one row; the rows after it can still be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {number}{}: {message}", column.as_ref().map(|name| format!(", column `{name}`")).unwrap_or_default())]
pub struct RowFault {
    /// As [`Row::number`].
    pub number: u64,
    /// The column at fault, if it is one.
    pub column: Option<String>,
    /// What was expected and what was found.
    pub message: String,
}

pub(super) type Stream = Box<dyn BufRead + Send>;

/// The most bytes of a row, as text: what a run keeps of a task. With all that is made of it, a row takes some ten times as
/// much memory.
pub const MOST_BYTES: u64 = 64 << 20;

/// Bytes of a row, or of blanks before one, after which the input is taken to have no end. A row that is too long is read over
/// so that the rows after it count; one of 1.5 GB has been seen.
pub(super) const ENDLESS_BYTES: u64 = 4 << 30;

/// The next byte, left where it is.
pub(super) fn peek(reader: &mut impl BufRead) -> std::io::Result<Option<u8>> {
    loop {
        match reader.fill_buf() {
            Ok(buffer) => return Ok(buffer.first().copied()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

pub(super) fn too_long(number: u64, length: u64) -> RowFault {
    let message = format!(
        "expected a row of at most {MOST_BYTES} bytes, found {length}; split it, or check that rows end with a line break"
    );
    RowFault { number, column: None, message }
}

/// Why reading ends in the middle of a row.
pub(super) fn endless(bytes: u64) -> std::io::Error {
    let message = format!(
        "a row, or the blanks before it, has more than {bytes} bytes; expected rows that end with a line break, or one array"
    );
    std::io::Error::other(message)
}

pub(super) fn row(number: u64, bytes: &[u8], unit: &str) -> Result<Row, RowFault> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Row { number, text: text.to_owned() }),
        Err(error) => {
            let at = error.valid_up_to() + 1;
            let message = format!("expected UTF-8, found something else at byte {at} of the {unit}");
            Err(RowFault { number, column: None, message })
        }
    }
}

/// What is wrong with a row that has too many bytes.
pub(super) fn too_long_text() -> String {
    format!("expected a row of at most {MOST_BYTES} bytes, found more; split it")
}
