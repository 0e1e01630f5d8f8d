//! Runs as what `rewarden-evaluate` measures.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use anyhow::{Context as _, Result, bail};
use rewarden_evaluate::{
    AtKOptions, Evaluation, Evaluator, Options, SampleOutcome, Scores, TaskOutcome, VotingOptions,
};
use rewarden_judge::{Given, Overrides, Replayer};
use rewarden_record::{Recorded, RunReader, SampleRecord, Task, failure_name};
use rewarden_runtime::contract::{Outcome, Score};
use rewarden_runtime::{Runtime, Sha256Digest};
use serde_json::Value;

use crate::filter::plain;
use crate::progress::Progress;
use crate::run_args::{MeasureOptions, Selection};
use crate::{run_tasks, strategy};

/// Measures one run, with its own policy for everything that is aggregated again.
pub(crate) fn run(
    path: &Path,
    measures: &MeasureOptions,
    selection: &Selection,
    runtime: &Runtime,
) -> Result<Evaluation> {
    let run = RunReader::open(path)?;
    let progress = Progress::new(Some(run.tasks()?), !selection.quiet);
    let pack = strategy::recorded(&run, runtime, &Overrides::default())?;
    let about = pack.policy.plugin.about();
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
    let options = Options { by, at_k, protocol: measures.protocol, voting };
    let evaluator = Evaluator::new(run_tasks::name(path), policy, model, options)?;
    // Measured side by side, added in between.
    let evaluator = RwLock::new(evaluator);
    let mut unfinished = 0_u64;
    run_tasks::for_each(
        run,
        &selection.filters,
        |recorded| {
            let Recorded { task, samples, reward: Some(reward), .. } = recorded else { return None };
            let reward = match reward {
                Ok(reward) => Ok(reward.scores.iter().map(value).collect()),
                Err(failure) => Err(failure.kind.name().to_owned()),
            };
            let outcome = task_outcome(&task, &samples, reward);
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
            Outcome::Failed(failure) => Err(failure_name(failure.kind).to_owned()),
        },
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
