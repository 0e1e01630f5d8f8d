//! `rewarden pack push`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueHint};
use rewarden_registry::{CheckedPack, PackReference, push};

use crate::console::{err, out};
use crate::options::Places;
use crate::{packs, trust};

const HELP: &str = "\
Examples:
  rewarden pack lock maths && rewarden pack sign maths --key signer.key
  rewarden pack push maths oci://ghcr.io/team/maths:0.1.0
prints what names this very pack for ever, for rewarden.toml and --pack:
  oci://ghcr.io/team/maths@sha256:…

What is pushed are the files of pack.lock, pack.lock itself and, if it is there, its signature pack.lock.minisig; nothing else \
that lies in the directory. The last part of the repository is the pack's name. What the registry has already is not sent again, and \
the same pack has the same digest wherever it is pushed.

The registry knows you by REWARDEN_REGISTRY_USER and REWARDEN_REGISTRY_PASSWORD, else by `docker login`.";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct PushArgs {
    /// A pack's directory or name.
    #[arg(value_name = "DIR|NAME", value_hint = ValueHint::DirPath)]
    pub(crate) pack: String,

    /// Where to: oci://HOST/REPOSITORY:TAG
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: PackReference,

    #[command(flatten)]
    pub(crate) places: Places,
}

/// Runs the command.
pub(crate) fn run(args: &PushArgs) -> Result<ExitCode> {
    let limits = trust::limits(&args.places);
    let pack = CheckedPack::read(&packs::locate(&args.pack, &args.places)?, limits.component_bytes as u64)?;
    let contracts = trust::contracts(&trust::examined(&pack, &limits)?);
    let pinned = push(&pack, contracts, &args.reference, &args.places.trust.access()?)?;
    if pack.signature().is_none() {
        err!("pushed without a signature; to add one: rewarden pack sign {}, and push again", args.pack);
    }
    out!("{pinned}");
    Ok(ExitCode::SUCCESS)
}
