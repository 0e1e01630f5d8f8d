//! `rewarden pack lock`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueHint};
use rewarden_workbench::{LockedPack, lock};

use crate::console::out;
use crate::options::Places;
use crate::{packs, strategy};

#[derive(Debug, Args)]
pub(crate) struct LockArgs {
    /// A pack's directory or name.
    #[arg(value_name = "DIR|NAME", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) pack: String,

    #[command(flatten)]
    pub(crate) places: Places,
}

/// Runs the command.
pub(crate) fn run(args: &LockArgs) -> Result<ExitCode> {
    let directory = packs::locate(&args.pack, &args.places)?;
    let LockedPack { locked, file } = lock(&directory, &strategy::runtime(&args.places)?)?;
    for (path, digest) in locked.components.iter().chain(&locked.files) {
        out!("{digest}  {}", path.display());
    }
    for (runtime, digest) in &locked.runtimes {
        out!("{digest}  (interpreter {runtime})");
    }
    out!("wrote {}", file.display());
    Ok(ExitCode::SUCCESS)
}
