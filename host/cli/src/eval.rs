//! `rewarden eval`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum, ValueHint};
use rewarden_evaluate::{Evaluation, Figures, Gain, Share, Voting};

use crate::console::{self, line, name, out};
use crate::display;
use crate::measure::MeasureOptions;
use crate::options::{ModelOptions, PackOptions, Places, SamplingOptions};
use crate::run_tasks::Selection;
use crate::score::{Kept, Scoring, load_pack};
use crate::task_source::TaskSource;
use crate::{measure, strategy};

const EVAL_HELP: &str = "\
A task is worth 1 when the preferred response won alone, 1/t when it is one of t tied at the top, 0 otherwise; intervals are 95 %. \
accuracy@k is the mean over random subsets of k of each task's samples, each aggregated by the run's own policy.
With --judges, tasks with the same conversation, responses and label (and the same `task` field, which `import` sets) are one item, \
whose samples vote together. A judge whose single votes are right in less than one half is one that majority hurts.

Examples:
  rewarden eval today.run mine.run --by subset
  rewarden eval judges.run --judges judge --strategies strategy    # one sample, both orders, or all of them?
  rewarden eval rewardbench.run --protocol rewardbench --format json
  rewarden eval tasks.jsonl --run today.run -k 8          # scores first, then measures";

#[derive(Debug, Args)]
#[command(after_help = EVAL_HELP)]
pub(crate) struct EvalArgs {
    /// Runs to compare; or one task file, which is scored first.
    #[arg(value_name = "RUN|TASKS", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) sources: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) measures: MeasureOptions,

    /// How the figures are printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: FigureFormat,

    /// With TASKS: keep the samples in this run
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) run: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) selection: Selection,

    #[command(flatten)]
    pub(crate) pack: PackOptions,
    #[command(flatten)]
    pub(crate) sampling: SamplingOptions,
    #[command(flatten)]
    pub(crate) model: ModelOptions,
    #[command(flatten)]
    pub(crate) places: Places,
}

/// See [`EvalArgs::format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FigureFormat {
    /// For people.
    Table,
    /// Everything, one JSON array of evaluations.
    Json,
}

/// Runs the command.
pub(crate) fn run(args: &EvalArgs) -> Result<ExitCode> {
    let runtime = strategy::runtime(&args.places)?;
    let mut evaluations = Vec::new();
    let mut scored = ExitCode::SUCCESS;
    for source in &args.sources {
        // A file that is no database is a task file, whatever it is called.
        let is_run = is_run(source)?;
        if !is_run && args.sources.len() > 1 {
            bail!(
                "{} is no run, and only one task file can be scored at a time; score it first, with \
                 `rewarden score {} --run FILE`",
                source.display(),
                source.display()
            );
        }
        if is_run && args.run.is_some() {
            bail!("--run is where the samples of a task file are kept, but {} is a run", source.display());
        }
        let kept;
        let path = if is_run {
            source.as_path()
        } else {
            kept = Kept::new(args.run.as_deref())?;
            let tasks = TaskSource::open(source, args.measures.protocol)?;
            let pack = load_pack(&args.pack, args.sampling.k, &args.places)?;
            let scoring = Scoring {
                sampling: &args.sampling,
                model: &args.model,
                places: &args.places,
                quiet: args.selection.quiet,
                retry_failed: false,
            };
            let ended = scoring.run(tasks, pack, None, &kept)?;
            if ended.early {
                return Ok(ended.code);
            }
            scored = ended.code;
            kept.path()
        };
        let mut evaluation = measure::run(path, &args.measures, &args.selection, &runtime)?;
        if !is_run {
            evaluation.name = crate::run_tasks::name(source);
        }
        evaluations.push(evaluation);
    }
    distinct_names(&mut evaluations);
    match args.format {
        FigureFormat::Json => {
            let text = serde_json::to_string_pretty(&evaluations).context("the figures cannot be written as JSON")?;
            writeln!(console::data(), "{text}")?;
        }
        FigureFormat::Table => out!("{}", text(&evaluations).trim_end()),
    }
    Ok(scored)
}

/// How an SQLite database begins, and how a Parquet file does.
const DATABASE: &[u8] = b"SQLite format 3\0";
const PARQUET: &[u8] = b"PAR1";

/// Bytes in which a damaged run shows itself: the head of a database has zeros among its first hundred.
const HEAD: u64 = 100;

/// Returns whether a file is a run, and not a task file.
///
/// # Errors
/// Returns why it is neither, before a model is loaded for it.
fn is_run(path: &Path) -> Result<bool> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head).with_context(|| format!("cannot read {}", path.display()))?;
    if head.starts_with(DATABASE) {
        return Ok(true);
    }
    if head.contains(&0) && !head.starts_with(PARQUET) {
        bail!(
            "{} is neither a run nor a task file: it begins with bytes that are in no text, and not as a database or a Parquet \
             file does; if it was a run, it is damaged: get it anew from where it came from",
            path.display()
        );
    }
    Ok(false)
}

/// Two files of the same name in different directories must stay apart.
pub(crate) fn distinct_names(evaluations: &mut [Evaluation]) {
    let names: Vec<String> = evaluations.iter().map(|evaluation| evaluation.name.clone()).collect();
    for (index, evaluation) in evaluations.iter_mut().enumerate() {
        let before = names.iter().take(index).filter(|name| **name == evaluation.name).count();
        if before > 0 {
            evaluation.name = format!("{} ({})", evaluation.name, before + 1);
        }
    }
}

fn text(evaluations: &[Evaluation]) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", overall(evaluations).trim_fmt());
    if evaluations.iter().any(|evaluation| !evaluation.at_k.is_empty()) {
        let _ = writeln!(text, "\naccuracy@k\n{}", at_k(evaluations).trim_fmt());
    }
    for evaluation in evaluations.iter().filter(|evaluation| !evaluation.groups.is_empty()) {
        let _ = writeln!(
            text,
            "\n{}, by {}\n{}",
            name(&evaluation.name),
            names(&evaluation.by).join(", "),
            groups(evaluation).trim_fmt()
        );
    }
    for evaluation in evaluations {
        let Some(voting) = &evaluation.voting else { continue };
        let _ = writeln!(text, "\n{}, does voting pay?\n{}", name(&evaluation.name), judges(voting).trim_fmt());
        for row in &voting.rows {
            let _ = writeln!(text, "{}: {}", names(&row.judge).join(", "), line(&row.words));
        }
    }
    for evaluation in evaluations {
        let Some(result) = &evaluation.protocol else { continue };
        let mut table = display::table();
        table.set_header(["", "", "score", "tasks"]);
        for row in &result.rows {
            table.add_row([
                row.level.to_owned(),
                name(&row.name).into_owned(),
                percent(row.score),
                row.tasks.to_string(),
            ]);
        }
        let total = result.total.map_or("– (parts of the benchmark are missing)".to_owned(), percent);
        table.add_row(["total".to_owned(), String::new(), total, String::new()]);
        let _ =
            writeln!(text, "\n{}, {}: {}\n{}", name(&evaluation.name), result.protocol, result.rule, table.trim_fmt());
    }
    text
}

fn overall(evaluations: &[Evaluation]) -> comfy_table::Table {
    let mut table = display::table();
    let mut header = vec![String::new()];
    header.extend(evaluations.iter().map(|evaluation| name(&evaluation.name).into_owned()));
    table.set_header(header);
    let mut row = |name: &str, cell: &dyn Fn(&Evaluation) -> String| {
        let mut cells = vec![name.to_owned()];
        cells.extend(evaluations.iter().map(cell));
        table.add_row(cells);
    };
    row("policy", &|evaluation| name(&evaluation.policy).into_owned());
    row("model", &|evaluation| name(&evaluation.model).into_owned());
    row("tasks", &|evaluation| {
        let Figures { tasks, labelled, .. } = &evaluation.overall;
        format!("{tasks}, {labelled} labelled")
    });
    row("accuracy", &|evaluation| share(evaluation.overall.accuracy));
    row("tied at the top", &|evaluation| evaluation.overall.tie_rate.map_or("–".to_owned(), percent));
    row("without a reward", &|evaluation| counts(&evaluation.overall.failed_tasks));
    row("samples valid", &|evaluation| {
        let Figures { samples, valid, .. } = &evaluation.overall;
        if *samples == 0 {
            "–".to_owned()
        } else {
            format!("{} of {samples}", percent(*valid as f64 / *samples as f64))
        }
    });
    row("failed samples", &|evaluation| counts(&evaluation.overall.failures));
    row("same winner when swapped", &|evaluation| share(evaluation.overall.swap_consistency));
    row("first shown wins", &|evaluation| share(evaluation.overall.first_shown_wins));
    row("tokens a task", &|evaluation| number(evaluation.overall.tokens_per_task, 0));
    row("seconds a task", &|evaluation| number(evaluation.overall.seconds_per_task, 2));
    table
}

fn at_k(evaluations: &[Evaluation]) -> comfy_table::Table {
    let mut ks: Vec<u32> = evaluations.iter().flat_map(|evaluation| evaluation.at_k.iter().map(|at| at.k)).collect();
    ks.sort_unstable();
    ks.dedup();
    let mut table = display::table();
    let mut header = vec!["k".to_owned()];
    header.extend(evaluations.iter().map(|evaluation| name(&evaluation.name).into_owned()));
    table.set_header(header);
    for k in ks {
        let mut cells = vec![k.to_string()];
        cells.extend(
            evaluations
                .iter()
                .map(|evaluation| share(evaluation.at_k.iter().find(|at| at.k == k).map(|at| at.accuracy))),
        );
        table.add_row(cells);
    }
    table
}

fn groups(evaluation: &Evaluation) -> comfy_table::Table {
    let mut table = display::table();
    let mut header = names(&evaluation.by);
    header.extend(["accuracy", "tied", "valid", "same when swapped", "first shown", "tasks"].map(str::to_owned));
    table.set_header(header);
    for group in &evaluation.groups {
        let figures = &group.figures;
        let valid = if figures.samples == 0 { None } else { Some(figures.valid as f64 / figures.samples as f64) };
        let mut cells = names(&group.values);
        cells.extend([
            share(figures.accuracy),
            figures.tie_rate.map_or("–".to_owned(), percent),
            valid.map_or("–".to_owned(), percent),
            figures.swap_consistency.map_or("–".to_owned(), |share| percent(share.value)),
            figures.first_shown_wins.map_or("–".to_owned(), |share| percent(share.value)),
            figures.tasks.to_string(),
        ]);
        table.add_row(cells);
    }
    table
}

fn judges(voting: &Voting) -> comfy_table::Table {
    let mut table = display::table();
    let mut header = names(&voting.judges);
    let heads = ["best single strategy", "both orders agree", "majority", "one vote", "gain", "majority …", "items"];
    header.extend(heads.map(str::to_owned));
    table.set_header(header);
    for row in &voting.rows {
        let best =
            row.strategies.first().map(|best| format!("{} {}", name(&best.strategy), percent(best.accuracy.value)));
        let both = row.both_orders.as_ref().map(|both| {
            let accuracy = both.accuracy.map_or("–".to_owned(), |share| percent(share.value));
            format!("{accuracy} of {}", percent(both.coverage.value))
        });
        let vote =
            |share: Share| format!("{} [{:.1}, {:.1}]", percent(share.value), 100.0 * share.low, 100.0 * share.high);
        let gain =
            |gain: Gain| format!("{:+.1} [{:+.1}, {:+.1}]", 100.0 * gain.value, 100.0 * gain.low, 100.0 * gain.high);
        let mut cells = names(&row.judge);
        cells.extend([
            best.unwrap_or("–".to_owned()),
            both.unwrap_or("–".to_owned()),
            row.majority.map_or("–".to_owned(), |share| percent(share.value)),
            row.vote.map_or("–".to_owned(), vote),
            row.gain.map_or("–".to_owned(), gain),
            row.finding.name().to_owned(),
            row.items.to_string(),
        ]);
        table.add_row(cells);
    }
    table
}

/// Names that others chose, as cells: a line break in one would begin a row of its own making.
fn names(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| name(text).into_owned()).collect()
}

fn share(share: Option<Share>) -> String {
    let text = |share: Share| {
        format!("{} [{:.1}, {:.1}]  n = {}", percent(share.value), 100.0 * share.low, 100.0 * share.high, share.tasks)
    };
    share.map_or("–".to_owned(), text)
}

fn percent(value: f64) -> String {
    format!("{:.1} %", 100.0 * value)
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.digits$}"))
}

fn counts(counts: &BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
}
