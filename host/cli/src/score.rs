//! `rewarden score`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures::TryStreamExt;
use rewarden_judge::{Budget, Judge, JudgeSettings, Overrides, Pack, RowError, SamplingProvenance, Setting, Task};
use rewarden_runtime::{Limits, Runtime};

use crate::args::{Options, PackOptions, Places, SamplingOptions, ScoreArgs};
use crate::output::Output;
use crate::progress::Progress;
use crate::summary::Summary;
use crate::task_source::TaskSource;
use crate::{backend, model, packs};

/// Exit status when some rows were bad or some tasks got no score.
const SOME_FAILED: u8 = 3;

const DEFAULT_TEMPERATURE: f64 = 0.5;
const DEFAULT_MAX_TOKENS: u32 = 1024;

/// Runs the command.
pub(crate) fn run(args: ScoreArgs) -> Result<ExitCode> {
    // What is quick to get wrong is checked before a model is loaded.
    let source = TaskSource::open(&args.tasks)?;
    let pack = load_pack(&args.options.pack, args.options.sampling.k, &args.options.places)?;
    let output = Output::open(&args.options.output, &args.tasks)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Plugins run on the blocking threads; wasm itself may use 512 KiB of this.
        .thread_stack_size(4 << 20)
        .build()
        .context("cannot start the async runtime")?;
    runtime.block_on(score(source, pack, output, &args.options))
}

fn load_pack(options: &PackOptions, k: Option<u32>, places: &Places) -> Result<Pack> {
    let directory = packs::find(&options.pack, places)?;
    let runtime = Runtime::new(Limits::default(), Some(&model::cache(places)?.join("components")))?;
    let mut settings = options.set.clone();
    if let Some(k) = k {
        settings.push(format!("policy.k={k}").parse::<Setting>().map_err(anyhow::Error::msg)?);
    }
    let overrides = Overrides {
        template: options.template.clone(),
        parser: options.parser.clone(),
        policy: options.policy.clone(),
        settings,
    };
    Ok(Pack::load(&runtime, &directory, &overrides)?)
}

fn sampling(options: &SamplingOptions, pack: &Pack) -> SamplingProvenance {
    let defaults = pack.sampling;
    SamplingProvenance {
        temperature: options.temperature.or(defaults.temperature).unwrap_or(DEFAULT_TEMPERATURE),
        top_p: options.top_p.or(defaults.top_p),
        max_tokens: options.max_tokens.or(defaults.max_tokens).unwrap_or(DEFAULT_MAX_TOKENS),
    }
}

async fn score(source: TaskSource, pack: Pack, mut output: Output, options: &Options) -> Result<ExitCode> {
    let model = backend::open(&options.model, &options.places, options.output.quiet).await?;
    let at_once = model.concurrency().max(1);
    let settings = JudgeSettings {
        sampling: sampling(&options.sampling, &pack),
        seed: options.sampling.seed,
        budget: Budget { max_samples: options.sampling.max_samples, max_rounds: options.sampling.max_rounds },
    };
    let judge = Judge::new(pack, model, settings);
    let progress = Progress::new(source.rows(), !options.output.quiet);
    let mut summary = Summary::default();

    // Judged side by side, written in the order of the file.
    let judged = tasks(source).map_ok(|row| async {
        match row {
            Ok(task) => {
                let verdict = judge.judge(&task, &progress).await;
                Ok(Ok((task, verdict)))
            }
            Err(error) => Ok(Err(error)),
        }
    });
    let mut judged = std::pin::pin!(judged.try_buffered(at_once));
    while let Some(row) = judged.try_next().await? {
        match row {
            Ok((task, verdict)) => {
                summary.add(&task, &verdict);
                progress.print(|| output.verdict(&task, &verdict, judge.provenance()))?;
            }
            Err(error) => {
                summary.bad_row();
                tracing::warn!("{error}");
                progress.print(|| output.error(&error))?;
            }
        }
        progress.task_done();
    }
    progress.finish();
    if !options.output.quiet {
        eprintln!("{}", summary.text(progress.elapsed()));
    }
    Ok(if summary.has_errors() { ExitCode::from(SOME_FAILED) } else { ExitCode::SUCCESS })
}

/// The rows of the file, read on a blocking thread and a little ahead of what is judged.
fn tasks(source: TaskSource) -> impl futures::Stream<Item = Result<Result<Task, RowError>>> {
    let source = Arc::new(std::sync::Mutex::new(source));
    futures::stream::try_unfold(source, |source| async move {
        let reader = source.clone();
        let row = tokio::task::spawn_blocking(move || {
            reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next()
        })
        .await
        .context("the reader of the task file was lost")??;
        Ok(row.map(|row| (row, source)))
    })
}
