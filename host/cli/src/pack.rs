//! `rewarden pack`: the tools to make a plugin or a pack with.

mod build;
mod check;
mod lock;
mod new;
mod subject;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum PackCommand {
    /// Start a plugin or a pack: files that build and pass their tests as they are, to be changed.
    New(new::NewArgs),
    /// Compile a plugin's crate and make a component of it.
    Build(build::BuildArgs),
    /// Run the golden cases of a plugin or a pack, without a model.
    Test(test::TestArgs),
    /// Try a plugin or a pack on made-up input: what must hold whatever a task or a model says.
    Check(check::CheckArgs),
    /// Write the digests of a pack's components to pack.lock, which loading then holds them to.
    Lock(lock::LockArgs),
}

/// Runs the command.
pub(crate) fn run(command: &PackCommand) -> Result<ExitCode> {
    match command {
        PackCommand::New(args) => new::run(args),
        PackCommand::Build(args) => build::run(args),
        PackCommand::Test(args) => test::run(args),
        PackCommand::Check(args) => check::run(args),
        PackCommand::Lock(args) => lock::run(args),
    }
}
