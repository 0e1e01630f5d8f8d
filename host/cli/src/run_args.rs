//! The command line of what is done with runs.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use rewarden_evaluate::Protocol;

use crate::args::{ModelOptions, PackOptions, Places, SamplingOptions};
use crate::filter::Filter;
use rewarden_judge::Setting;
use rewarden_runtime::Sha256Digest;

pub(crate) const REPLAY_HELP: &str = "\
A draw gets the first unused sample that showed the same responses in the same order, or else in another order; a task whose policy \
asks for more than the run holds ends as `not_recorded`. --all-samples hands the policy everything at once instead.

Examples:
  rewarden replay today.run --set policy.aggregate=mean --diff
  rewarden replay today.run --policy my-policy.wasm --run mine.run && rewarden eval today.run mine.run
  rewarden replay judges.run --pack llmbar --all-samples --where strategy=Rating* --out rewards.jsonl

Exit status: 0 all well; 3 some tasks got no score.";

pub(crate) const VERIFY_HELP: &str = "\
Without --pack the components that the run itself holds are called. With it, those of the pack: whatever differs is named.

Exit status: 0 everything came out as recorded; 1 something did not.";

pub(crate) const EVAL_HELP: &str = "\
A task is worth 1 when the preferred response won alone, 1/t when it is one of t tied at the top, 0 otherwise; intervals are 95 %. \
accuracy@k is the mean over random subsets of k of each task's samples, each aggregated by the run's own policy.
With --judges, tasks with the same conversation, responses and label (and the same `task` field, which `import` sets) are one item, \
whose samples vote together. A judge whose single votes are right in less than one half is one that majority hurts.

Examples:
  rewarden eval today.run mine.run --by subset
  rewarden eval judges.run --judges judge --strategies strategy    # one sample, both orders, or all of them?
  rewarden eval rewardbench.run --protocol rewardbench --format json
  rewarden eval tasks.jsonl --run today.run -k 8          # scores first, then measures";

pub(crate) const REPORT_HELP: &str = "\
Examples:
  rewarden report today.run mine.run --out report.html
  rewarden report today.run --format svg --out curve.svg";

pub(crate) const IMPORT_HELP: &str = "\
One JSON object a line, either a task with its samples:
  {\"id\": \"t1\", \"prompt\": \"2+2?\", \"responses\": [\"4\", \"5\"], \"preferred\": 0, \"samples\": [{\"text\": \"[[A]]\", \"order\": [0, 1]}]}
or, with --tasks naming a task file, the samples alone, several or one a line; other fields join the task's metadata and id:
  {\"task\": \"t1\", \"judge\": \"gpt-4\", \"samples\": [{\"text\": \"[[B]]\", \"order\": [1, 0]}]}
  {\"task\": \"t1\", \"judge\": \"gpt-4\", \"text\": \"[[B]]\", \"order\": [1, 0]}
A sample has `text`, and may have `order` (indices of the responses in shown order; default: all in their own), `thinking`, `finish` (stop or \
length), `temperature`, `seed`, `seconds`, `usage` {prompt_tokens, completion_tokens}, `tokens` [{text, logprob, alternatives}] and `rating`; \
other fields are kept and exported.
Where a row is one sample, its fields of these names, and lists and objects, are the sample's; other fields are the task's, so that rows \
that differ in them are samples of different tasks. --sample-field names further fields that belong to samples, in rows of every form.

Examples:
  rewarden import judge-log.jsonl --run judge.run
  rewarden import judge-log.jsonl --tasks tasks.jsonl --sample-field annotator --run judge.run
  rewarden import natural.recorded.jsonl --tasks natural.pairs.jsonl --field subset=natural --run llmbar.run
  rewarden replay judge.run --pack my-pack --all-samples";

#[derive(Debug, Args)]
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

/// Which plugins to use on a run; those that made it where nothing is named.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Strategy")]
pub(crate) struct StrategyOptions {
    /// A pack in place of the run's: a name on the pack path, or a directory with a pack.toml
    #[arg(long, value_name = "NAME|DIR", value_hint = ValueHint::DirPath)]
    pub(crate) pack: Option<String>,

    /// Another component in place of the parser (with its own default configuration)
    #[arg(long, value_name = "FILE.wasm", value_hint = ValueHint::FilePath)]
    pub(crate) parser: Option<PathBuf>,

    /// Another component in place of the policy (with its own default configuration)
    #[arg(long, value_name = "FILE.wasm", value_hint = ValueHint::FilePath)]
    pub(crate) policy: Option<PathBuf>,

    /// Change a plugin's configuration, such as policy.aggregate=mean; may be repeated
    #[arg(long, value_name = "PART.KEY=VALUE")]
    pub(crate) set: Vec<Setting>,
}

/// Which tasks of a run, and how much is said meanwhile.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Selection")]
pub(crate) struct Selection {
    /// Only tasks whose metadata field has this value (* stands for anything); may be repeated
    #[arg(long = "where", value_name = "FIELD=PATTERN")]
    pub(crate) filters: Vec<Filter>,

    /// No progress bar and no summary
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The run.
    #[arg(value_name = "RUN", value_hint = ValueHint::FilePath)]
    pub(crate) run: PathBuf,

    /// Compare with the plugins of this pack instead of those that the run holds
    #[arg(long, value_name = "NAME|DIR", value_hint = ValueHint::DirPath)]
    pub(crate) pack: Option<String>,

    /// The digest that the run must have, as a paper or `rewarden report` gives it
    #[arg(long, value_name = "sha256:…")]
    pub(crate) digest: Option<Sha256Digest>,

    #[command(flatten)]
    pub(crate) selection: Selection,

    #[command(flatten)]
    pub(crate) places: Places,
}

/// What is measured.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Measures")]
pub(crate) struct MeasureOptions {
    /// Rows of their own for tasks that share the values of these metadata fields [default: subset, where there is one]
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub(crate) by: Vec<String>,

    /// The k of accuracy@k; 0 for none [default: 1, 2, 4 … up to the most samples a task has]
    #[arg(long = "at-k", value_name = "K", value_delimiter = ',')]
    pub(crate) at_k: Vec<u32>,

    /// Random subsets of a task's samples for each k
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) resamples: u32,

    /// Replicates of the bootstrap behind the intervals of accuracy@k
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
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

#[derive(Debug, Args)]
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

#[derive(Debug, Args)]
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

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Recorded completions (JSONL).
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    /// The run to add them to; created where there is none.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) run: PathBuf,

    /// The tasks that the completions are about, where FILE names them only
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) tasks: Option<PathBuf>,

    /// Set a metadata field of every task
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = field)]
    pub(crate) fields: Vec<(String, String)>,

    /// A field of the rows that belongs to the samples instead of the task; may be repeated
    #[arg(long = "sample-field", value_name = "NAME")]
    pub(crate) sample_fields: Vec<String>,

    /// What to call the model that wrote the completions
    #[arg(long, value_name = "NAME", default_value = "recorded")]
    pub(crate) model: String,

    /// Temperature of samples that name none; policies see it
    #[arg(long, value_name = "T", default_value_t = 0.0, value_parser = crate::args::temperature)]
    pub(crate) temperature: f64,

    /// No progress bar and no summary
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

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
