//! The SQLite file of a run.
//!
//! [`Recorder`] writes a run while tasks are judged and says what is there already; [`RunReader`] reads one, a few tasks at a
//! time; [`RunWriter`] is the plain blocking writer that imports and replays use. The file's schema is documented in
//! `schema.sql` beside this module, and is meant to be read with any SQLite tool.

mod belongings;
mod cells;
mod change;
mod encode;
mod error;
mod header;
mod principles;
mod reader;
mod recorder;
mod schema;
mod seal;
mod shape;
mod tables;
#[cfg(test)]
mod tests;
mod whole;
mod writer;

pub use change::Change;
pub use error::StoreError;
pub use header::{Header, Source};
pub use reader::{Checked, RunReader};
pub use recorder::Recorder;
pub use schema::SCHEMA_VERSION;
pub use writer::RunWriter;
