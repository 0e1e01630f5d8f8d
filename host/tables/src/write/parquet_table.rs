//! A Parquet file, written in batches.

use std::io::{Error, ErrorKind};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::destination::Destination;
use crate::column::Cell;
use crate::{Column, Kind};

const BATCH_ROWS: usize = 1024;
const BATCH_BYTES: usize = 4 << 20;
/// A group is kept in memory, compressed, until it is full.
const GROUP_BYTES: usize = 32 << 20;

pub(super) struct ParquetTable {
    writer: ArrowWriter<Destination>,
    schema: SchemaRef,
    batch: Vec<Builder>,
    rows: usize,
    bytes: usize,
}

impl ParquetTable {
    pub(super) fn new(out: Destination, columns: &[Column]) -> std::io::Result<Self> {
        let fields = columns.iter().map(|column| Field::new(column.name, data_type(column.kind), column.nullable));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_bytes(Some(GROUP_BYTES))
            .build();
        let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(io)?;
        let batch = columns.iter().map(|column| Builder::new(column.kind)).collect();
        Ok(Self { writer, schema, batch, rows: 0, bytes: 0 })
    }

    pub(super) fn write(&mut self, cells: &[Cell<'_>]) -> std::io::Result<()> {
        for (builder, cell) in self.batch.iter_mut().zip(cells) {
            self.bytes += builder.append(cell)?;
        }
        self.rows += 1;
        if self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES { self.write_batch() } else { Ok(()) }
    }

    pub(super) fn into_destination(mut self) -> std::io::Result<Destination> {
        if self.rows > 0 {
            self.write_batch()?;
        }
        // Not by `into_inner`, which makes a text of what the operating system says.
        self.writer.finish().map_err(io)?;
        Ok(std::mem::replace(self.writer.inner_mut(), Destination::Stream(Box::new(std::io::sink()))))
    }

    fn write_batch(&mut self) -> std::io::Result<()> {
        let arrays = self.batch.iter_mut().map(Builder::finish).collect();
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(|error| io(error.into()))?;
        (self.rows, self.bytes) = (0, 0);
        self.writer.write(&batch).map_err(io)
    }
}

enum Builder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Number(Float64Builder),
    Flag(BooleanBuilder),
    Integers(ListBuilder<Int64Builder>),
    Numbers(ListBuilder<Float64Builder>),
    Texts(ListBuilder<StringBuilder>),
}

impl Builder {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text | Kind::Json => Self::Text(StringBuilder::new()),
            Kind::Integer => Self::Integer(Int64Builder::new()),
            Kind::Number => Self::Number(Float64Builder::new()),
            Kind::Flag => Self::Flag(BooleanBuilder::new()),
            Kind::Integers => Self::Integers(ListBuilder::new(Int64Builder::new()).with_field(item(kind))),
            Kind::Numbers => Self::Numbers(ListBuilder::new(Float64Builder::new()).with_field(item(kind))),
            Kind::Texts => Self::Texts(ListBuilder::new(StringBuilder::new()).with_field(item(kind))),
        }
    }

    /// Appends a cell and says how many bytes it takes, roughly.
    fn append(&mut self, cell: &Cell<'_>) -> std::io::Result<usize> {
        let bytes = match (self, cell) {
            (Self::Text(builder), Cell::Text(text)) => {
                builder.append_value(text);
                text.len()
            }
            (Self::Text(builder), Cell::Json(value)) => {
                let text = value.to_string();
                builder.append_value(&text);
                text.len()
            }
            (Self::Integer(builder), Cell::Integer(value)) => {
                builder.append_value(*value);
                0
            }
            (Self::Number(builder), Cell::Number(value)) => {
                builder.append_value(*value);
                0
            }
            (Self::Flag(builder), Cell::Flag(value)) => {
                builder.append_value(*value);
                0
            }
            (Self::Integers(builder), Cell::Integers(values)) => {
                builder.values().append_slice(values);
                builder.append(true);
                size_of_val(values.as_slice())
            }
            (Self::Numbers(builder), Cell::Numbers(values)) => {
                builder.append_value(values.iter().copied());
                size_of_val(values.as_slice())
            }
            (Self::Texts(builder), Cell::Texts(values)) => {
                builder.append_value(values.iter().map(Some));
                values.iter().map(|text| text.len() + size_of::<usize>()).sum()
            }
            (builder, Cell::Null) => {
                builder.append_null();
                0
            }
            // `Column::cell` made the cell for this column's kind.
            _ => return Err(Error::new(ErrorKind::InvalidInput, "a value was given for a column of another kind")),
        };
        Ok(bytes + size_of::<u64>())
    }

    fn append_null(&mut self) {
        match self {
            Self::Text(builder) => builder.append_null(),
            Self::Integer(builder) => builder.append_null(),
            Self::Number(builder) => builder.append_null(),
            Self::Flag(builder) => builder.append_null(),
            Self::Integers(builder) => builder.append_null(),
            Self::Numbers(builder) => builder.append_null(),
            Self::Texts(builder) => builder.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Number(builder) => Arc::new(builder.finish()),
            Self::Flag(builder) => Arc::new(builder.finish()),
            Self::Integers(builder) => Arc::new(builder.finish()),
            Self::Numbers(builder) => Arc::new(builder.finish()),
            Self::Texts(builder) => Arc::new(builder.finish()),
        }
    }
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text | Kind::Json => DataType::Utf8,
        Kind::Integer => DataType::Int64,
        Kind::Number => DataType::Float64,
        Kind::Flag => DataType::Boolean,
        Kind::Integers | Kind::Numbers | Kind::Texts => DataType::List(Arc::new(item(kind))),
    }
}

/// An item of a list column, named as the Parquet format asks.
fn item(list: Kind) -> Field {
    let data_type = match list {
        Kind::Integers => DataType::Int64,
        Kind::Numbers => DataType::Float64,
        _ => DataType::Utf8,
    };
    Field::new("element", data_type, list == Kind::Numbers)
}

/// The operating system's own error, if there is one.
fn io(error: ParquetError) -> Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => Error::other(other),
        },
        other => Error::other(other),
    }
}
