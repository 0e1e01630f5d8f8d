//! Turns tasks into rewards: loads a pack and runs its draw/rate/finish loop over a model.
//!
//! A [`Pack`] names the components that decide what is asked (template), how the answer is read (parser) and how
//! samples become one reward (policy). A [`Judge`] runs one over a model. The host's own part is what plugins must
//! not be trusted with: permuting and un-permuting responses, checking every score against the scale, seeds, budgets,
//! and counting failures by kind without ever turning one into a number.

mod budget;
mod configuration;
mod judge;
mod manifest;
mod order;
mod pack;
mod provenance;
mod seed;
mod standing;
mod task;
mod task_row;
mod validate;
mod verdict;

pub use budget::Budget;
pub use configuration::{ConfigurationError, Setting};
pub use judge::{Event, Judge, JudgeSettings, Observer};
pub use manifest::{ManifestError, explain as explain_toml_error, nearest};
pub use pack::{Overrides, Pack, PackError, Part, PartName, SamplingDefaults};
pub use provenance::{PackProvenance, PartProvenance, Provenance, SamplingProvenance, ScaleProvenance};
pub use standing::Standing;
pub use task::Task;
pub use task_row::{RowError, parse_row};
pub use verdict::{ResultRow, SampleRecord, SampleRow, TaskFailure, TaskFailureKind, Verdict};
