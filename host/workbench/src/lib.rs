//! The plugin author's workbench: starts, builds, tests, checks and locks plugins and packs.
//!
//! It prints nothing. Functions return what they made, and those that take long hand each line of their report to a
//! [`Lines`] as it is known.

mod build;
mod cases;
mod check;
mod create;
mod freeze;
mod golden;
mod lock;
mod meter;
mod scorer_pack;
mod sdk;
mod starter;
mod subject;
mod values;

pub use build::{BuiltComponent, build};
pub use check::check;
pub use create::{NewPack, create_pack, create_plugin, new_directory};
pub use freeze::{FrozenPart, freeze};
pub use golden::test;
pub use lock::{LockedPack, lock};
pub use scorer_pack::{SCORER_POLICY, ScorerFile, create_scorer_pack, start_scorer_pack};
pub use starter::PluginKind;
pub use subject::Subject;

/// Receives the lines of a report. A line may hold line breaks and whatever a plugin wrote, so it must be made safe for the
/// terminal before it is printed.
pub type Lines<'a> = dyn FnMut(&str) + 'a;
