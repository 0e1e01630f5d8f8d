//! The SQLite file of a run.

mod belongings;
mod cells;
mod change;
mod encode;
mod error;
mod header;
pub(crate) mod json;
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
pub use reader::{Checked, Recorded, RecordedComponent, RunReader};
pub use recorder::Recorder;
pub use schema::SCHEMA_VERSION;
pub use tables::TaskKey;
pub use writer::{Begun, RunWriter};
