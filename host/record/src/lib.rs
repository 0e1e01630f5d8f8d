//! What is recorded of judged tasks: samples, verdicts, and what made them.
//!
//! Samples are expensive and everything after them is cheap, so a run keeps each sample whole (the order shown, the
//! seed, the full text, tokens, what was read from it) as soon as it is drawn, with the plugins that asked and read. From
//! that, rewards can be made again by the same strategy or another without a model.
//!
//! These are the records themselves. A [`Journal`] decides where they are kept; `rewarden-store` is the one that
//! writes a file.

mod journal;
mod principles;
mod provenance;
mod recorded;
mod rows;
mod sample;
mod verdict;

pub use journal::Journal;
pub use principles::PrinciplesRecord;
pub use provenance::{
    Budget, Difference, Drawn, HOST_VERSION, JudgeProvenance, JudgeSampling, MOST_ROUNDS, MetaProvenance,
    PackProvenance, PartProvenance, PrinciplesProvenance, Provenance, SamplingProvenance, ScorerProvenance, Strategy,
    differences,
};
pub use recorded::{Begun, Recorded, RecordedComponent, TaskKey};
pub use rows::{CriterionRow, ResultRow, SampleRow, criterion_rows, level_rows};
pub use sample::{MetaRecord, SampleRecord};
pub use verdict::{TaskFailure, TaskFailureKind, Verdict};
