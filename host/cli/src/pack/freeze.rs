//! `rewarden pack freeze`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueHint};
use rewarden_workbench::{FrozenPart, freeze};

use crate::console::out;
use crate::options::Places;
use crate::{model, packs};

const HELP: &str = "\
Packages stand in requirements.txt beside pack.toml, as name==version, pure Python only: a package with code of the machine is \
refused by name. The golden cases in tests/ are scored before the interpreter's memory is kept, so that what they import and \
cache costs calls no fuel: add cases of every kind. Needs Rewarden's source, Python 3.11 or later and PyPI; a minute or two.

Frozen components are not the same bytes in every build. Where a program needs no packages, its text in the pack is smaller, and \
can be read and compared.";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct FreezeArgs {
    /// A pack's directory or name.
    #[arg(value_name = "DIR|NAME", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) pack: String,

    /// One part, such as scorers.mine [default: every part that is a Python file]
    #[arg(long, value_name = "PART")]
    pub(crate) part: Option<String>,

    #[command(flatten)]
    pub(crate) places: Places,
}

/// Runs the command.
pub(crate) fn run(args: &FreezeArgs) -> Result<ExitCode> {
    let directory = packs::find(&args.pack, &args.places)?;
    let cache = model::cache(&args.places)?;
    for FrozenPart { section, component } in freeze(&directory, args.part.as_deref(), &args.places.pack_path, &cache)? {
        out!("{}", directory.join(&component).display());
        out!(
            "  in pack.toml, [{section}]: component = \"{}\" in place of `source` and what goes with it",
            component.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}
