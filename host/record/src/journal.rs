//! Keeping what becomes of a task while it is judged.

use std::convert::Infallible;
use std::sync::Arc;

use rewarden_types::{Reward, Sha256Digest, Task};

use crate::principles::PrinciplesRecord;
use crate::recorded::{Begun, TaskKey};
use crate::sample::{MetaRecord, SampleRecord};
use crate::verdict::TaskFailure;

/// Keeps what becomes of tasks while they are judged, and says what was kept before.
///
/// The judge calls it in this order for each task: `begin`, then `judged_under` in a pack with principles, then `sample` and
/// `rating` as they come, then `finish`. Many tasks are under way at once.
pub trait Journal: Sync {
    /// Why something cannot be kept or read.
    type Error: std::error::Error + Send;

    /// Adds the task, or finds what was kept of it.
    fn begin(&self, task: &Task) -> impl Future<Output = Result<Begun, Self::Error>> + Send;

    /// Returns the principles of a query, or `None` if they were not written yet.
    fn principles(
        &self,
        query: Sha256Digest,
    ) -> impl Future<Output = Result<Option<PrinciplesRecord>, Self::Error>> + Send;

    /// Keeps the principles that a task is judged under. `finish` reports an error.
    fn judged_under(&self, task: TaskKey, principles: &Arc<PrinciplesRecord>) -> impl Future<Output = ()> + Send;

    /// Keeps a sample. `finish` reports an error.
    fn sample(&self, task: TaskKey, sample: &SampleRecord) -> impl Future<Output = ()> + Send;

    /// Keeps a rating of a sample that was kept. `finish` reports an error.
    fn rating(&self, task: TaskKey, sample: u32, rating: &MetaRecord) -> impl Future<Output = ()> + Send;

    /// Ends a task. Returns when everything about it is kept.
    fn finish(
        &self,
        task: TaskKey,
        reward: &Result<Reward, TaskFailure>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Keeps nothing.
impl Journal for () {
    type Error = Infallible;

    async fn begin(&self, _: &Task) -> Result<Begun, Infallible> {
        Ok(Begun { key: TaskKey(0), samples: Vec::new(), reward: None })
    }

    async fn principles(&self, _: Sha256Digest) -> Result<Option<PrinciplesRecord>, Infallible> {
        Ok(None)
    }

    async fn judged_under(&self, _: TaskKey, _: &Arc<PrinciplesRecord>) {}

    async fn sample(&self, _: TaskKey, _: &SampleRecord) {}

    async fn rating(&self, _: TaskKey, _: u32, _: &MetaRecord) {}

    async fn finish(&self, _: TaskKey, _: &Result<Reward, TaskFailure>) -> Result<(), Infallible> {
        Ok(())
    }
}
