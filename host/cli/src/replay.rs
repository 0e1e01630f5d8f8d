//! `rewarden replay`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::{Args, ValueHint};
use rewarden_judge::{Given, Replayed, Replayer};
use rewarden_record::PrinciplesRecord;
use rewarden_store::{Header, RunSource, RunWriter};
use rewarden_types::Task;

use crate::console::err;
use crate::diff::Diff;
use crate::options::Places;
use crate::output::Output;
use crate::progress::Progress;
use crate::run_tasks::Selection;
use crate::score::SOME_FAILED;
use crate::strategy::StrategyOptions;
use crate::summary::Summary;
use crate::{output_path, run_tasks, strategy};

const REPLAY_HELP: &str = "\
A draw gets the first unused sample that showed the same responses in the same order, or else in another order; a task whose policy \
asks for more than the run holds ends as `not_recorded`. --all-samples hands the policy everything at once instead.

Examples:
  rewarden replay today.run --set policy.aggregate=mean --diff
  rewarden replay today.run --policy my-policy.wasm --run mine.run && rewarden eval today.run mine.run
  rewarden replay judges.run --pack llmbar --all-samples --where strategy=Rating* --out rewards.jsonl

Exit status: 0 all well; 3 some tasks got no score.";

#[derive(Debug, Args)]
#[command(after_help = REPLAY_HELP)]
pub(crate) struct ReplayArgs {
    /// The run.
    #[arg(value_name = "RUN", value_hint = ValueHint::FilePath)]
    pub(crate) source: PathBuf,

    #[command(flatten)]
    pub(crate) strategy: StrategyOptions,

    /// Hand the policy all recorded samples at once, instead of those that it asks for
    #[arg(long)]
    pub(crate) all_samples: bool,

    /// Compare with the run's own rewards, on stderr
    #[arg(long)]
    pub(crate) diff: bool,

    /// Keep the result as a run of its own
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) run: Option<PathBuf>,

    /// Write result rows (JSONL) to a file [default: stdout]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,

    /// Write every sample (JSONL) as it is read now
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) samples: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) selection: Selection,

    #[command(flatten)]
    pub(crate) places: Places,
}

/// Tasks between two commits of the new run: replaying is cheap to do again.
const COMMIT_EVERY: u64 = 1000;

/// Runs the command.
pub(crate) fn run(args: &ReplayArgs) -> Result<ExitCode> {
    let outputs =
        [("--run", args.run.as_deref()), ("--out", args.out.as_deref()), ("--samples", args.samples.as_deref())];
    output_path::check(&outputs, &[&args.source])?;
    let run = run_tasks::open(&args.source)?;
    if let Some(new) = args.run.as_ref().filter(|new| new.exists()) {
        bail!("{} exists; a replay makes a new run: give --run another file, or delete it", new.display());
    }
    let pack = strategy::of_run(&run, &args.strategy, &args.places)?;
    let given = if args.all_samples { Given::All } else { Given::Asked };
    let components = pack.components();
    let replayer = Replayer::new(pack, run.header().drawn.clone(), given);
    let provenance = replayer.provenance().clone();
    let writer = match &args.run {
        None => None,
        Some(path) => {
            let origin = Some(format!("replay of {}", args.source.display()));
            let strategy = Some(provenance.strategy.clone());
            let header = Header::new(RunSource::Replay, origin, provenance.drawn.clone(), strategy);
            Some(RunWriter::open(path, &header, &components)?)
        }
    };
    // The rows go to stdout unless the result is kept somewhere else.
    let rows_wanted = args.out.is_some() || args.run.is_none();
    let mut output = Output::of_replay(args.out.as_deref(), args.samples.as_deref(), rows_wanted)?;
    let progress = Progress::new(Some(run.tasks()?), !args.selection.quiet);
    let shown = provenance.for_rows();
    let mut summary = Summary::default();
    let mut diff = Diff::default();
    let mut missing = Missing::default();
    let mut done = 0_u64;
    run_tasks::for_each(
        run,
        &args.selection.filters,
        |recorded| {
            let replayed = replayer.replay(&recorded);
            (recorded.task, recorded.principles, recorded.reward, replayed)
        },
        |(task, principles, before, replayed): (Task, Option<Arc<PrinciplesRecord>>, _, Replayed)| {
            missing.add(replayed.not_recorded);
            summary.add(&task, &replayed.verdict);
            if args.diff {
                diff.add(&task, before.as_ref(), &replayed.verdict.reward);
            }
            if let Some(writer) = &writer {
                writer.begin()?;
                let begun = writer.begin_task(&task)?;
                if let Some(principles) = &principles {
                    writer.judged_under(begun.key, principles)?;
                }
                for sample in &replayed.verdict.samples {
                    writer.add_sample(begun.key, sample)?;
                }
                writer.finish_task(begun.key, &replayed.verdict.reward)?;
                done += 1;
                if done.is_multiple_of(COMMIT_EVERY) {
                    writer.commit()?;
                }
            }
            progress.print(|| output.verdict_buffered(&task, &replayed.verdict, &shown))?;
            progress.task_done();
            Ok(())
        },
    )?;
    output.finish()?;
    if let Some(writer) = writer {
        writer.close()?;
    }
    progress.finish();
    if !args.selection.quiet {
        err!("{}", summary.text_of_replay(progress.elapsed()));
        if missing.tasks > 0 {
            err!(
                "not recorded: the policy asked {} tasks for {} samples or ratings that the run does not hold",
                missing.tasks,
                missing.samples
            );
        }
    }
    if args.diff {
        err!("{}", diff.text());
    }
    Ok(if summary.has_errors() { ExitCode::from(SOME_FAILED) } else { ExitCode::SUCCESS })
}

#[derive(Default)]
struct Missing {
    tasks: u64,
    samples: u64,
}

impl Missing {
    fn add(&mut self, samples: u32) {
        self.tasks += u64::from(samples > 0);
        self.samples += u64::from(samples);
    }
}
