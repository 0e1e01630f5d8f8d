//! The SQLite file of a run.
//!
//! [`Recorder`] writes a run while tasks are judged and says what is there already; [`RunReader`] reads one, a few tasks at a
//! time; [`RunWriter`] is the plain blocking writer that imports and replays use. The file's schema is documented in
//! `schema.sql` beside this module, and is meant to be read with any SQLite tool.

mod belongings;
mod bounds;
mod cells;
mod change;
mod columns;
mod encode;
mod error;
mod foreign_text;
mod header;
mod packed;
mod principles;
mod principles_cache;
mod reader;
mod recorder;
mod schema;
mod seal;
mod seal_rows;
mod shape;
mod tables;
#[cfg(test)]
mod tests;
mod whole;
mod writer;
mod written_rows;

pub use change::Change;
pub use error::StoreError;
pub use header::{Header, RunSource};
pub use reader::{Checked, RunReader};
pub use recorder::Recorder;
pub use shape::SCHEMA_VERSION;
pub use writer::RunWriter;
