//! From an ask to its answer: admission, judging identical tasks once, groups, and what is shown of it all.

mod admission;
mod cohorts;
mod executor;
mod fingerprint;
mod judged;
mod prepared;
mod progress;
mod recent;
mod rewards;
mod rule_threads;
mod service;
mod shadow;
mod single_flight;

pub(crate) use self::executor::{Admitted, Executor, JudgeHandle};
pub(crate) use self::fingerprint::hex;
pub(crate) use self::judged::{JudgeResult, Judged};
pub(crate) use self::progress::ProgressEvent;
pub(crate) use self::recent::RecentReward;
pub use self::rewards::{Caller, Rewards};
pub(crate) use self::service::RewardService;
pub(crate) use self::shadow::Shadows;
