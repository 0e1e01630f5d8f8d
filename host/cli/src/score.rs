//! `rewarden score`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueHint};
use futures::{StreamExt as _, TryStreamExt as _};
use rewarden_evaluate::Protocol;
use rewarden_judge::{Judge, JudgeModels, JudgeSettings, Overrides, Pack, RowError, Setting};
use rewarden_record::{Budget, SamplingProvenance};
use rewarden_store::{Header, Recorder, RunReader, RunSource, RunWriter, StoreError};
use rewarden_types::Task;

use crate::console::err;
use crate::in_order::in_order;
use crate::options::{ModelOptions, Options, OutputOptions, PackOptions, Places, SamplingOptions};
use crate::output::Output;
use crate::progress::Progress;
use crate::stop::{Stop, StopSignal};
use crate::summary::Summary;
use crate::task_source::TaskSource;
use crate::{backend, packs, strategy};

const SCORE_HELP: &str = "\
A task is one JSON object a line:
  {\"id\": \"t1\", \"prompt\": \"2+2?\", \"responses\": [\"4\", \"5\"], \"reference\": \"4\", \"preferred\": 0}
  {\"prompt\": \"2+2?\", \"chosen\": \"4\", \"rejected\": \"5\"}
`messages` (a list of {role, content}, turns of tools among them) may stand for `prompt`; id, reference, preferred and metadata are optional.
A reference may be a text, a number, or a list of which any counts; a content may be a list of text parts.

Examples:
  rewarden score tasks.jsonl --out rewards.jsonl --samples samples.jsonl
  rewarden score tasks.jsonl --endpoint http://localhost:8000/v1 --model my-grm -k 8
  rewarden score tasks.parquet --run today.run       # started again, it goes on where it stopped
  rewarden score tasks.jsonl --scorer reward.py        # a reward function as it is, without a model
  rewarden score tasks.jsonl --policy my-policy.wasm --set policy.threshold=0.5
  cat tasks.jsonl | rewarden score - --pack ./my-pack --seed 7";

#[derive(Debug, Args)]
#[command(after_help = SCORE_HELP)]
pub(crate) struct ScoreArgs {
    /// Task file (JSONL, a JSON array, or Parquet), or - for standard input.
    #[arg(value_name = "TASKS", value_hint = ValueHint::FilePath)]
    pub(crate) tasks: PathBuf,

    /// The file is a benchmark's own: read its fields as that benchmark means them
    #[arg(long, value_name = "BENCHMARK")]
    pub(crate) dataset: Option<Protocol>,

    /// Draw samples again that failed because the model, its server or the host did, in the tasks of --run
    #[arg(long, requires = "run")]
    pub(crate) retry_failed: bool,

    #[command(flatten)]
    pub(crate) options: Options,
}

/// Exit status when some rows were bad or some tasks got no score.
pub(crate) const SOME_FAILED: u8 = 3;

/// How long samples that are under way may still take after a signal. Service managers and schedulers give a process
/// 10 s and more between asking it to end and ending it.
const GRACE: Duration = Duration::from_secs(5);

const DEFAULT_TEMPERATURE: f64 = 0.5;
const DEFAULT_MAX_TOKENS: u32 = 1024;

/// Runs the command.
pub(crate) fn run(args: &ScoreArgs) -> Result<ExitCode> {
    let options = &args.options;
    // What is quick to get wrong is checked before a model is loaded.
    let source = TaskSource::open(&args.tasks, args.dataset)?;
    let pack = load_pack(&options.pack, options.sampling.k, &options.places)?;
    Output::check(&options.output, &args.tasks)?;
    let scoring = Scoring {
        sampling: &options.sampling,
        model: &options.model,
        places: &options.places,
        quiet: options.output.quiet,
        retry_failed: args.retry_failed,
    };
    let kept = Kept::new(options.output.run.as_deref())?;
    Ok(scoring.run(source, pack, Some(&options.output), &kept)?.code)
}

/// How scoring ended.
pub(crate) struct Ended {
    /// What the process is to exit with.
    pub(crate) code: ExitCode,
    /// Whether a signal ended it before all tasks were judged.
    pub(crate) early: bool,
}

/// Where the run is kept.
pub(crate) struct Kept {
    path: PathBuf,
    /// Deleted with this value.
    scratch: Option<tempfile::TempDir>,
}

impl Kept {
    /// In `path`, or somewhere that is deleted in the end.
    pub(crate) fn new(path: Option<&Path>) -> Result<Self> {
        if let Some(path) = path {
            return Ok(Self { path: path.to_owned(), scratch: None });
        }
        let scratch = tempfile::Builder::new()
            .prefix("rewarden-run-")
            .tempdir()
            .context("cannot make a temporary directory for the run; give it a place with --run FILE")?;
        Ok(Self { path: scratch.path().join("run"), scratch: Some(scratch) })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A full disk of a temporary run, of which nothing is kept.
    fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        match (&self.scratch, error.downcast_ref::<StoreError>()) {
            (Some(scratch), Some(StoreError::DiskFull { .. })) => anyhow::anyhow!(
                "no space is left for the temporary run {}, which is deleted; set TMPDIR to a larger disk, or keep the run \
                 on one with --run FILE",
                scratch.path().display()
            ),
            _ => error,
        }
    }

    /// What is left of a run that a signal ended early, and how it goes on.
    fn told(&self, signal: StopSignal) -> Result<String> {
        let signal = signal.name();
        if self.scratch.is_some() {
            return Ok(format!(
                "stopped by {signal}: the rows that were written are whole, everything else is lost; --run FILE would keep it"
            ));
        }
        let reader = RunReader::open(&self.path)?;
        let (tasks, samples, path) = (reader.tasks()?, reader.samples()?, self.path.display());
        Ok(format!(
            "stopped by {signal}: {path} holds {samples} samples of {tasks} tasks; start the same command again to go on \
             from there"
        ))
    }
}

/// What the process exits with.
///
/// 0 after SIGTERM only when nothing is lost: whoever sent it asked for that end. Never after SIGINT: shells take
/// another status than 130 for a sign that the script may go on with its next command.
fn exit_status(stopped: Option<StopSignal>, kept: bool, some_failed: bool) -> u8 {
    match stopped {
        Some(signal) if signal == StopSignal::Interrupt || !kept => signal.status(),
        _ if some_failed => SOME_FAILED,
        _ => 0,
    }
}

/// Ends when the samples that were under way at a signal have had their time.
async fn patience(stop: &Stop, progress: &Progress) {
    let signal = stop.asked().await.name();
    let seconds = GRACE.as_secs();
    progress.print(|| {
        err!("{signal}: finishing what is under way, for {seconds} s at most; a second signal ends at once");
    });
    tokio::time::sleep(GRACE).await;
}

/// The pack that the options name.
pub(crate) fn load_pack(options: &PackOptions, k: Option<u32>, places: &Places) -> Result<Pack> {
    // Deleted when it is loaded: a loaded pack has no files.
    let made = match options.scorer.as_slice() {
        [] => None,
        scorers => Some(packs::of_scorers(scorers, places)?),
    };
    let directory = match &made {
        Some(made) => made.path().to_owned(),
        None => packs::find(&options.pack, places)?,
    };
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
    Ok(Pack::load(&strategy::runtime(places)?, &directory, &overrides)?)
}

fn sampling(options: &SamplingOptions, pack: &Pack) -> SamplingProvenance {
    let defaults = pack.sampling;
    SamplingProvenance {
        temperature: options.temperature.or(defaults.temperature).unwrap_or(DEFAULT_TEMPERATURE),
        top_p: options.top_p.or(defaults.top_p),
        max_tokens: Some(options.max_tokens.or(defaults.max_tokens).unwrap_or(DEFAULT_MAX_TOKENS)),
    }
}

/// Everything about scoring but the tasks and the pack.
pub(crate) struct Scoring<'a> {
    pub(crate) sampling: &'a SamplingOptions,
    pub(crate) model: &'a ModelOptions,
    pub(crate) places: &'a Places,
    pub(crate) quiet: bool,
    pub(crate) retry_failed: bool,
}

impl Scoring<'_> {
    /// Scores the tasks into the run, and writes rows to `output` where there is one.
    pub(crate) fn run(
        &self,
        source: TaskSource,
        pack: Pack,
        output: Option<&OutputOptions>,
        kept: &Kept,
    ) -> Result<Ended> {
        let runtime = crate::async_runtime::start()?;
        let ended = runtime.block_on(self.score(source, pack, output, kept)).map_err(|error| kept.explain(error));
        // Not waited for: the reader may be waiting for standard input.
        runtime.shutdown_background();
        ended
    }

    async fn score(
        &self,
        source: TaskSource,
        pack: Pack,
        output: Option<&OutputOptions>,
        kept: &Kept,
    ) -> Result<Ended> {
        let opener = backend::judges(self.model);
        if let Some(unknown) = opener.unknown(&pack) {
            bail!("{unknown}");
        }
        let model = match pack.asks_model() {
            true => backend::open(self.model, self.places, self.quiet).await?,
            false => backend::none(),
        };
        let meta_model = match pack.meta {
            Some(_) => backend::open_meta(self.model, self.places, self.quiet).await?,
            None => None,
        };
        let at_once = model.concurrency().max(1);
        let models = JudgeModels::of_pack(&pack, model, meta_model, &opener).map_err(anyhow::Error::msg)?;
        let held = models.held(&pack).await.map_err(anyhow::Error::msg)?;
        if !self.quiet {
            held.found.iter().chain(&held.dropped).chain(&held.unreached).for_each(|line| err!("{line}"));
        }
        let (models, dropped) = (held.models, held.dropped.len());
        let settings = JudgeSettings {
            sampling: sampling(self.sampling, &pack),
            seed: self.sampling.seed,
            budget: Budget { max_samples: self.sampling.max_samples, max_rounds: self.sampling.max_rounds },
        };
        let components = pack.components();
        let judge = Judge::new(pack, models, settings);
        let provenance = judge.provenance();
        let header = Header::new(RunSource::Score, None, provenance.drawn.clone(), Some(provenance.strategy.clone()));
        let recorder = self.recorder(kept, &header, &components)?;
        // Emptied now that the run is this process's own: the same command may be running already.
        let mut output = output.map(Output::open).transpose()?;
        let progress = Progress::new(source.rows(), !self.quiet);
        let shown = provenance.for_rows();
        let mut summary = Summary::new(dropped);
        let stop = Stop::listen().context("cannot listen for signals")?;
        let all_read = Arc::new(AtomicBool::new(false));

        let all_judged = {
            // Judged side by side, written in the order of the file. After a signal no further task is begun.
            let judged = tasks(source, all_read.clone()).take_until(stop.asked()).map_ok(|row| async {
                let (line, task) = match row {
                    Ok((line, task)) => (line, task),
                    Err(error) => return Ok(Err(error)),
                };
                match judge.judge_recorded(&task, &recorder, &progress).await {
                    Ok(verdict) => Ok(Ok((task, verdict))),
                    Err(error @ (StoreError::TaskChanged { .. } | StoreError::TooLarge { .. })) => {
                        Ok(Err(RowError { line, id: Some(task.id), field: None, message: error.to_string() }))
                    }
                    Err(error) => Err(error.into()),
                }
            });
            let mut judged = std::pin::pin!(in_order(judged, at_once));
            let mut patience = std::pin::pin!(patience(&stop, &progress));
            loop {
                let row = tokio::select! {
                    row = judged.try_next() => row?,
                    () = &mut patience => break false,
                };
                let Some(row) = row else { break all_read.load(Ordering::Relaxed) };
                match row {
                    Ok((task, verdict)) => {
                        summary.add(&task, &verdict);
                        if let Some(output) = &mut output {
                            progress.print(|| output.verdict(&task, &verdict, &shown))?;
                        }
                    }
                    Err(error) => {
                        summary.bad_row();
                        tracing::warn!("{error}");
                        if let Some(output) = &mut output {
                            progress.print(|| output.error(&error))?;
                        }
                    }
                }
                progress.task_done();
            }
        };
        tokio::task::block_in_place(|| recorder.close())?;
        progress.finish();
        if !self.quiet {
            err!("{}", summary.text(progress.elapsed(), progress.tokens()));
        }
        let stopped = stop.signal().filter(|_| !all_judged);
        if let Some(signal) = stopped {
            err!("{}", kept.told(signal)?);
        }
        let code = exit_status(stopped, kept.scratch.is_none(), summary.has_errors());
        Ok(Ended { code: ExitCode::from(code), early: stopped.is_some() })
    }

    fn recorder(
        &self,
        kept: &Kept,
        header: &Header,
        components: &[rewarden_record::RecordedComponent],
    ) -> Result<Recorder> {
        let writer = match kept.scratch {
            Some(_) => RunWriter::scratch(kept.path(), header, components)?,
            None => RunWriter::open(kept.path(), header, components)?,
        };
        if self.retry_failed {
            let reopened = writer.forget_model_errors()?;
            if !self.quiet {
                err!("{reopened} tasks failed with the model or the host; what is missing of them is drawn again");
            }
        }
        if kept.scratch.is_none() && !self.quiet {
            let reader = RunReader::open(kept.path())?;
            let (tasks, samples) = (reader.tasks()?, reader.samples()?);
            if tasks > 0 {
                err!("{} holds {samples} samples of {tasks} tasks; going on from there", kept.path().display());
            }
        }
        Recorder::start(writer).context("cannot start the thread that writes the run")
    }
}

/// The rows of the file, read on a blocking thread and a little ahead of what is judged. `all_read` is set at its end.
fn tasks(
    source: TaskSource,
    all_read: Arc<AtomicBool>,
) -> impl futures::Stream<Item = Result<Result<(u64, Task), RowError>>> {
    let source = Arc::new(std::sync::Mutex::new(source));
    futures::stream::try_unfold((source, all_read), |(source, all_read)| async move {
        let reader = source.clone();
        let row = tokio::task::spawn_blocking(move || {
            reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next()
        })
        .await
        .context("the reader of the task file was lost")??;
        if row.is_none() {
            all_read.store(true, Ordering::Relaxed);
        }
        Ok(row.map(|row| (row, (source, all_read))))
    })
}
