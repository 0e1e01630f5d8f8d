//! Runs: what is recorded of every task, and the SQLite file that holds it.
//!
//! Samples are expensive and everything after them is cheap, so a run keeps each sample whole (the order shown, the
//! seed, the full text, tokens, what was read from it) as soon as it is drawn, with the plugins that asked and read. From
//! that, rewards can be made again by the same strategy or another without a model.
//!
//! [`Recorder`] writes a run while tasks are judged and says what is there already; [`RunReader`] reads one, a few tasks at a
//! time; [`RunWriter`] is the plain blocking writer that imports and replays use. The file's schema is documented in
//! `schema.sql` beside this module, and is meant to be read with any SQLite tool.

mod principles;
mod provenance;
mod rows;
mod sample;
mod standing;
mod store;
mod task;
mod verdict;

pub use principles::PrinciplesRecord;
pub use provenance::{
    Budget, Difference, Drawn, HOST_VERSION, MOST_ROUNDS, MetaProvenance, PackProvenance, PartProvenance,
    PrinciplesProvenance, Provenance, SamplingProvenance, ScaleProvenance, ScorerProvenance, Strategy, differences,
};
pub use rows::{ResultRow, SampleRow};
pub use sample::{MetaRecord, SampleRecord, call_kind, failure_kind, failure_name};
pub use standing::Standing;
pub use store::json::value as strict_json;
pub use store::{
    Begun, Change, Checked, Header, Recorded, RecordedComponent, Recorder, RunReader, RunWriter, SCHEMA_VERSION,
    Source, StoreError, TaskKey,
};
pub use task::Task;
pub use verdict::{TaskFailure, TaskFailureKind, Verdict};
