//! What policies that vote share: in which [`orders`] samples show the responses, which samples are [`Ballots`], what is
//! still [`missing`], and how scores [`add up`](Total).

mod ballots;
mod draws;
#[cfg(feature = "fixtures")]
pub mod fixtures;
mod k;
mod orders;
mod total;

pub use ballots::{Ballot, Ballots};
pub use draws::{Plan, missing};
pub use k::check_k;
pub use orders::{Shuffle, orders};
pub use total::Total;
