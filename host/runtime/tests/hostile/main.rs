//! The hostile table: guests and files that attack the host through [`rewarden_runtime::Runtime`], one a row. What comes
//! of each is pinned by a snapshot (the contract's version written as VERSION), its time and the growth of the host's
//! memory are bounded, and after it a good call on the same runtime gives what it gave before.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(unreachable_pub, reason = "modules of one test binary")]

mod composed;
mod damage;
mod guest;
mod names;
mod runaway;
mod shapes;
mod sharing;
mod table;
mod values;
