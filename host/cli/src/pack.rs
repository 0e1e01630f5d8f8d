//! `rewarden pack`: the tools to make a plugin or a pack with, and to pass packs on.

mod build;
mod check;
mod freeze;
mod keygen;
mod lock;
mod new;
mod password;
mod pull;
mod push;
mod sbom;
mod sign;
mod subject;
mod test;
mod verify;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum PackCommand {
    /// Start a plugin or a pack: files that build and pass their tests as they are, to be changed.
    New(new::NewArgs),
    /// Compile a plugin's crate and make a component of it.
    Build(build::BuildArgs),
    /// Make components of a pack's Python programs that need packages of their own.
    Freeze(freeze::FreezeArgs),
    /// Run the golden cases of a plugin or a pack, without a model.
    Test(test::TestArgs),
    /// Try a plugin or a pack on made-up input: what must hold whatever a task or a model says.
    Check(check::CheckArgs),
    /// Write the digests of a pack's files to pack.lock, which loading then holds them to.
    Lock(lock::LockArgs),
    /// Make a key pair to sign packs with.
    Keygen(keygen::SigningKeygenArgs),
    /// Sign a pack's lock.
    Sign(sign::SignArgs),
    /// Check a pack's files, signature, contract and limits without running any of it.
    Verify(verify::PackVerifyArgs),
    /// Store a pack in an OCI registry.
    Push(push::PushArgs),
    /// Fetch a pack from an OCI registry.
    Pull(pull::PackPullArgs),
    /// List what is in a pack, as a CycloneDX bill of materials.
    Sbom(sbom::SbomArgs),
}

/// Runs the command.
pub(crate) fn run(command: &PackCommand) -> Result<ExitCode> {
    match command {
        PackCommand::New(args) => new::run(args),
        PackCommand::Build(args) => build::run(args),
        PackCommand::Freeze(args) => freeze::run(args),
        PackCommand::Test(args) => test::run(args),
        PackCommand::Check(args) => check::run(args),
        PackCommand::Lock(args) => lock::run(args),
        PackCommand::Keygen(args) => keygen::run(args),
        PackCommand::Sign(args) => sign::run(args),
        PackCommand::Verify(args) => verify::run(args),
        PackCommand::Push(args) => push::run(args),
        PackCommand::Pull(args) => pull::run(args),
        PackCommand::Sbom(args) => sbom::run(args),
    }
}
