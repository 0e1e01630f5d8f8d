//! `rewarden report`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum, ValueHint};
use rewarden_evaluate::Evaluation;
use rewarden_record::{Recorded, SampleRecord};
use rewarden_report::{
    Background, BrowsedCriterion, BrowsedMessage, BrowsedPrinciple, BrowsedRun, BrowsedSample, BrowsedTask, Page,
    SvgStyle, curve_png, curve_svg,
};
use rewarden_store::RunReader;
use rewarden_types::{CriterionScore, Outcome, Principle, Rating, Reward, Role, Standing};

use crate::console::err;
use crate::eval::distinct_names;
use crate::filter::{Filter, plain};
use crate::measure::MeasureOptions;
use crate::measure::{self, value};
use crate::options::Places;
use crate::run_tasks::Selection;
use crate::{output_path, strategy};

const REPORT_HELP: &str = "\
Examples:
  rewarden report today.run mine.run --out report.html
  rewarden report today.run --format svg --out curve.svg";

#[derive(Debug, Args)]
#[command(after_help = REPORT_HELP)]
pub(crate) struct ReportArgs {
    /// The runs, finished or not.
    #[arg(value_name = "RUN", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) runs: Vec<PathBuf>,

    /// The file to write.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: PathBuf,

    /// What to write [default: by the file's ending, else html]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<ReportFormat>,

    /// Tasks to show one by one, the first of each run; the figures are always of all
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub(crate) tasks: u64,

    /// Heading of the page
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,

    #[command(flatten)]
    pub(crate) measures: MeasureOptions,

    #[command(flatten)]
    pub(crate) selection: Selection,

    #[command(flatten)]
    pub(crate) places: Places,
}

/// See [`ReportArgs::format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// One self-contained page.
    Html,
    /// The accuracy@k curve.
    Svg,
    /// The accuracy@k curve, 1600 x 1000 pixels.
    Png,
}

const PNG_SIZE: (u32, u32) = (1600, 1000);
/// Tasks that are read together.
const CHUNK: usize = 64;

/// Runs the command.
pub(crate) fn run(args: &ReportArgs) -> Result<ExitCode> {
    let format = args.format.unwrap_or_else(|| by_ending(&args.out));
    let read: Vec<&Path> = args.runs.iter().map(PathBuf::as_path).collect();
    output_path::check(&[("--out", Some(&args.out))], &read)?;
    let runtime = strategy::runtime(&args.places)?;
    let mut evaluations = Vec::new();
    for path in &args.runs {
        evaluations.push(measure::run(path, &args.measures, &args.selection, &runtime)?);
    }
    distinct_names(&mut evaluations);
    output_path::write_whole(&args.out, |file| {
        let cannot = || format!("cannot write {}", args.out.display());
        match format {
            ReportFormat::Svg => {
                let style = SvgStyle { background: Background::White, ..SvgStyle::default() };
                file.write_all(curve_svg(&evaluations, style)?.as_bytes()).with_context(cannot)
            }
            ReportFormat::Png => {
                let (width, height) = PNG_SIZE;
                file.write_all(&curve_png(&evaluations, width, height)?).with_context(cannot)
            }
            ReportFormat::Html => page(args, &evaluations, file),
        }
    })?;
    if !args.selection.quiet {
        err!("wrote {}", args.out.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn by_ending(path: &Path) -> ReportFormat {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("svg") => ReportFormat::Svg,
        Some("png") => ReportFormat::Png,
        _ => ReportFormat::Html,
    }
}

fn page(args: &ReportArgs, evaluations: &[Evaluation], file: &mut File) -> Result<()> {
    let names: Vec<&str> = evaluations.iter().map(|evaluation| evaluation.name.as_str()).collect();
    let title = args.title.clone().unwrap_or_else(|| names.join(", "));
    let mut page = Page::begin(BufWriter::new(file), &title, evaluations)?;
    let mut runs = Vec::new();
    for (path, name) in args.runs.iter().zip(&names) {
        runs.push((*name, RunReader::open(path)?));
    }
    let Some(((first_name, first), others)) = runs.split_first() else { return Ok(()) };
    let (mut shown, mut after) = (0_u64, None);
    loop {
        let chunk = first.chunk(after, CHUNK)?;
        let Some(last) = chunk.last() else { break };
        after = Some(last.key);
        for recorded in chunk.into_iter().filter(|recorded| keeps(&args.selection.filters, recorded)) {
            if shown >= args.tasks {
                page.omit(1);
                continue;
            }
            shown += 1;
            let mut task = browsed_task(&recorded);
            task.runs.push(browsed_run(first_name, &recorded));
            for (name, other) in others {
                if let Some(same) = other.task(&recorded.task.id)? {
                    task.runs.push(browsed_run(name, &same));
                }
            }
            page.task(&task)?;
        }
    }
    page.finish()?.flush().with_context(|| format!("cannot write {}", args.out.display()))
}

fn keeps(filters: &[Filter], recorded: &Recorded) -> bool {
    filters.iter().all(|filter| filter.keeps(&recorded.task))
}

fn browsed_task(recorded: &Recorded) -> BrowsedTask {
    let task = &recorded.task;
    let role = |role| match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let fields: BTreeMap<String, String> =
        task.metadata.iter().filter_map(|(name, value)| Some((name.clone(), plain(value)?))).collect();
    BrowsedTask {
        id: task.id.clone(),
        conversation: task
            .messages
            .iter()
            .map(|message| BrowsedMessage { role: role(message.role).to_owned(), content: message.content.clone() })
            .collect(),
        responses: task.responses.iter().map(ToString::to_string).collect(),
        preferred: task.preferred,
        reference: task.reference.as_deref().map(str::to_owned),
        fields,
        runs: Vec::new(),
    }
}

fn browsed_run(name: &str, recorded: &Recorded) -> BrowsedRun {
    let reward = recorded.reward.as_ref();
    let given = reward.and_then(|reward| reward.as_ref().ok());
    let scores = given.map(|reward| &reward.scores);
    let standing = scores.map(|scores| Standing::of(scores));
    let error = match reward {
        None => Some(BrowsedRun::UNFINISHED.to_owned()),
        Some(Err(failure)) => Some(format!("{}: {}", failure.kind.name(), failure.message)),
        Some(Ok(_)) => None,
    };
    BrowsedRun {
        run: name.to_owned(),
        scores: scores.map(|scores| scores.iter().map(value).collect()),
        best: standing.as_ref().and_then(|standing| standing.best),
        tied: standing.map(|standing| standing.tied).unwrap_or_default(),
        criteria: given.map(|reward| browsed_criteria(&reward.criteria)).unwrap_or_default(),
        confidence: given.and_then(|reward| reward.confidence),
        principles: recorded.principles.as_deref().map(|record| browsed_principles(record.given())).unwrap_or_default(),
        error,
        samples: recorded.samples.iter().map(|sample| browsed_sample(sample, given)).collect(),
    }
}

fn browsed_criteria(criteria: &[CriterionScore]) -> Vec<BrowsedCriterion> {
    let browsed = |entry: &CriterionScore| BrowsedCriterion {
        criterion: entry.criterion.clone(),
        response: entry.response,
        score: value(&entry.score),
    };
    criteria.iter().map(browsed).collect()
}

fn browsed_principles(principles: &[Principle]) -> Vec<BrowsedPrinciple> {
    let browsed = |principle: &Principle| BrowsedPrinciple {
        name: principle.name.clone(),
        weight: principle.weight.filter(|weight| weight.is_finite()),
        text: principle.text.clone(),
    };
    principles.iter().map(browsed).collect()
}

/// A sample, and why the reward did not count it if it could be read.
fn browsed_sample(sample: &SampleRecord, reward: Option<&Reward>) -> BrowsedSample {
    let completion = sample.completion.as_ref();
    let judgement = sample.judgement.as_ref();
    let (scores, failure) = match &sample.outcome {
        Outcome::Scored(scores) => (Some(scores.iter().map(|score| score.as_ref().and_then(value)).collect()), None),
        Outcome::Failed(failure) => (None, Some(format!("{}: {}", failure.kind.name(), failure.message))),
    };
    let rejection = reward.and_then(|reward| reward.rejected.iter().find(|rejection| rejection.sample == sample.id));
    let rejected = rejection.map(|rejection| format!("{}: {}", rejection.kind.counts_as().name(), rejection.message));
    let failure = failure.or(rejected);
    let principles = judgement.map(|judgement| judgement.principles.as_slice()).unwrap_or_default();
    BrowsedSample {
        id: sample.id,
        judge: sample.judge.clone(),
        order: sample.order.iter().map(|&index| index as usize).collect(),
        scores,
        failure,
        thinking: completion.and_then(|completion| completion.thinking.clone()),
        text: completion.map(|completion| completion.text.clone()),
        critique: judgement.and_then(|judgement| judgement.critique.clone()),
        principles: browsed_principles(principles),
        criteria: browsed_criteria(&sample.criteria()),
        confidence: sample.confidence(),
        rating: match sample.meta.as_ref().map(|meta| &meta.rating) {
            Some(Rating::Rated(rating)) => Some(*rating),
            _ => None,
        },
        tokens: sample.usage().map(|usage| u64::from(usage.prompt_tokens) + u64::from(usage.completion_tokens)),
        seconds: sample.seconds,
    }
}
