//! Turns tasks into rewards: loads a pack and runs its draw/rate/finish loop over a model.
//!
//! A [`Pack`] names the components that decide what is asked (template), how the answer is read (parser) and how
//! samples become one reward (policy). A [`Judge`] runs one over a model. The host's own part is what plugins must
//! not be trusted with: permuting and un-permuting responses, checking every score against the scale, seeds, budgets,
//! and counting failures by kind without ever turning one into a number. A
//! [`Replayer`] runs the same loop over the samples of a run, without a model.

mod calls;
mod configuration;
mod judge;
mod loader;
mod lock;
mod manifest;
mod order;
mod pack;
mod pack_error;
mod part_name;
mod principles;
mod prompt_digest;
mod replay;
mod rule;
mod seed;
mod task_row;
mod text_file;
mod validate;
mod vary;
mod verify;

pub use configuration::{ConfigurationError, Setting};
pub use judge::{Event, Judge, JudgeSettings, Observer, Stage};
pub use lock::{Lock, LockError};
pub use manifest::{ManifestError, explain as explain_toml_error, nearest};
pub use order::{Order, OrderError};
pub use pack::{Asking, Overrides, Pack, Part, SamplingDefaults};
pub use pack_error::PackError;
pub use part_name::PartName;
pub use principles::PrinciplesStage;
pub use replay::{Given, Replayed, Replayer, Subsets};
pub use task_row::{RowError, parse_row};
pub use text_file::MANIFEST_BYTES;
pub use validate::principles as accepted_principles;
pub use verify::{Discrepancy, verify};
