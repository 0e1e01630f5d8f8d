//! Rows into a file or a stream.

mod destination;
mod parquet_table;
mod partial;

use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::Value;

use self::destination::Destination;
use self::parquet_table::ParquetTable;
pub use self::partial::partial_file;
use crate::column::Cell;
use crate::{Column, TableError};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON lines: an object a row with all columns in order, missing values as `null`.
    Jsonl,
    /// CSV after RFC 4180: a row of names, then the values; lists and JSON as their JSON text, flags as `true` and
    /// `false`. A missing value is empty, and so is an empty text.
    ///
    /// Texts are written as they are, also those that begin with `=`, `+`, `-` or `@`, since whoever reads the table
    /// wants what the model said. A spreadsheet may run such a text as a formula: import the columns as text there.
    Csv,
    /// Parquet with the columns' own types, compressed with zstd, in row groups of up to 32 MiB.
    Parquet,
}

/// A table that is being written. Memory is bounded whatever the number of rows.
///
/// What is written under a path goes to a temporary file beside it, which takes the path's place at
/// [`RowWriter::finish`]; without that, nothing is left and what was at the path stays.
pub struct RowWriter {
    name: String,
    columns: Vec<Column>,
    /// `None` once writing failed.
    sink: Option<Sink>,
    rows: u64,
}

enum Sink {
    Lines(BufWriter<Destination>),
    Csv(Box<csv::Writer<Destination>>),
    Parquet(Box<ParquetTable>),
}

impl RowWriter {
    /// Writes to the file at `path`, or to the pipe or device there.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub fn create(path: &Path, format: Format, columns: Vec<Column>) -> Result<Self, TableError> {
        Self::new(path.display().to_string(), Destination::create(path)?, format, columns)
    }

    /// Writes to a stream, such as standard output. `name` is what errors call it.
    ///
    /// # Errors
    /// The stream cannot be written.
    pub fn to_writer(
        name: impl Into<String>,
        writer: impl Write + Send + 'static,
        format: Format,
        columns: Vec<Column>,
    ) -> Result<Self, TableError> {
        Self::new(name.into(), Destination::Stream(Box::new(writer)), format, columns)
    }

    fn new(name: String, out: Destination, format: Format, columns: Vec<Column>) -> Result<Self, TableError> {
        let sink = Sink::new(out, format, &columns);
        let sink = sink.map_err(|error| TableError::Write { name: name.clone(), error })?;
        Ok(Self { name, columns, sink: Some(sink), rows: 0 })
    }

    /// Writes a row: a value for each column, in their order, `null` for a missing one.
    ///
    /// A float that is not finite has no [`Value`]: `json!(f64::NAN)` is `null`.
    ///
    /// # Errors
    /// [`TableError::Value`] and [`TableError::Width`] concern the row alone. After [`TableError::Write`] nothing more
    /// is written.
    pub fn write(&mut self, row: &[Value]) -> Result<(), TableError> {
        let number = self.rows + 1;
        if row.len() != self.columns.len() {
            return Err(TableError::Width { row: number, expected: self.columns.len(), found: row.len() });
        }
        let cells = self.columns.iter().zip(row).map(|(column, value)| column.cell(number, value));
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        let sink = self.sink.as_mut().ok_or_else(|| TableError::Stopped { name: self.name.clone() })?;
        if let Err(error) = sink.write(&self.columns, &cells) {
            self.sink = None;
            return Err(TableError::Write { name: self.name.clone(), error });
        }
        self.rows = number;
        Ok(())
    }

    /// Writes what is left, puts the file in its place, and says how many rows it has.
    ///
    /// # Errors
    /// [`TableError::Write`], or [`TableError::Stopped`] after it.
    pub fn finish(self) -> Result<u64, TableError> {
        let Some(sink) = self.sink else {
            return Err(TableError::Stopped { name: self.name });
        };
        let finished = sink.into_destination().and_then(Destination::finish);
        finished.map_err(|error| TableError::Write { name: self.name, error })?;
        Ok(self.rows)
    }
}

impl Sink {
    fn new(out: Destination, format: Format, columns: &[Column]) -> std::io::Result<Self> {
        Ok(match format {
            Format::Jsonl => Self::Lines(BufWriter::with_capacity(1 << 16, out)),
            Format::Csv => {
                let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
                writer.write_record(columns.iter().map(|column| column.name)).map_err(csv_io)?;
                Self::Csv(Box::new(writer))
            }
            Format::Parquet => Self::Parquet(Box::new(ParquetTable::new(out, columns)?)),
        })
    }

    fn write(&mut self, columns: &[Column], cells: &[Cell<'_>]) -> std::io::Result<()> {
        match self {
            Self::Lines(out) => write_line(out, columns, cells),
            Self::Csv(out) => {
                for cell in cells {
                    let written = match cell {
                        Cell::Null => out.write_field(""),
                        Cell::Text(text) => out.write_field(text),
                        other => out.write_field(serde_json::to_vec(other)?),
                    };
                    written.map_err(csv_io)?;
                }
                out.write_record(None::<&[u8]>).map_err(csv_io)
            }
            Self::Parquet(table) => table.write(cells),
        }
    }

    fn into_destination(self) -> std::io::Result<Destination> {
        match self {
            Self::Lines(out) => out.into_inner().map_err(std::io::IntoInnerError::into_error),
            Self::Csv(out) => out.into_inner().map_err(|error| error.into_error()),
            Self::Parquet(table) => table.into_destination(),
        }
    }
}

fn write_line(out: &mut impl Write, columns: &[Column], cells: &[Cell<'_>]) -> std::io::Result<()> {
    let mut before = b'{';
    for (column, cell) in columns.iter().zip(cells) {
        out.write_all(&[before])?;
        serde_json::to_writer(&mut *out, column.name)?;
        out.write_all(b":")?;
        serde_json::to_writer(&mut *out, cell)?;
        before = b',';
    }
    out.write_all(b"}\n")
}

/// The operating system's own error, if there is one.
fn csv_io(error: csv::Error) -> std::io::Error {
    let said = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        _ => std::io::Error::other(said),
    }
}
