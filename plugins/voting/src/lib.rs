//! What policies that vote share: in which [`orders`] samples show the responses, which samples are [`Ballots`], what is
//! still [`missing`], how scores [`add up`](Total), and how much a sample counts by its own [confidence](Weighting).

mod ballots;
mod draws;
#[cfg(feature = "fixtures")]
pub mod fixtures;
mod k;
mod orders;
mod total;
mod weighting;

pub use ballots::{Ballot, Ballots, share_of_the_top};
pub use draws::{Plan, missing};
pub use k::check_k;
pub use orders::{Shuffle, orders};
pub use total::Total;
pub use weighting::Weighting;
