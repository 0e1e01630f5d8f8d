//! Runs as what `rewarden-evaluate` measures.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use rewarden_evaluate::Protocol;
use rewarden_evaluate::{
    AtKOptions, EvaluateOptions, Evaluation, Evaluator, SampleOutcome, Scores, TaskOutcome, VotingOptions,
};
use rewarden_judge::{Given, Overrides, Replayer};
use rewarden_record::{Recorded, SampleRecord};
use rewarden_runtime::Runtime;
use rewarden_store::RunReader;
use rewarden_types::{Outcome, Score, Sha256Digest, Task};
use serde_json::Value;

use crate::filter::plain;
use crate::progress::Progress;
use crate::run_tasks::Selection;
use crate::{run_tasks, strategy};

/// What is measured.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Measures")]
pub(crate) struct MeasureOptions {
    /// Rows of their own for tasks that share the values of these metadata fields [default: subset, if there is one]
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub(crate) by: Vec<String>,

    /// The k of accuracy@k; 0 for none [default: 1, 2, 4 … up to the most samples a task has]
    #[arg(long = "at-k", value_name = "K", value_delimiter = ',')]
    pub(crate) at_k: Vec<u32>,

    /// Random subsets of a task's samples for each k
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) resamples: u32,

    /// Replicates of the bootstrap behind the intervals of accuracy@k
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) bootstrap: u32,

    /// Seed of subsets and bootstrap
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) bootstrap_seed: u64,

    /// A benchmark's own rules beside the usual figures
    #[arg(long, value_name = "BENCHMARK")]
    pub(crate) protocol: Option<Protocol>,

    /// Whether voting pays: for tasks that share the values of these metadata fields, the best strategy's single samples
    /// against both-order agreement and the majority of all samples of all strategies
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub(crate) judges: Vec<String>,

    /// With --judges: the metadata field that names the strategy
    #[arg(long, value_name = "FIELD", default_value = "strategy", requires = "judges")]
    pub(crate) strategies: String,
}

/// Measures one run, with its own policy for everything that is aggregated again.
pub(crate) fn run(
    path: &Path,
    measures: &MeasureOptions,
    selection: &Selection,
    runtime: &Runtime,
) -> Result<Evaluation> {
    let run = run_tasks::open(path)?;
    let progress = Progress::new(Some(run.tasks()?), !selection.quiet);
    let pack = strategy::recorded(&run, runtime, &Overrides::default())?;
    let about = pack.policy.about();
    let policy = format!("{} {}", about.name, about.version);
    let by = if measures.by.is_empty() { default_groups(&run)? } else { measures.by.clone() };
    let at_k = (measures.at_k != [0]).then(|| AtKOptions {
        ks: measures.at_k.clone(),
        resamples: measures.resamples,
        bootstrap: measures.bootstrap,
        seed: measures.bootstrap_seed,
    });
    let digest = run.digest().map(|digest| digest.to_string());
    let header = run.header();
    let model = header.drawn.model.model.clone();
    let replayer = Replayer::new(pack, header.drawn.clone(), Given::All);
    let voting = (!measures.judges.is_empty())
        .then(|| VotingOptions { judges: measures.judges.clone(), strategies: measures.strategies.clone() });
    let options = EvaluateOptions { by, at_k, protocol: measures.protocol, voting };
    let evaluator = Evaluator::new(run_tasks::name(path), policy, model, options)?;
    // Measured side by side, added in between.
    let evaluator = RwLock::new(evaluator);
    let mut unfinished = 0_u64;
    run_tasks::for_each(
        run,
        &selection.filters,
        |recorded| {
            let Recorded { task, samples, reward: Some(reward), .. } = recorded else { return None };
            let confidence = reward.as_ref().ok().and_then(|reward| reward.confidence);
            let reward = match reward {
                Ok(reward) => Ok(reward.scores.iter().map(value).collect()),
                Err(failure) => Err(failure.kind.name().to_owned()),
            };
            let outcome = TaskOutcome { confidence, ..task_outcome(&task, &samples, reward) };
            let subsets = replayer.subsets(&task);
            let aggregate = |chosen: &[usize]| -> Option<Scores> {
                let chosen = chosen.iter().filter_map(|&index| samples.get(index));
                let reward = subsets.reward(chosen).ok()?;
                Some(reward.scores.iter().map(value).collect())
            };
            Some(evaluator.read().unwrap_or_else(PoisonError::into_inner).measure(outcome, &aggregate))
        },
        |measured| {
            match measured {
                Some(measured) => evaluator.write().unwrap_or_else(PoisonError::into_inner).add(measured),
                None => unfinished += 1,
            }
            progress.task_done();
            Ok(())
        },
    )?;
    progress.finish();
    if unfinished > 0 {
        tracing::warn!("{}: {unfinished} unfinished tasks are left out", path.display());
    }
    let evaluator = evaluator.into_inner().unwrap_or_else(PoisonError::into_inner);
    let evaluation = evaluator.finish().with_context(|| path.display().to_string())?;
    Ok(Evaluation { digest, ..evaluation })
}

/// `subset` where the run's tasks have one.
fn default_groups(run: &RunReader) -> Result<Vec<String>> {
    let first = run.chunk(None, 1)?;
    if first.is_empty() {
        bail!("{} holds no tasks", run.path().display());
    }
    let subset = first.iter().any(|recorded| recorded.task.metadata.contains_key("subset"));
    Ok(if subset { vec!["subset".to_owned()] } else { Vec::new() })
}

fn task_outcome(task: &Task, samples: &[SampleRecord], reward: Result<Scores, String>) -> TaskOutcome {
    let fields: BTreeMap<String, String> =
        task.metadata.iter().filter_map(|(name, value)| Some((name.clone(), plain(value)?))).collect();
    let correct = correct(task);
    TaskOutcome {
        id: task.id.clone(),
        item: item(task, &correct),
        fields,
        responses: task.responses.len(),
        correct,
        reward,
        confidence: None,
        samples: samples.iter().map(sample_outcome).collect(),
    }
}

/// What a task is about, whoever judges it in whichever way: its content, since ids name the judge too. The `task` field
/// keeps two tasks of a file apart that happen to have the same content.
fn item(task: &Task, correct: &[usize]) -> String {
    let messages: Vec<_> =
        task.messages.iter().map(|message| (format!("{:?}", message.role), &message.content)).collect();
    let content = serde_json::json!([task.metadata.get("task"), messages, task.responses, correct]);
    Sha256Digest::of(content.to_string().as_bytes()).hex()
}

/// The right responses: those that `correct` lists, where a data set has several, else the preferred one.
fn correct(task: &Task) -> Vec<usize> {
    let listed = task.metadata.get("correct").and_then(Value::as_array).map(|indices| {
        let index = |value: &Value| usize::try_from(value.as_u64()?).ok().filter(|&index| index < task.responses.len());
        indices.iter().filter_map(index).collect::<Vec<_>>()
    });
    listed.filter(|indices| !indices.is_empty()).unwrap_or_else(|| task.preferred.into_iter().collect())
}

fn sample_outcome(sample: &SampleRecord) -> SampleOutcome {
    let usage = sample.usage();
    SampleOutcome {
        order: sample.order.clone(),
        outcome: match &sample.outcome {
            Outcome::Scored(scores) => Ok(scores.iter().map(|score| score.as_ref().and_then(value)).collect()),
            Outcome::Failed(failure) => Err(failure.kind.name().to_owned()),
        },
        confidence: sample.confidence(),
        prompt_tokens: usage.map(|usage| usage.prompt_tokens),
        completion_tokens: usage.map(|usage| usage.completion_tokens),
        seconds: sample.seconds,
    }
}

pub(crate) fn value(score: &Score) -> Option<f64> {
    match score {
        Score::Value(value) => Some(*value),
        Score::Abstain(_) => None,
    }
}
