//! Answers asks with the live packs.

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use rewarden_dialects::{Answer, Ask, BatchRefused, Problem, ProblemKind};
use serde_json::Value;

use crate::judging::cohorts::{Cohorts, JudgeGroup};
use crate::judging::executor::{Admitted, Executor, JudgeHandle};
use crate::judging::judged::JudgeResult;
use crate::judging::prepared::{self, CheckedAsk, PreparedTask};
use crate::judging::rewards::{Caller, Rewards};
use crate::live::{PackVersion, Registry, Variants};
use crate::off_thread::{cost, off_thread};
use crate::settings::ServerLimits;

/// Answers asks with the live packs.
pub(crate) struct RewardService {
    pub(crate) registry: Arc<Registry<PackVersion>>,
    pub(crate) variants: Variants,
    pub(crate) executor: Arc<Executor>,
    pub(crate) cohorts: Cohorts,
    limits: Arc<ServerLimits>,
}

impl RewardService {
    pub(crate) fn new(
        registry: Arc<Registry<PackVersion>>,
        variants: Variants,
        executor: Arc<Executor>,
        limits: &ServerLimits,
    ) -> Self {
        let judging = executor.clone();
        let judge: Box<JudgeGroup<PackVersion>> = Box::new(move |version, task| {
            let judging = judging.clone();
            async move { judging.join_or_start(&version, task).work.await.map(|judged| judged.answer(None)) }.boxed()
        });
        let cohorts = Cohorts::new(judge, executor.metrics.partial_cohorts.clone(), limits);
        Self { registry, variants, executor, cohorts, limits: Arc::new(limits.clone()) }
    }

    /// Checks the asks of one request and finds their versions among the packs that are live now.
    ///
    /// # Errors
    ///
    /// One of the asks cannot be taken.
    pub(crate) async fn prepare(&self, asks: Vec<Ask>) -> Result<Vec<PreparedTask>, BatchRefused> {
        let at_fault = |task| move |problem| BatchRefused { task: Some(task), problem };
        // One snapshot, so that all tasks of a pack are judged by the same version.
        let live = self.registry.snapshot();
        let mut versions = Vec::with_capacity(asks.len());
        for (task, ask) in asks.iter().enumerate() {
            versions.push(live.find(ask.pack.as_deref()).map_err(at_fault(task))?);
        }
        let (limits, bytes) = (self.limits.clone(), asks.iter().map(Ask::bytes).sum());
        let check = move |(task, ask)| prepared::check(ask, &limits).map_err(at_fault(task));
        let checked = off_thread(cost::DIGEST, bytes, move || {
            asks.into_iter().enumerate().map(check).collect::<Result<Vec<_>, _>>()
        });
        let checked = checked.await.map_err(|problem| BatchRefused { task: None, problem })??;
        let mut prepared = Vec::with_capacity(checked.len());
        for (task, (version, CheckedAsk { id, task: content, changes })) in
            versions.into_iter().zip(checked).enumerate()
        {
            let version = self.variants.of(version, &changes).await.map_err(at_fault(task))?;
            prepared.push(PreparedTask { version, task: content, id, changes });
        }
        Ok(prepared)
    }

    /// Like [`prepare`](RewardService::prepare) for the only task of a request.
    pub(crate) async fn prepare_one(&self, ask: Ask) -> Result<PreparedTask, Problem> {
        let lost = || Problem::new(ProblemKind::Internal, "the task was lost; send it again");
        let prepared = self.prepare(vec![ask]).await.map_err(|refused| refused.problem)?;
        prepared.into_iter().next().ok_or_else(lost)
    }

    /// Like [`judge_all`](RewardService::judge_all) for one task that is watched. The caller keeps the admission until the end.
    pub(crate) fn watch(&self, prepared: PreparedTask) -> Result<(JudgeHandle, Admitted), Problem> {
        let admitted = self.executor.admit(&[&prepared.version])?;
        Ok((self.executor.join_or_start(&prepared.version, prepared.task), admitted))
    }

    /// Judges the tasks of one request, none of which may be a member of a cohort. Returns each with the client's own
    /// id.
    ///
    /// # Errors
    ///
    /// The request is refused as a whole.
    pub(crate) async fn judge_all(&self, asks: Vec<Ask>) -> Result<Vec<(Option<Value>, JudgeResult)>, BatchRefused> {
        let whole = |problem| BatchRefused { task: None, problem };
        if asks.len() > self.limits.batch {
            let detail = format!(
                "{} tasks in one request; this server takes up to {} (--max-batch)",
                asks.len(),
                self.limits.batch
            );
            return Err(whole(Problem::new(ProblemKind::TooLarge, detail)));
        }
        if let Some(task) = asks.iter().position(|ask| ask.cohort.is_some()) {
            let detail = "the members of a cohort come one by one, each in a request of its own";
            return Err(BatchRefused { task: Some(task), problem: Problem::at("/cohort", detail) });
        }
        let batch = self.prepare(asks).await?;
        let versions: Vec<&PackVersion> = batch.iter().map(|prepared| &*prepared.version).collect();
        let _admitted = self.executor.admit(&versions).map_err(whole)?;
        let begun = |PreparedTask { version, task, id, .. }| {
            let work = self.executor.join_or_start(&version, task).work;
            async move { (id, work.await) }
        };
        Ok(futures::future::join_all(batch.into_iter().map(begun)).await)
    }
}

#[async_trait]
impl Rewards for RewardService {
    async fn rewards(&self, asks: Vec<Ask>, caller: &Caller) -> Result<Vec<Result<Answer, Problem>>, BatchRefused> {
        if let [ask] = asks.as_slice()
            && let Some(cohort) = ask.cohort.clone()
        {
            let at_fault = |problem| BatchRefused { task: Some(0), problem };
            let prepared = self.prepare_one(ask.clone()).await.map_err(at_fault)?;
            let pack = prepared.version.label.name.clone();
            return Ok(vec![self.cohorts.join(&pack, prepared, cohort, caller).await]);
        }
        let judged = self.judge_all(asks).await?;
        Ok(judged.into_iter().map(|(id, outcome)| outcome.map(|judged| judged.answer(id))).collect())
    }
}
