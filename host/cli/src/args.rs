//! The command line.

use clap::{Parser, Subcommand};

use crate::config::ConfigArgs;
use crate::eval::EvalArgs;
use crate::export::ExportArgs;
use crate::import::ImportArgs;
use crate::inspect::InspectArgs;
use crate::keygen::KeygenArgs;
use crate::model::ModelCommand;
use crate::pack::PackCommand;
use crate::replay::ReplayArgs;
use crate::report::ReportArgs;
use crate::score::ScoreArgs;
use crate::serve_args::ServeArgs;
use crate::verify::VerifyArgs;

/// Turns generative reward models into rewards.
///
/// A pack of sandboxed WebAssembly plugins decides what the model is asked (template), how its answer is read
/// (parser) and how several answers become one reward (policy); the model runs in this process or behind any
/// OpenAI-compatible server.
#[derive(Debug, Parser)]
#[command(name = "rewarden", version, max_term_width = 110, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Say more on stderr (-v: what is done; -vv: plugins' debug logs too). REWARDEN_LOG takes a tracing filter.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

const AFTER_HELP: &str = "\
Defaults for every option of `score` come from rewarden.toml (nearest above the working directory, then the user's \
configuration directory), then REWARDEN_* environment variables, then flags; `rewarden config` shows what is in force.

Exit status: 0 all well; 1 nothing could be done; 2 wrong usage; 3 done, but some rows were bad or some tasks got no score.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Score the responses of tasks.
    Score(Box<ScoreArgs>),
    /// Read and aggregate the samples of a run again, with other plugins and no model.
    Replay(ReplayArgs),
    /// Call every plugin of a run again and compare with what was recorded.
    Verify(VerifyArgs),
    /// Measure runs against the tasks' labels: accuracy, accuracy@k, consistency, failures, cost.
    Eval(Box<EvalArgs>),
    /// Draw runs: one HTML page to look around in, or the accuracy@k curve alone.
    Report(ReportArgs),
    /// Serve rewards over HTTP, with packs swapped while it runs.
    Serve(Box<ServeArgs>),
    /// Make an API key for `serve`.
    Keygen(KeygenArgs),
    /// Make a run of completions that were recorded elsewhere.
    Import(ImportArgs),
    /// Write a run's rewards or samples as JSONL, CSV or Parquet.
    Export(ExportArgs),
    /// Show what a component or a pack is: exports, imports, configuration, digests, limits.
    Inspect(InspectArgs),
    /// Make plugins and packs: start, build, test, check and lock them; sign, push and pull them.
    #[command(subcommand)]
    Pack(PackCommand),
    /// Fetch the default model, or say where it is.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Print the options in force, and where each value came from.
    Config(Box<ConfigArgs>),
    /// Print a completion script for a shell.
    #[command(
        after_help = "For example: rewarden completions bash > ~/.local/share/bash-completion/completions/rewarden"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}
