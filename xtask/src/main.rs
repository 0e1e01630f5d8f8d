//! Every task of this repository that is more than one cargo command: set-up, demo, tests, checks.
//!
//! Run it as `cargo xtask COMMAND`. It compiles in the dev profile before anything else does, so it stays light.

mod apt;
mod browser;
mod build;
mod checks;
mod cuda;
mod demo;
mod dist;
mod edits;
mod fuzz;
mod guest_toolchain;
mod hex;
mod layout;
mod metadata;
mod packs;
mod plugins;
mod process;
mod progress;
mod runtimes;
mod setup;
mod suite;
mod tools;
mod wit_check;
mod wit_text;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::layout::Layout;

/// Set-up, demo, tests and checks of Rewarden.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Do all the set-up that is missing: wasm target, plugins, host binary, default model
    Setup,
    /// Build the plugins and assemble the packs into plugins/dist
    ///
    /// Uses the toolchain's wasm32-unknown-unknown target, which it adds through rustup when it is missing, else
    /// Debian's rustc-web. REWARDEN_FORCE_DEBIAN_GUESTS=1 takes the Debian way at once.
    Plugins,
    /// Build the interpreters for plugins in Python, JavaScript and TypeScript into plugins/dist/runtimes
    ///
    /// From pinned packages of PyPI and npm; needs Python 3.10 or later. What is built already stays as it is.
    Runtimes,
    /// Set up, then score examples/demo.jsonl with the pack spct-small and the default model
    Demo,
    /// Set up, then run every test, of the host and of the plugins
    ///
    /// The report page is looked at in a browser: REWARDEN_CHROMIUM, else Chromium or Chrome on PATH, else Debian's
    /// chromium, which is installed when run as root. Without one that check is left out, and the last lines say so.
    Test {
        /// Leave out what runs a model in this process, and so the build of mistral.rs; server and command line are tested
        #[arg(long)]
        fast: bool,
    },
    /// Check the formatting of the host and of the plugins; changes nothing
    Fmt,
    /// Run clippy over the host and the plugins with warnings denied
    Clippy,
    /// Fail when wit/ changed without its package version
    WitCheck {
        /// Record the current version in wit/versions.lock; only for a version that is not there yet
        #[arg(long)]
        accept: bool,
    },
    /// Run what CI runs: .ci/run
    Ci,
    /// Build the binary for this machine's hardware, with the edited engine
    ///
    /// With `cuda` among the features no GPU is needed and, on Linux, no toolkit: its parts come from PyPI wheels, and
    /// the driver's library is stood in for while linking. 40 minutes cold on two cores; kernels are compiled once.
    Build {
        /// Cargo features, separated by commas: cuda, flash-attn, cudnn, nccl, metal, accelerate, mkl, otlp
        #[arg(long, value_delimiter = ',')]
        features: Vec<String>,
    },
    /// Measure the engine on this machine's GPU with a model of random weights: needs Python with torch
    ///
    /// On a machine without cargo: copy `engine_bench` and random_model.py there, and run
    /// `python3 random_model.py --shape qwen3-8b --out /dev/shm/model --run ./engine_bench`.
    BenchGpu {
        /// Cargo features of the engine
        #[arg(long, value_delimiter = ',', default_value = "cuda")]
        features: Vec<String>,
        /// The model's shape: qwen3-8b, qwen3-1.7b or tiny
        #[arg(long, default_value = "qwen3-8b")]
        shape: String,
        /// More arguments of the benchmark, after `--`, such as `--device cpu --sequences 1,4`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Fuzz every target, or those named, for a bounded time; installs cargo-fuzz when it is missing
    Fuzz {
        /// Seconds for each target
        #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
        seconds: u32,
        /// Names of files in fuzz/fuzz_targets
        targets: Vec<String>,
    },
    /// Check licences, bans, sources and advisories with cargo-deny; installs it when it is missing
    ///
    /// The advisory database comes from a git host. Where that cannot be reached the last line says LEFT OUT.
    Deny,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not anyhow's own form: it prints a backtrace where RUST_BACKTRACE is set, and none of these errors needs one.
            eprintln!("error: {error}");
            error.chain().skip(1).for_each(|cause| eprintln!("  because: {cause}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let layout = Layout::find()?;
    match command {
        Command::Setup => setup::run(&layout).map(drop),
        Command::Plugins => plugins::build(&layout),
        Command::Runtimes => runtimes::build(&layout),
        Command::Demo => demo::run(&layout),
        Command::Test { fast: true } => suite::run_fast(&layout),
        Command::Test { fast: false } => suite::run(&layout),
        Command::Fmt => checks::fmt(&layout),
        Command::Clippy => checks::clippy(&layout),
        Command::WitCheck { accept } => wit_check::run(&layout.wit(), accept),
        Command::Ci => checks::ci(&layout),
        Command::Build { features } => build::run(&layout, &features),
        Command::BenchGpu { features, shape, arguments } => build::bench(&layout, &features, &shape, &arguments),
        Command::Fuzz { seconds, targets } => fuzz::run(&layout, seconds, &targets),
        Command::Deny => checks::deny(&layout),
    }
}
