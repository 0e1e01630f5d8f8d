//! The `rewarden` binary.

// What people read passes `console`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod async_runtime;
mod backend;
mod config;
mod console;
mod diff;
mod display;
mod eval;
mod export;
mod filter;
mod import;
mod in_order;
mod inspect;
mod json_log;
mod judges;
mod keygen;
mod measure;
mod model;
mod options;
#[cfg(feature = "otlp")]
mod otlp;
mod output;
mod output_path;
mod pack;
mod packs;
mod progress;
mod recorded_sample;
mod replay;
mod report;
mod run_tasks;
mod score;
mod serve;
mod serve_args;
mod settings;
mod stop;
mod strategy;
mod summary;
mod task_source;
mod terminal;
mod trust;
mod trust_options;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{CommandFactory, FromArgMatches};
use rewarden_runtime::isolate;

use crate::args::{Cli, Command};
use crate::console::err;
use crate::model::ModelCommand;
use crate::settings::FileDefaults;

/// The exit status of a command line that cannot be understood.
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    // Before anything of the user's is looked at: this process is to be shut in.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|argument| argument == isolate::SUBCOMMAND) {
        return isolate::serve(arguments);
    }
    match run().and_then(console::written) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            err!("error: {}", console::indented(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory cannot be read")?;
    let command = Cli::command();
    let defaults = FileDefaults::read(&directory, &command)?;
    let command = defaults.apply(command);
    let parsed =
        command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches).map(|cli| (matches, cli)));
    let (matches, cli) = match parsed {
        Ok(parsed) => parsed,
        // Help and the version, in colours where the terminal has some.
        Err(error) if !error.use_stderr() => {
            error.print().context("cannot write to standard output")?;
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => {
            // It quotes arguments and files, which may be a stranger's.
            err!("{}", error.render().to_string().trim_end());
            return Ok(ExitCode::from(WRONG_USAGE));
        }
    };
    let serving = match &cli.command {
        Command::Serve(args) => Some(args),
        _ => None,
    };
    let otlp = serving.and_then(|args| args.otlp_endpoint.as_deref());
    terminal::start_logging(cli.verbose, serving.is_some_and(|args| args.log_json), otlp)?;
    let runs_no_plugin = matches!(
        cli.command,
        Command::Keygen(_) | Command::Config(_) | Command::Completions { .. } | Command::Model(_)
    );
    if !runs_no_plugin {
        async_runtime::check_room()?;
    }
    match cli.command {
        Command::Score(args) => score::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Keygen(args) => keygen::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Pack(command) => pack::run(&command),
        Command::Model(ModelCommand::Pull(places)) => model::pull(&places),
        Command::Model(ModelCommand::Path(places)) => model::path(&places),
        Command::Config(args) => {
            let (name, matches) = matches.subcommand().context("no subcommand")?;
            // As declared: giving an option a default moves it to the end of the list.
            let declared = Cli::command();
            let command = declared.find_subcommand(name).context("no such subcommand")?;
            config::print(&defaults.in_force(command, matches), args.json)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "rewarden", &mut script);
            std::io::stdout().write_all(&script).context("cannot write to standard output")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// `rewarden score … | head` is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
