//! Turns tasks into rewards: loads a pack and runs its draw/rate/finish loop over a model.
//!
//! A [`Pack`] names the components that decide what is asked (template), how the answer is read (parser) and how
//! samples become one reward (policy). A [`Judge`] runs one over a model. The host's own part is what plugins must
//! not be trusted with: permuting and un-permuting responses, checking every score against the scale, seeds, budgets,
//! and counting failures by kind without ever turning one into a number. A
//! [`Replayer`] runs the same loop over the samples of a run, without a model.

mod calls;
mod configuration;
mod constraints;
mod judge;
mod loader;
mod order;
mod pack;
mod pack_error;
mod part;
mod part_name;
mod principles;
mod program;
mod replay;
mod rounds;
mod rule;
mod seed;
mod steps;
mod task_row;
mod unconstrained;
mod validate;
mod vary;
mod verify;

pub use configuration::{ConfigurationError, Setting};
pub use constraints::HeldModels;
pub use judge::{Event, Judge, JudgeModels, JudgeSettings, ModelOpener, Observer, Stage};
pub use order::{Order, OrderError};
pub use pack::Pack;
pub use pack_error::PackError;
pub use part::{Asking, Overrides, PackJudge, Part};
pub use part_name::PartName;
pub use principles::PrinciplesStage;
pub use program::{ProgramError, interpreter, interpreter_name};
pub use replay::{Given, Replayed, Replayer, Subsets};
pub use rewarden_manifest::{
    ConstrainRule, Lock, LockError, MANIFEST_BYTES, Manifest, ManifestError, ModelHints, ModelKind, explain_toml_error,
    nearest,
};
pub use task_row::{RowError, parse_row};
pub use validate::{accepted_judgement, accepted_reward, principles as accepted_principles};
pub use verify::{Discrepancy, verify};
