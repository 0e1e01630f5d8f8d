//! `rewarden pack build`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueHint};
use indicatif::DecimalBytes;
use rewarden_workbench::{BuiltComponent, build};

use crate::console::{err, out};
use crate::options::Places;
use crate::strategy;

const HELP: &str = "\
In a crate's directory, NAME.wasm is written there. In a pack's directory, every crate in a directory right below it is \
built and put beside pack.toml. A core module that another tool made is only encoded (it must hold the contract's \
component type, as bindings generators embed it).";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct BuildArgs {
    /// The directory of a crate or of a pack with crates, or a core module (.wasm).
    #[arg(value_name = "DIR|FILE.wasm", default_value = ".", value_hint = ValueHint::AnyPath)]
    pub(crate) what: PathBuf,

    /// Where to write the component [default: NAME.wasm in the directory]
    #[arg(long, value_name = "FILE.wasm", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) places: Places,
}

/// Runs the command.
pub(crate) fn run(args: &BuildArgs) -> Result<ExitCode> {
    let runtime = strategy::runtime(&args.places)?;
    build(&runtime, &args.what, args.out.as_deref(), &mut |line| err!("{line}"), &mut print)?;
    Ok(ExitCode::SUCCESS)
}

fn print(BuiltComponent { file, plugin }: &BuiltComponent) {
    let about = plugin.about();
    let exports: Vec<&str> = plugin.interfaces().iter().map(|interface| interface.name()).collect();
    out!("{}", file.display());
    out!("  plugin   {} {}", about.name, about.version);
    out!("  exports  {}", exports.join(", "));
    out!("  size     {}, {} functions", DecimalBytes(plugin.size() as u64), plugin.functions());
    out!("  digest   {}", plugin.digest());
}
