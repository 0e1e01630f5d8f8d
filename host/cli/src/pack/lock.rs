//! `rewarden pack lock`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueHint};
use rewarden_runtime::Limits;
use rewarden_workbench::lock;

use crate::console::out;
use crate::options::Places;
use crate::packs;

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
    let locked = lock(&directory, &Limits::default().with(&args.places.limits))?;
    for (file, digest) in locked.components.iter().chain(&locked.files) {
        out!("{digest}  {}", file.display());
    }
    out!("wrote {}", locked.file.display());
    Ok(ExitCode::SUCCESS)
}
