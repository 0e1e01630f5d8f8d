//! Judges tasks, whatever endpoint they come from.

use std::sync::Arc;
use std::time::Instant;

use rewarden_dialects::{Problem, ProblemKind};
use rewarden_record::Verdict;
use rewarden_store::StoreError;
use rewarden_types::Task;
use tokio::sync::Semaphore;

use crate::judging::admission::{Admission, AdmissionPermit};
use crate::judging::judged::{JudgeResult, Judged};
use crate::judging::progress::SampleProgress;
use crate::judging::recent::Recent;
use crate::judging::rule_threads::RuleThreads;
use crate::judging::shadow::Shadows;
use crate::judging::single_flight::{Handle, SingleFlight};
use crate::live::{OpenRun, PackVersion, RunStore};
use crate::metrics::Metrics;
use crate::settings::ServerLimits;

/// A share in the judgement of a task, with its progress.
pub(crate) type JudgeHandle = Handle<JudgeResult, SampleProgress>;

/// Judges tasks and records them.
pub(crate) struct Executor {
    pub(crate) runs: Arc<RunStore>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) recent: Recent,
    rules: RuleThreads,
    model_slots: Semaphore,
    model_queue: Admission,
    rule_queue: Admission,
    /// By the version's identity and the task's id in the run.
    flights: SingleFlight<([u8; 32], String), JudgeResult, SampleProgress>,
    shadows: Shadows,
}

/// The permits of one request's tasks, given back when dropped.
pub(crate) struct Admitted {
    _model: Option<AdmissionPermit>,
    _rule: Option<AdmissionPermit>,
}

impl Executor {
    pub(crate) fn new(
        runs: Arc<RunStore>,
        metrics: Arc<Metrics>,
        shadows: Shadows,
        limits: &ServerLimits,
    ) -> Result<Self, rayon::ThreadPoolBuildError> {
        Ok(Self {
            runs,
            metrics,
            recent: Recent::default(),
            rules: RuleThreads::new(limits.rule_threads)?,
            model_slots: Semaphore::new(limits.model_tasks.max(1)),
            model_queue: Admission::new("ask a model", "--max-model-queue", limits.model_queue),
            rule_queue: Admission::new("ask no model", "--max-rule-queue", limits.rule_queue),
            flights: SingleFlight::default(),
            shadows,
        })
    }

    /// Lets in all tasks of one request or none, given the version of each.
    ///
    /// # Errors
    ///
    /// The queue is full. The problem says when to come again.
    pub(crate) fn admit(&self, versions: &[&PackVersion]) -> Result<Admitted, Problem> {
        let by_model = versions.iter().filter(|version| version.judge.asks_a_model()).count();
        let by_rule = versions.len() - by_model;
        let model = if by_model > 0 { Some(self.model_queue.admit(by_model)?) } else { None };
        let rule = if by_rule > 0 { Some(self.rule_queue.admit(by_rule)?) } else { None };
        Ok(Admitted { _model: model, _rule: rule })
    }

    /// Brings the gauges up to date.
    pub(crate) fn measure(&self) {
        let count = |tasks: usize| i64::try_from(tasks).unwrap_or(i64::MAX);
        self.metrics.model_tasks.set(count(self.model_queue.inside()));
        self.metrics.rule_tasks.set(count(self.rule_queue.inside()));
        self.metrics.open_runs.set(count(self.runs.count()));
    }

    /// Judges a task, or joins its judgement if it is under way: identical tasks of one version in flight are judged once.
    pub(crate) fn join_or_start(self: &Arc<Self>, version: &Arc<PackVersion>, task: Task) -> JudgeHandle {
        let key = (version.identity, task.id.clone());
        let progress = || SampleProgress::new(self.metrics.clone());
        let start = |progress| self.clone().judge(version.clone(), task, progress);
        let handle = self.flights.join_or_start(key, progress, start);
        if handle.joined {
            self.metrics.joined.inc();
        }
        handle
    }

    async fn judge(
        self: Arc<Self>,
        version: Arc<PackVersion>,
        task: Task,
        progress: Arc<SampleProgress>,
    ) -> JudgeResult {
        let judged = if version.judge.asks_a_model() {
            self.by_model(&version, task, &progress).await?
        } else {
            self.by_rule(&version, task, progress).await?
        };
        let outcome = match &judged.1.reward {
            Ok(_) => "rewarded",
            Err(failure) => failure.kind.name(),
        };
        self.metrics.task(&version.label.name, outcome);
        self.shadows.submit(&version, &judged);
        let judged = Arc::new(Judged { version, judged });
        self.recent.add(&judged);
        Ok(judged)
    }

    /// Judges with a model. Every sample is in the run before the reward is paid out.
    async fn by_model(
        &self,
        version: &Arc<PackVersion>,
        task: Task,
        progress: &SampleProgress,
    ) -> Result<Arc<(Task, Verdict)>, Problem> {
        let began = Instant::now();
        let _slot = self
            .model_slots
            .acquire()
            .await
            .map_err(|_| Problem::new(ProblemKind::Unavailable, "the server is shutting down"))?;
        self.metrics.queued(began.elapsed());
        let run = version.run(&self.runs).await?;
        let recorder = run.recorder().map_err(|error| unrecorded(version, &run, &error))?;
        let verdict = version
            .judge
            .judge_recorded(&task, recorder, progress)
            .await
            .map_err(|error| unrecorded(version, &run, &error))?;
        Ok(Arc::new((task, verdict)))
    }

    /// Judges by rule. The run is written afterwards, since the reward comes out the same when it is asked for again.
    async fn by_rule(
        &self,
        version: &Arc<PackVersion>,
        task: Task,
        progress: Arc<SampleProgress>,
    ) -> Result<Arc<(Task, Verdict)>, Problem> {
        let run = version.run(&self.runs).await?;
        let began = Instant::now();
        let (judging, metrics) = (version.clone(), self.metrics.clone());
        let judged = self
            .rules
            .run(move || {
                metrics.queued(began.elapsed());
                let verdict = judging.judge.judge_by_rule(&task, &*progress);
                Arc::new((task, verdict))
            })
            .await?;
        let recorder = run.recorder().map_err(|error| unrecorded(version, &run, &error))?;
        recorder.whole(judged.clone()).await.map_err(|error| unrecorded(version, &run, &error))?;
        Ok(judged)
    }
}

/// The problem of a reward that is in no run and so is not paid out. The next request opens the run again, since a disk that
/// was full may have room by then.
fn unrecorded(version: &PackVersion, run: &Arc<OpenRun>, error: &StoreError) -> Problem {
    tracing::error!("{error}");
    if let StoreError::TaskChanged { .. } = error {
        return Problem::new(ProblemKind::Conflict, error.to_string());
    }
    version.give_up(run);
    Problem {
        retry_after: Some(5),
        ..Problem::new(ProblemKind::Unavailable, format!("the reward cannot be recorded: {error}"))
    }
}
