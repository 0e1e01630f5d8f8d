//! Rows of data, in and out of files, one at a time, so that the size of a file does not matter.
//!
//! [`RowReader`] reads JSON lines, a JSON array or Parquet, and gives each row as the text of one JSON value.
//! [`RowWriter`] writes rows of known [`Column`]s as JSON lines, CSV or Parquet; a file appears under its name only
//! once it is whole.

mod column;
mod error;
mod read;
mod write;

pub use column::{Column, Kind};
pub use error::TableError;
pub use read::{MOST_BYTES, Row, RowFault, RowReader};
pub use write::{Format, RowWriter, partial_file};
