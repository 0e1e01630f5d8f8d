//! What reading a row group of a Parquet file costs, told from its page headers and levels before a value is decoded.
//!
//! A Parquet file can promise anything: a page of 40 bytes that unpacks to 2 GB, a dictionary of one text of a megabyte that
//! a million rows name, a row with a list of 2^31 numbers in a run of six bytes. Texts are read as views into their pages, so a
//! text that is named again costs [`LEVEL_BYTES`]; what is left to bound are the pages that are open at a time, and the levels
//! and pages of a row. The sizes in the page headers are what the decoder goes by, so a header that lies is an error, and
//! no more memory than it says.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use parquet::basic::{Encoding, Type};
use parquet::column::page::PageReader as _;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::levels::{falls, lengths_fit, parts};
use super::thrift::{I32, STRUCT, Thrift};

/// Bytes of the pages that are open at a time, one and its dictionary for each column, packed and unpacked. Pages of a
/// megabyte are usual; rows of a hundred kilobytes make some of a hundred, since writers look at the size every 1024 rows.
const PAGES_BYTES: u64 = 160 << 20;
/// Bytes that a row and its pages may take before it is written as text.
const ROW_BYTES: u64 = 160 << 20;
/// Bytes that the rows decoded at a time should take.
const BATCH_BYTES: u64 = 32 << 20;
/// Rows that are decoded at a time.
const BATCH_ROWS: u64 = 256;
/// Values in all lists of one column in one row. A row of JSON may have as many.
const ROW_VALUES: u64 = 500_000;
/// Bytes of a decoded value, or of its view: two levels, the value, its place in lists.
const LEVEL_BYTES: u64 = 32;
/// Bytes of a page's header. Statistics in it may have texts.
const HEADER_BYTES: u64 = 1 << 20;
/// Bytes in which most headers fit.
const USUAL_HEADER_BYTES: u64 = 512;

/// Why a row group is not read.
pub(super) enum RowRefusal {
    /// It is damaged.
    Damaged(String),
    /// It would take too much: the column, what it has, and what to do.
    TooLarge { column: String, found: String },
}

impl From<ParquetError> for RowRefusal {
    fn from(error: ParquetError) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl From<std::io::Error> for RowRefusal {
    fn from(error: std::io::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// How many rows of the group may be decoded at a time. `before` is the number of rows before it.
///
/// # Errors
/// Not even one row may, or a page header makes no sense.
pub(super) fn batch_rows(file: &File, group: &RowGroupMetaData, before: u64) -> Result<usize, RowRefusal> {
    let mut whole = Cost::default();
    let mut worst: Option<(u64, String)> = None;
    for column in group.columns() {
        let cost = chunk(file, column, before)?;
        let name = || column.column_path().string();
        if worst.as_ref().is_none_or(|(most, _)| cost.total() > *most) {
            worst = Some((cost.total(), name()));
        }
        whole.pages = whole.pages.saturating_add(cost.pages);
        whole.row = whole.row.saturating_add(cost.row);
        let found = if whole.pages > PAGES_BYTES {
            format!("pages of {} bytes together, more than the {PAGES_BYTES} allowed; write smaller pages", whole.pages)
        } else if whole.row > ROW_BYTES {
            let row = whole.row;
            format!("rows of up to {row} bytes once decoded, more than the {ROW_BYTES} allowed; make rows smaller")
        } else {
            continue;
        };
        let column = worst.map_or_else(name, |(_, worst)| worst);
        return Err(RowRefusal::TooLarge { column, found: format!("it and the columns before it have {found}") });
    }
    let left = BATCH_BYTES.saturating_sub(whole.pages.saturating_mul(2));
    let rows = (left / whole.row.max(1)).clamp(1, BATCH_ROWS);
    Ok(usize::try_from(rows).unwrap_or(1))
}

/// Bytes.
#[derive(Default)]
struct Cost {
    /// Of the largest page and the dictionary.
    pages: u64,
    /// That one row adds, the pages that it fills included.
    row: u64,
}

impl Cost {
    fn total(&self) -> u64 {
        self.pages.saturating_add(self.row)
    }
}

fn chunk(file: &File, column: &ColumnChunkMetaData, before: u64) -> Result<Cost, RowRefusal> {
    let headers = headers(file, column)?;
    let largest = |dictionary: bool| {
        let sizes = headers.iter().filter(|header| (header.kind == DICTIONARY) == dictionary);
        sizes.map(Header::bytes).max().unwrap_or_default()
    };
    let pages = largest(true).saturating_add(largest(false));
    if pages > PAGES_BYTES {
        let found = format!("pages of {pages} bytes, more than the {PAGES_BYTES} allowed; write smaller pages");
        return Err(RowRefusal::TooLarge { column: column.column_path().string(), found });
    }
    let repeated = column.column_descr().max_rep_level();
    let is_delta = |header: &Header| matches!(encoding(header), Some(DELTA_LENGTH_BYTE_ARRAY | DELTA_BYTE_ARRAY));
    if repeated > 0 || (column.column_type() == Type::BYTE_ARRAY && headers.iter().any(is_delta)) {
        return Ok(Cost { pages, row: decoded_rows(file, column, &headers, before)? });
    }
    // Without lists, a value is a row.
    let data = headers.iter().filter(|header| header.kind != DICTIONARY);
    let row = data.map(|header| header.bytes() / header.values.max(1)).max().unwrap_or_default();
    Ok(Cost { pages, row: row + LEVEL_BYTES })
}

/// Bytes that a row adds at most, in a column whose pages must be unpacked to tell.
fn decoded_rows(file: &File, column: &ColumnChunkMetaData, headers: &[Header], before: u64) -> Result<u64, RowRefusal> {
    let name = || column.column_path().string();
    let descriptor = column.column_descr();
    let (repeated, defined) = (descriptor.max_rep_level(), descriptor.max_def_level());
    let mut reader = SerializedPageReader::new(Arc::new(file.try_clone()?), column, 0, None)?;
    // Of the row that goes on: its values and the bytes of pages that it has filled.
    let (mut values, mut filled) = (0, 0);
    let (mut most_values, mut most_filled, mut most_share, mut most_shared) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut rows = before;
    let mut data = headers.iter().filter(|header| header.kind == DATA || header.kind == DATA_V2);
    while let Some(page) = reader.get_next_page()? {
        if !page.is_data_page() {
            continue;
        }
        let header =
            data.next().ok_or_else(|| RowRefusal::Damaged(format!("pages of column `{}` are amiss", name())))?;
        let damaged = || RowRefusal::Damaged(format!("the levels of column `{}` are amiss after row {rows}", name()));
        let (levels, bytes, count) = parts(&page, repeated, defined).ok_or_else(damaged)?;
        let lists = match page.encoding() {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => 1,
            Encoding::DELTA_BYTE_ARRAY => 2,
            _ => 0,
        };
        if lists > 0 && column.column_type() == Type::BYTE_ARRAY && !lengths_fit(bytes, lists, count) {
            return Err(damaged());
        }
        let fall = match repeated {
            0 => super::levels::Falls { before: 0, rows: count, longest: 1, last: 1 },
            highest => falls(levels, highest, count).ok_or_else(damaged)?,
        };
        values += fall.before;
        most_values = most_values.max(values).max(fall.longest).max(fall.last);
        if most_values > ROW_VALUES {
            let row = if values > ROW_VALUES { rows } else { rows + 1 };
            let found = format!(
                "more than the {ROW_VALUES} values allowed in one row, in row {row} or after it; leave the row out"
            );
            return Err(RowRefusal::TooLarge { column: name(), found });
        }
        if fall.rows == 0 {
            filled += header.bytes();
        } else {
            (values, filled) = (fall.last, 0);
            rows = rows.saturating_add(fall.rows);
            most_share = most_share.max(header.bytes() / fall.rows);
        }
        most_filled = most_filled.max(filled);
        if lists == 2 {
            // Each text may repeat all of the one before it, and is copied.
            most_shared = most_shared.max(header.bytes());
        }
    }
    let copied = most_values.saturating_mul(most_shared.saturating_add(LEVEL_BYTES));
    Ok(most_share.saturating_add(most_filled).saturating_add(copied))
}

const DATA: i64 = 0;
const DICTIONARY: i64 = 2;
const DATA_V2: i64 = 3;
const DELTA_LENGTH_BYTE_ARRAY: i64 = 6;
const DELTA_BYTE_ARRAY: i64 = 7;

/// What a page says of itself.
#[derive(Default)]
struct Header {
    kind: i64,
    unpacked: u64,
    packed: u64,
    values: u64,
    encoding: Option<i64>,
}

impl Header {
    fn bytes(&self) -> u64 {
        self.unpacked.saturating_add(self.packed)
    }
}

fn encoding(header: &Header) -> Option<i64> {
    header.encoding.filter(|_| header.kind != DICTIONARY)
}

/// The headers of a column's pages, as the decoder will read them.
fn headers(file: &File, column: &ColumnChunkMetaData) -> Result<Vec<Header>, RowRefusal> {
    let amiss = || RowRefusal::Damaged(format!("a page header of column `{}` is amiss", column.column_path().string()));
    let (Some(start), Some(mut left)) = (
        u64::try_from(column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset())).ok(),
        u64::try_from(column.compressed_size()).ok(),
    ) else {
        return Err(amiss());
    };
    let length = file.metadata()?.len();
    if start.checked_add(left).is_none_or(|end| end > length) {
        return Err(amiss());
    }
    let mut at = start;
    let mut headers = Vec::new();
    while left > 0 {
        let mut read = None;
        for most in [USUAL_HEADER_BYTES, HEADER_BYTES] {
            let mut file = file;
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(at))?;
            file.take(left.min(most)).read_to_end(&mut bytes)?;
            read = header(&bytes);
            if read.is_some() {
                break;
            }
        }
        let (header, size) = read.ok_or_else(amiss)?;
        let taken = header.packed.saturating_add(size);
        left = left.checked_sub(taken).ok_or_else(amiss)?;
        at += taken;
        // The decoder makes room for as many entries as a dictionary says it has.
        let entry = match column.column_type() {
            Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
            Type::INT64 | Type::DOUBLE => 8,
            Type::INT96 => 12,
            Type::BOOLEAN | Type::FIXED_LEN_BYTE_ARRAY => 1,
        };
        if header.kind == DICTIONARY && header.values.saturating_mul(entry) > header.unpacked {
            return Err(amiss());
        }
        headers.push(header);
    }
    Ok(headers)
}

/// `PageHeader`, and how many bytes it has. Each field may be there once: of two, another reader takes the other.
fn header(bytes: &[u8]) -> Option<(Header, u64)> {
    let mut thrift = Thrift::new(bytes);
    let mut header = Header::default();
    let mut last = 0;
    let mut seen = 0_u32;
    while let Some((id, kind)) = thrift.field(last)? {
        last = id;
        let bit = 1 << u32::try_from(id).ok().filter(|id| *id < 32)?;
        if seen & bit != 0 {
            return None;
        }
        seen |= bit;
        match (id, kind) {
            (1, I32) => header.kind = thrift.zigzag()?,
            (2, I32) => header.unpacked = size(&mut thrift)?,
            (3, I32) => header.packed = size(&mut thrift)?,
            // Data pages, dictionaries and data pages of version 2: 1 is the number of values, and an encoding follows.
            (5 | 7, STRUCT) => values(&mut thrift, &mut header, 2)?,
            (8, STRUCT) => values(&mut thrift, &mut header, 4)?,
            _ => thrift.skip(kind)?,
        }
    }
    // Three fields that each has.
    (seen & 0b1110 == 0b1110).then_some((header, thrift.position() as u64))
}

fn values(thrift: &mut Thrift<'_>, header: &mut Header, encoding: i16) -> Option<()> {
    let mut last = 0;
    while let Some((id, kind)) = thrift.field(last)? {
        // In their order, hence once.
        if id <= last {
            return None;
        }
        last = id;
        match (id, kind) {
            (1, I32) => header.values = size(thrift)?,
            (id, I32) if id == encoding => header.encoding = Some(thrift.zigzag()?),
            _ => thrift.skip(kind)?,
        }
    }
    Some(())
}

fn size(thrift: &mut Thrift<'_>) -> Option<u64> {
    u64::try_from(i32::try_from(thrift.zigzag()?).ok()?).ok()
}
