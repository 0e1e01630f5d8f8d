//! Rows of a Parquet file, a small batch at a time.

use std::any::Any;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;

use super::json_cell::{JsonCell, unsupported};
use super::{Row, RowFault};
use crate::TableError;

const BATCH_ROWS: u64 = 256;
const BATCH_BYTES: u64 = 4 << 20;

pub(super) struct ParquetRows {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
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
        // Without the schema that Arrow may have put there, since Parquet's own types are fewer and plainer.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = decoded(|| ParquetRecordBatchReaderBuilder::try_new_with_options(file, options));
        let builder = builder.map_err(corrupt)?;
        if let Some((column, codec)) = packed(builder.metadata()) {
            return Err(TableError::Compression { path: path.to_owned(), column, codec });
        }
        for field in builder.schema().fields() {
            if let Some((column, found)) = unsupported(field.name().clone(), field.data_type()) {
                return Err(TableError::UnsupportedColumn { path: path.to_owned(), column, found });
            }
        }
        let rows = builder.metadata().file_metadata().num_rows();
        let rows = u64::try_from(rows).map_err(|_| corrupt(format!("it claims to have {rows} rows")))?;
        let size = batch_size(builder.metadata(), rows);
        let reader = decoded(|| builder.with_batch_size(size).build()).map_err(corrupt)?;
        Ok((Self { path: path.to_owned(), reader, batch: None, at: 0, number: 0, rows }, rows))
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
            match decoded(|| self.reader.next().transpose()) {
                Ok(None) if self.number == self.rows => return Ok(None),
                Ok(None) => return Err(self.corrupt(format!("its footer promises {} rows", self.rows))),
                Ok(Some(batch)) => (self.batch, self.at) = (Some(batch), 0),
                Err(found) => return Err(self.corrupt(found)),
            }
        }
    }

    fn corrupt(&self, found: String) -> TableError {
        TableError::CorruptParquet { path: self.path.clone(), after: self.number, found }
    }
}

/// What `step` gives. The decoder panics where offsets in a damaged file make no sense; to the caller this is damage
/// like any other, after which nothing more is decoded.
fn decoded<T, E: ToString>(step: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("its decoder gave up: {}", said(&*panic))),
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given")
}

fn row(number: u64, batch: &RecordBatch, index: usize) -> Result<Row, RowFault> {
    let mut text = b"{".to_vec();
    for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let cell = JsonCell { array, index };
        if cell.is_absent() {
            continue;
        }
        if text.len() > 1 {
            text.push(b',');
        }
        let fault = |error: serde_json::Error| RowFault {
            number,
            column: Some(field.name().clone()),
            message: error.to_string(),
        };
        serde_json::to_writer(&mut text, field.name()).map_err(fault)?;
        text.push(b':');
        serde_json::to_writer(&mut text, &cell).map_err(fault)?;
    }
    text.push(b'}');
    super::row(number, &text, "row")
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

/// So many rows that their values take some [`BATCH_BYTES`], going by the file's average.
fn batch_size(metadata: &ParquetMetaData, rows: u64) -> usize {
    // Texts that a dictionary holds once count for little in the pages, but in full where the writer noted it.
    let bytes: u64 = metadata
        .row_groups()
        .iter()
        .flat_map(|group| group.columns())
        .map(|column| column.uncompressed_size().max(column.unencoded_byte_array_data_bytes().unwrap_or_default()))
        .map(|bytes| u64::try_from(bytes).unwrap_or_default())
        .fold(0, u64::saturating_add);
    let row = bytes / rows.max(1);
    usize::try_from((BATCH_BYTES / row.max(1)).clamp(1, BATCH_ROWS)).unwrap_or(1)
}
