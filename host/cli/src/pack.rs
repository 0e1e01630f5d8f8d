//! `rewarden pack`: the tools to make a plugin or a pack with.

mod build;
mod cases;
mod check;
mod command;
mod create;
mod golden;
mod lock;
mod meter;
mod sdk;
mod starter;
mod subject;
mod values;

use std::process::ExitCode;

use anyhow::Result;

pub(crate) use command::PackCommand;

/// Runs the command.
pub(crate) fn run(command: &PackCommand) -> Result<ExitCode> {
    match command {
        PackCommand::New(args) => create::run(args),
        PackCommand::Build(args) => build::run(args),
        PackCommand::Test(args) => golden::run(args),
        PackCommand::Check(args) => check::run(args),
        PackCommand::Lock(args) => lock::run(args),
    }
}
