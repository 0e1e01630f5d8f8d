//! `rewarden export`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum, ValueHint};
use rewarden_record::{Recorded, SampleRecord, TaskFailure, Verdict, criterion_rows, level_rows};
use rewarden_tables::{Column, Format, Kind, RowWriter};
use rewarden_types::{Outcome, Rating, Reward, Standing};
use serde_json::{Value, json};

use crate::console::{self, err};
use crate::measure::value;
use crate::progress::Progress;
use crate::run_tasks::Selection;
use crate::{output_path, run_tasks};

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The run.
    #[arg(value_name = "RUN", value_hint = ValueHint::FilePath)]
    pub(crate) run: PathBuf,

    /// Which rows
    #[arg(long, value_name = "WHAT", default_value = "rewards")]
    pub(crate) what: What,

    /// Format of the file [default: by the ending of --out, else jsonl]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<RowFormat>,

    /// The file to write [default: stdout; Parquet needs a file]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) selection: Selection,
}

/// See [`ExportArgs::what`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// One row a finished task.
    Rewards,
    /// One row a sample.
    Samples,
}

/// See [`ExportArgs::format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values; lists as JSON text.
    Csv,
}

const REWARDS: [Column; 17] = [
    Column::required("id", Kind::Text),
    Column::optional("scores", Kind::Numbers),
    Column::optional("best", Kind::Integer),
    Column::required("tied", Kind::Integers),
    Column::optional("preferred", Kind::Integer),
    Column::required("k", Kind::Integer),
    Column::required("valid", Kind::Integer),
    Column::required("failures", Kind::Json),
    Column::required("used", Kind::Integers),
    Column::required("details", Kind::Json),
    Column::optional("criteria", Kind::Json),
    Column::optional("confidence", Kind::Number),
    Column::optional("rejected", Kind::Json),
    Column::optional("error_kind", Kind::Text),
    Column::optional("error_message", Kind::Text),
    Column::required("responses", Kind::Integer),
    Column::required("metadata", Kind::Json),
];

const SAMPLES: [Column; 28] = [
    Column::required("task", Kind::Text),
    Column::required("sample", Kind::Integer),
    Column::required("round", Kind::Integer),
    Column::required("order", Kind::Integers),
    Column::optional("judge", Kind::Text),
    Column::optional("asked", Kind::Texts),
    Column::optional("built_on", Kind::Integers),
    Column::required("temperature", Kind::Number),
    Column::required("seed", Kind::Integer),
    Column::optional("text", Kind::Text),
    Column::optional("thinking", Kind::Text),
    Column::optional("finish", Kind::Text),
    Column::optional("prompt_tokens", Kind::Integer),
    Column::optional("completion_tokens", Kind::Integer),
    Column::optional("seconds", Kind::Number),
    Column::optional("scores", Kind::Numbers),
    Column::optional("criteria", Kind::Json),
    Column::optional("confidence", Kind::Number),
    Column::optional("distributions", Kind::Json),
    Column::optional("answer_logprob", Kind::Number),
    Column::optional("thinking_logprob", Kind::Number),
    Column::optional("failure_kind", Kind::Text),
    Column::optional("failure_message", Kind::Text),
    Column::optional("principles", Kind::Json),
    Column::optional("critique", Kind::Text),
    Column::optional("rating", Kind::Number),
    Column::optional("tokens", Kind::Json),
    Column::required("extra", Kind::Json),
];

/// Runs the command.
pub(crate) fn run(args: &ExportArgs) -> Result<ExitCode> {
    let run = run_tasks::open(&args.run)?;
    let ending = args.out.as_deref().and_then(|path| path.extension()).map(|ending| ending.to_string_lossy());
    let format = match (args.format, ending.as_deref()) {
        (Some(RowFormat::Parquet), _) | (None, Some("parquet")) => Format::Parquet,
        (Some(RowFormat::Csv), _) | (None, Some("csv")) => Format::Csv,
        _ => Format::Jsonl,
    };
    let columns = match args.what {
        What::Rewards => REWARDS.as_slice(),
        What::Samples => SAMPLES.as_slice(),
    }
    .to_vec();
    output_path::check(&[("--out", args.out.as_deref())], &[&args.run])?;
    let mut rows = match &args.out {
        Some(path) => RowWriter::create(path, format, columns)?,
        None if format == Format::Parquet => bail!("Parquet cannot be written to a terminal or pipe; give --out FILE"),
        None => RowWriter::to_writer("stdout", console::data(), format, columns)?,
    };
    let progress = Progress::new(Some(run.tasks()?), !args.selection.quiet && args.out.is_some());
    let digest = run.digest();
    let mut written = 0_u64;
    run_tasks::for_each(
        run,
        &args.selection.filters,
        |recorded| match args.what {
            What::Rewards => reward_row(recorded).into_iter().collect::<Vec<_>>(),
            What::Samples => {
                recorded.samples.iter().map(|sample| sample_row(&recorded.task.id, sample)).collect::<Vec<_>>()
            }
        },
        |new| {
            for row in new {
                rows.write(&row)?;
                written += 1;
            }
            progress.task_done();
            Ok(())
        },
    )?;
    rows.finish()?;
    progress.finish();
    if !args.selection.quiet {
        if let Some(path) = &args.out {
            err!("{written} rows in {}", path.display());
        }
        if let Some(digest) = digest {
            err!("{} has the digest {digest}", args.run.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// In the order of [`REWARDS`]; none for an unfinished task.
fn reward_row(recorded: Recorded) -> Option<Vec<Value>> {
    let (task, verdict) = recorded.into_verdict();
    let verdict: Verdict = verdict?;
    let reward: Option<&Reward> = verdict.reward.as_ref().ok();
    let failure: Option<&TaskFailure> = verdict.reward.as_ref().err();
    let standing = verdict.standing().unwrap_or(Standing { best: None, tied: Vec::new() });
    let scores: Option<Vec<_>> = reward.map(|reward| reward.scores.iter().map(value).collect());
    Some(vec![
        json!(task.id),
        json!(scores),
        json!(standing.best),
        json!(standing.tied),
        json!(task.preferred),
        json!(verdict.samples.len()),
        json!(verdict.valid()),
        json!(verdict.failures()),
        json!(reward.map(|reward| reward.used.clone()).unwrap_or_default()),
        verdict.details(),
        json!(reward.map(|reward| criterion_rows(reward.criteria.iter().cloned())).filter(|rows| !rows.is_empty())),
        json!(reward.and_then(|reward| reward.confidence)),
        json!(reward.map(|reward| &reward.rejected).filter(|rejected| !rejected.is_empty())),
        json!(failure.map(|failure| failure.kind.name())),
        json!(failure.map(|failure| &failure.message)),
        json!(task.responses.len()),
        Value::Object(task.metadata),
    ])
}

/// In the order of [`SAMPLES`].
fn sample_row(task: &str, sample: &SampleRecord) -> Vec<Value> {
    let completion = sample.completion.as_ref();
    let usage = sample.usage();
    let (scores, failure) = match &sample.outcome {
        Outcome::Scored(scores) => {
            (Some(scores.iter().map(|score| score.as_ref().and_then(value)).collect::<Vec<_>>()), None)
        }
        Outcome::Failed(failure) => (None, Some(failure)),
    };
    let judgement = sample.judgement.as_ref();
    let principles = judgement.map(|judgement| {
        let principle = |principle: &rewarden_types::Principle| {
            json!({"name": principle.name, "weight": principle.weight, "text": principle.text})
        };
        judgement.principles.iter().map(principle).collect::<Vec<_>>()
    });
    let distributions: Vec<_> = sample.distributions().iter().map(|levels| level_rows(levels)).collect();
    let tokens = completion.map(|completion| &completion.tokens).filter(|tokens| !tokens.is_empty());
    vec![
        json!(task),
        json!(sample.id),
        json!(sample.round),
        json!(sample.order),
        json!(sample.judge),
        json!(Some(&sample.asked).filter(|asked| !asked.is_empty())),
        json!(Some(&sample.built_on).filter(|built_on| !built_on.is_empty())),
        json!(sample.temperature),
        json!(sample.seed),
        json!(completion.map(|completion| &completion.text)),
        json!(completion.and_then(|completion| completion.thinking.as_ref())),
        json!(completion.map(|completion| completion.finish)),
        json!(usage.map(|usage| usage.prompt_tokens)),
        json!(usage.map(|usage| usage.completion_tokens)),
        json!(sample.seconds),
        json!(scores),
        json!(Some(criterion_rows(sample.criteria())).filter(|rows| !rows.is_empty())),
        json!(sample.confidence()),
        json!(Some(distributions).filter(|distributions| !distributions.is_empty())),
        json!(completion.and_then(|completion| completion.answer_logprob)),
        json!(completion.and_then(|completion| completion.thinking_logprob)),
        json!(failure.map(|failure| failure.kind.name())),
        json!(failure.map(|failure| &failure.message)),
        json!(principles),
        json!(judgement.and_then(|judgement| judgement.critique.as_ref())),
        json!(match sample.meta.as_ref().map(|meta| &meta.rating) {
            Some(Rating::Rated(rating)) => Some(*rating),
            _ => None,
        }),
        json!(tokens),
        Value::Object(sample.extra.clone()),
    ]
}
