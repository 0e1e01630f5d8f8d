//! Packs that judge the same samples beside the live one and are never paid out.

use std::collections::BTreeMap;
use std::sync::Arc;

use rewarden_judge::{Given, Replayer};
use rewarden_record::{Recorded, Verdict};
use rewarden_types::{Reward, Score, Standing, Task};
use tokio::sync::Semaphore;

use crate::judging::rule_threads::RuleThreads;
use crate::live::{PackVersion, Registry};
use crate::metrics::Metrics;

/// Tasks that may wait for their shadow. Further ones go without, so a slow shadow costs memory and nothing else.
const WAITING: usize = 256;

/// The shadows of packs, and the thread that runs them.
pub(crate) struct Shadows {
    /// The shadow's name by the live pack's name.
    pairs: BTreeMap<String, String>,
    registry: Arc<Registry<PackVersion>>,
    metrics: Arc<Metrics>,
    /// `None` if there are no shadows.
    threads: Option<Arc<RuleThreads>>,
    room: Arc<Semaphore>,
}

impl Shadows {
    pub(crate) fn new(
        pairs: BTreeMap<String, String>,
        registry: Arc<Registry<PackVersion>>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, rayon::ThreadPoolBuildError> {
        let threads = if pairs.is_empty() { None } else { Some(Arc::new(RuleThreads::new(1)?)) };
        Ok(Self { pairs, registry, metrics, threads, room: Arc::new(Semaphore::new(WAITING)) })
    }

    /// Has a judged task judged by the shadow of its pack, in the background. Returns at once.
    pub(crate) fn submit(&self, live: &Arc<PackVersion>, judged: &Arc<(Task, Verdict)>) {
        let Some(threads) = &self.threads else { return };
        let Some(shadow) = self.pairs.get(&live.label.name) else { return };
        let Some(shadow) = self.registry.snapshot().packs.get(shadow).cloned() else { return };
        let Ok(room) = self.room.clone().try_acquire_owned() else {
            self.metrics.shadow_dropped.inc();
            return;
        };
        let (live, judged, metrics, threads) = (live.clone(), judged.clone(), self.metrics.clone(), threads.clone());
        tokio::spawn(async move {
            // A lost job is logged by the thread that lost it.
            let _ = threads.run(move || compare(&live, &shadow, &judged, &metrics)).await;
            drop(room);
        });
    }
}

/// Runs the shadow's parser and policy over the samples that the live pack drew.
fn compare(live: &PackVersion, shadow: &PackVersion, judged: &(Task, Verdict), metrics: &Metrics) {
    let (task, verdict) = judged;
    let given = if verdict.samples.is_empty() { Given::Asked } else { Given::All };
    let replayer = Replayer::new(shadow.pack().clone(), live.judge.provenance().drawn.clone(), given);
    let recorded = Recorded::of(task.clone(), verdict.samples.clone());
    let other = replayer.replay(&recorded).verdict.reward;
    let (outcome, difference) = match (&verdict.reward, &other) {
        (Ok(paid), Ok(other)) => {
            let same = Standing::of(&paid.scores) == Standing::of(&other.scores);
            (if same { "same_winner" } else { "other_winner" }, difference(paid, other))
        }
        (_, Err(_)) => ("failed", None),
        (Err(_), Ok(_)) => ("live_failed", None),
    };
    metrics.shadow(&live.label.name, &shadow.label.name, outcome, difference);
    tracing::info!(
        task = task.id,
        live = live.label.digest,
        shadow = shadow.label.digest,
        outcome,
        paid = %scores(&verdict.reward),
        would_be = %scores(&other),
        "shadow"
    );
}

/// Mean absolute difference over the responses that both scored.
fn difference(paid: &Reward, other: &Reward) -> Option<f64> {
    let mut differences = Vec::new();
    for (paid, other) in paid.scores.iter().zip(&other.scores) {
        if let (Score::Value(paid), Score::Value(other)) = (paid, other) {
            differences.push((paid - other).abs());
        }
    }
    (!differences.is_empty()).then(|| differences.iter().sum::<f64>() / differences.len() as f64)
}

fn scores(reward: &Result<Reward, rewarden_record::TaskFailure>) -> String {
    match reward {
        Ok(reward) => {
            let text = |score: &Score| match score {
                Score::Value(value) => value.to_string(),
                Score::Abstain(_) => "null".to_owned(),
            };
            format!("[{}]", reward.scores.iter().map(text).collect::<Vec<_>>().join(", "))
        }
        Err(failure) => failure.kind.name().to_owned(),
    }
}
