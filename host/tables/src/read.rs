//! Rows from a file or a stream, whatever form it has.

mod bounds;
mod elements;
mod footer;
mod json_cell;
mod levels;
mod lines;
mod parquet_rows;
mod row;
mod thrift;

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, ErrorKind, Read};
use std::path::Path;

use self::elements::Elements;
use self::lines::{LineReader, count_rows};
use self::parquet_rows::ParquetRows;
pub use self::row::{MOST_BYTES, Row, RowFault};
use self::row::{Stream, endless, peek};
use crate::TableError;

/// An open table. At most one row of JSON is in memory, or a batch of a Parquet file: 256 rows or some 32 MiB.
///
/// The form is told by what the file holds, not by its name: Parquet starts with `PAR1` and a JSON array with `[`;
/// anything else is JSON lines, of which blank ones are skipped. A byte order mark before JSON is allowed.
pub struct RowReader {
    source: Source,
    rows: Option<u64>,
}

enum Source {
    LineReader(LineReader),
    Elements(Elements),
    Parquet(Box<ParquetRows>),
}

const PARQUET_MAGIC: &[u8] = b"PAR1";
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl RowReader {
    /// Opens the file at `path`; a pipe is read as [`RowReader::from_reader`] does.
    ///
    /// # Errors
    /// There is no file, it cannot be read, or it is a Parquet file that is damaged, or packed or typed in a way that
    /// cannot be read.
    pub fn open(path: &Path) -> Result<Self, TableError> {
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => TableError::NotFound { path: path.to_owned() },
            _ => TableError::Open { path: path.to_owned(), error },
        };
        let open = || File::open(path).map_err(failed);
        // Asked before opening: some systems do not open a directory at all.
        let metadata = path.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(TableError::Directory { path: path.to_owned() });
        }
        let name = path.display().to_string();
        if !metadata.is_file() {
            return Self::from_reader(name, BufReader::new(open()?));
        }
        let mut magic = Vec::new();
        let read = |error| TableError::Read { name: name.clone(), after: 0, error };
        open()?.take(PARQUET_MAGIC.len() as u64).read_to_end(&mut magic).map_err(read)?;
        if magic == PARQUET_MAGIC {
            let (rows, count) = ParquetRows::open(path, open()?)?;
            return Ok(Self { source: Source::Parquet(Box::new(rows)), rows: Some(count) });
        }
        let mut reader = Self::from_reader(name.clone(), BufReader::with_capacity(1 << 16, open()?))?;
        if let Source::LineReader(_) = reader.source {
            reader.rows = Some(count_rows(open()?).map_err(read)?);
        }
        Ok(reader)
    }

    /// Reads JSON lines or a JSON array from a stream, such as standard input. `name` is what errors call it.
    ///
    /// # Errors
    /// The stream cannot be read, or holds Parquet.
    pub fn from_reader(name: impl Into<String>, reader: impl BufRead + Send + 'static) -> Result<Self, TableError> {
        let name = name.into();
        let source = stream_source(name, Box::new(reader))?;
        Ok(Self { source, rows: None })
    }

    /// Returns the number of rows if it is known before they are read: for Parquet, and for JSON lines on a disk.
    pub fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// The next row, or `None` at the end. The inner error is the row's, and the next call goes on after it.
    ///
    /// # Errors
    /// The outer error is the file's, and final: the file cannot be read any further.
    pub fn next_row(&mut self) -> Result<Option<Result<Row, RowFault>>, TableError> {
        match &mut self.source {
            Source::LineReader(lines) => lines.next_row(),
            Source::Elements(elements) => elements.next_row(),
            Source::Parquet(rows) => rows.next_row(),
        }
    }
}

/// Looks past what may precede the first row to tell lines from an array.
fn stream_source(name: String, mut reader: Stream) -> Result<Source, TableError> {
    let failed = |error| TableError::Read { name: name.clone(), after: 0, error };
    let mut head = Vec::new();
    reader.by_ref().take(PARQUET_MAGIC.len() as u64).read_to_end(&mut head).map_err(failed)?;
    if head == PARQUET_MAGIC {
        return Err(TableError::ParquetPipe { name });
    }
    let head = head.strip_prefix(BYTE_ORDER_MARK).map(<[u8]>::to_vec).unwrap_or(head);
    let mut reader = Cursor::new(head).chain(reader);
    // The indent is put back, so that a position in the first row is that in the file.
    let (mut blank_lines, mut indent) = (0, Vec::new());
    while let Some(byte) = peek(&mut reader).map_err(failed)? {
        match byte {
            b'[' => {
                reader.consume(1);
                return Ok(Source::Elements(Elements::new(name, Box::new(reader))));
            }
            b'\n' => {
                blank_lines += 1;
                indent.clear();
            }
            _ if indent.len() as u64 >= MOST_BYTES => return Err(failed(endless(MOST_BYTES))),
            byte if byte.is_ascii_whitespace() => indent.push(byte),
            _ => break,
        }
        reader.consume(1);
    }
    Ok(Source::LineReader(LineReader::new(name, Box::new(Cursor::new(indent).chain(reader)), blank_lines)))
}
