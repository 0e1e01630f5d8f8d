//! Rows of a Parquet file, a small batch at a time.

use std::any::Any;
use std::cell::Cell;
use std::fs::File;
use std::io::{Error, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;

use super::bounds::{RowRefusal, batch_rows};
use super::footer::{self, Unfit};
use super::json_cell::{JsonCell, unsupported};
use super::row::{MOST_BYTES, Row, RowFault, too_long_text};
use crate::TableError;

pub(super) struct ParquetRows {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
    /// The next row group, and how many rows there are before it.
    group: usize,
    before: u64,
    reader: Option<ParquetRecordBatchReader>,
    batch: Option<RecordBatch>,
    /// The next row of the batch.
    at: usize,
    number: u64,
    /// As the file's footer has it.
    rows: u64,
}

impl ParquetRows {
    /// Opens `file`, and says how many rows it has.
    pub(super) fn open(path: &Path, file: File) -> Result<(Self, u64), TableError> {
        let corrupt = |found| TableError::CorruptParquet { path: path.to_owned(), after: 0, found };
        footer::check(&file).map_err(|unfit| match unfit {
            Unfit::Damaged(found) => corrupt(found),
            Unfit::Beyond(found) => TableError::Beyond { path: path.to_owned(), found },
        })?;
        // Without the schema that Arrow may have put there, since Parquet's own types are fewer and plainer.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = decoded(|| ArrowReaderMetadata::load(&file, options.clone())).map_err(corrupt)?;
        if let Some((column, codec)) = packed(metadata.metadata()) {
            return Err(TableError::Compression { path: path.to_owned(), column, codec });
        }
        for field in metadata.schema().fields() {
            if let Some((column, found)) = unsupported(field.name().clone(), field.data_type()) {
                return Err(TableError::UnsupportedColumn { path: path.to_owned(), column, found });
            }
        }
        let rows = metadata.metadata().file_metadata().num_rows();
        let rows = u64::try_from(rows).map_err(|_| corrupt(format!("it claims to have {rows} rows")))?;
        let length = file.metadata().map_err(|error| corrupt(error.to_string()))?.len();
        let columns = metadata.metadata().row_groups().iter().flat_map(|group| group.columns());
        let packed = columns.map(|column| u64::try_from(column.compressed_size()).unwrap_or(u64::MAX));
        if packed.fold(0, u64::saturating_add) > length {
            return Err(corrupt("its columns share bytes with each other".to_owned()));
        }
        let fields = metadata.schema().fields().iter().map(viewed).collect::<Vec<_>>();
        let options = options.with_schema(Arc::new(Schema::new(fields)));
        let metadata =
            decoded(|| ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)).map_err(corrupt)?;
        let (reader, batch) = (None, None);
        let path = path.to_owned();
        Ok((Self { path, file, metadata, group: 0, before: 0, reader, batch, at: 0, number: 0, rows }, rows))
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Result<Row, RowFault>>, TableError> {
        loop {
            if let Some(batch) = &self.batch
                && self.at < batch.num_rows()
            {
                self.number += 1;
                self.at += 1;
                return Ok(Some(row(self.number, batch, self.at - 1)));
            }
            // Given back before the next one is made.
            self.batch = None;
            let Some(reader) = &mut self.reader else {
                if !self.open_group()? {
                    return Ok(None);
                }
                continue;
            };
            match decoded(|| reader.next().transpose()) {
                Ok(None) => self.reader = None,
                Ok(Some(batch)) => (self.batch, self.at) = (Some(batch), 0),
                Err(found) => return Err(self.corrupt(found)),
            }
        }
    }

    /// Begins the next row group, if there is one.
    fn open_group(&mut self) -> Result<bool, TableError> {
        let metadata = Arc::clone(self.metadata.metadata());
        if self.number != self.before {
            return Err(self.corrupt(format!("row group {} promises other rows than it has", self.group)));
        }
        let Some(group) = metadata.row_groups().get(self.group) else {
            if self.number == self.rows {
                return Ok(false);
            }
            return Err(self.corrupt(format!("its footer promises {} rows", self.rows)));
        };
        let size = match decoded(|| Ok::<_, String>(batch_rows(&self.file, group, self.before))) {
            Ok(Ok(size)) => size,
            Ok(Err(RowRefusal::TooLarge { column, found })) => {
                return Err(TableError::TooLarge { path: self.path.clone(), column, found });
            }
            Ok(Err(RowRefusal::Damaged(found))) | Err(found) => return Err(self.corrupt(found)),
        };
        let rows = u64::try_from(group.num_rows())
            .map_err(|_| self.corrupt(format!("it claims to have {} rows", group.num_rows())))?;
        let file = self.file.try_clone().map_err(|error| self.corrupt(error.to_string()))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let reader = decoded(|| builder.with_row_groups(vec![self.group]).with_batch_size(size).build());
        self.reader = Some(reader.map_err(|found| self.corrupt(found))?);
        self.group += 1;
        self.before = self.before.saturating_add(rows);
        Ok(true)
    }

    fn corrupt(&self, found: String) -> TableError {
        TableError::CorruptParquet { path: self.path.clone(), after: self.number, found }
    }
}

/// What `step` gives. The decoder panics where offsets in a damaged file make no sense; to the caller this is damage
/// like any other, after which nothing more is decoded.
fn decoded<T, E: ToString>(step: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    quiet_while_decoding();
    DECODING.set(true);
    let stepped = catch_unwind(AssertUnwindSafe(step));
    DECODING.set(false);
    match stepped {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("its decoder gave up: {}", said(&*panic))),
    }
}

thread_local! {
    /// Whether this thread is in the decoder. Its panics are reported as damage, and nowhere else.
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps the text of a panic in the decoder from standard error. All other panics are printed as before.
fn quiet_while_decoding() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !DECODING.get() {
                tell(panic);
            }
        }));
    });
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given")
}

/// The same field with views of texts: a text of a dictionary is then not copied for each row that has it.
fn viewed(field: &FieldRef) -> FieldRef {
    let inner = |field: &FieldRef| viewed(field);
    let data_type = match field.data_type() {
        DataType::Utf8 => DataType::Utf8View,
        DataType::List(item) => DataType::List(inner(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        other => other.clone(),
    };
    Arc::new(Field::clone(field).with_data_type(data_type))
}

fn row(number: u64, batch: &RecordBatch, index: usize) -> Result<Row, RowFault> {
    let mut text = Text(b"{".to_vec());
    for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let cell = JsonCell { array, index };
        if cell.is_absent() {
            continue;
        }
        let fault = |error: serde_json::Error| RowFault {
            number,
            column: Some(field.name().clone()),
            message: error.to_string(),
        };
        if text.0.len() > 1 {
            text.0.push(b',');
        }
        serde_json::to_writer(&mut text, field.name()).map_err(fault)?;
        text.0.push(b':');
        serde_json::to_writer(&mut text, &cell).map_err(fault)?;
    }
    text.0.push(b'}');
    super::row::row(number, &text.0, "row")
}

/// The text of a row, no longer than one may be.
struct Text(Vec<u8>);

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if (self.0.len() + bytes.len()) as u64 > MOST_BYTES {
            return Err(Error::other(too_long_text()));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The first column whose codec is not compiled in, and the codec.
fn packed(metadata: &ParquetMetaData) -> Option<(String, String)> {
    let mut columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    let column = columns.find(|column| {
        !matches!(column.compression(), Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_))
    })?;
    let codec = format!("{:?}", column.compression());
    let codec = codec.split('(').next().unwrap_or_default().to_owned();
    Some((column.column_path().string(), codec))
}
