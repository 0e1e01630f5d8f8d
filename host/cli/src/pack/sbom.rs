//! `rewarden pack sbom`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, ValueHint};
use rewarden_registry::{CheckedPack, PackReference, sbom};

use crate::console;
use crate::options::Places;
use crate::{packs, trust};

const HELP: &str = "\
Lists every file of pack.lock with its digest and, of components, the version of the contract, the interfaces and the tools that \
their files name, as CycloneDX 1.6 in JSON. The same pack gives the same bytes. What a component was linked from is in the list only \
as far as its file says so.";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct SbomArgs {
    /// A pack's directory or name, or oci://HOST/REPOSITORY with :TAG or @sha256:DIGEST
    #[arg(value_name = "PACK|REFERENCE", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) pack: String,

    /// Where to write it [default: standard output]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) places: Places,
}

/// Runs the command.
pub(crate) fn run(args: &SbomArgs) -> Result<ExitCode> {
    let limits = trust::limits(&args.places);
    let pack = if PackReference::is_meant(&args.pack) {
        trust::fetch(&args.pack, &args.places)?.pack
    } else {
        CheckedPack::read(&packs::locate(&args.pack, &args.places)?, limits.component_bytes as u64)?
    };
    let text = sbom(&pack, &trust::examined(&pack, &limits)?, env!("CARGO_PKG_VERSION"))?;
    match &args.out {
        Some(file) => {
            std::fs::write(file, format!("{text}\n")).with_context(|| format!("cannot write {}", file.display()))?
        }
        None => writeln!(console::data(), "{text}")?,
    }
    Ok(ExitCode::SUCCESS)
}
