//! `rewarden pack new`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum, ValueHint, builder::PossibleValue};
use rewarden_workbench::{
    NewPack, PluginKind, ScorerFile, create_pack, create_plugin, new_directory, start_scorer_pack,
};

use crate::console::out;
use crate::options::Places;
use crate::{packs, strategy};

const HELP: &str = "\
Examples:
  rewarden pack new my-policy --kind policy && cd my-policy
  cargo test                                  # its unit tests, natively
  rewarden pack build && rewarden pack test && rewarden pack check
  rewarden score TASKS --policy my-policy.wasm

  rewarden pack new my-pack --kind pack --policy my-policy/my-policy.wasm
  rewarden pack new my-rewards --kind pack --from reward.py:accuracy";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct NewArgs {
    /// Its name: small letters, digits and dashes.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// What to start.
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: NewKind,

    /// The directory to make it in
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,

    /// The plugin SDK, plugins/sdk of Rewarden's repository [default: the one near the pack path or this directory]
    #[arg(long, value_name = "DIR", env = "REWARDEN_SDK", value_hint = ValueHint::DirPath)]
    pub(crate) sdk: Option<PathBuf>,

    /// For a pack: the pack to start from, by name or directory; or a reward function, as `rewarden score --scorer` takes it
    #[arg(long, value_name = "PACK|FILE[:FUNCTION]", default_value = "spct-vote", value_hint = ValueHint::AnyPath)]
    pub(crate) from: String,

    /// For a pack: a component to put in the place of that pack's template
    #[arg(long, value_name = "FILE.wasm", value_hint = ValueHint::FilePath)]
    pub(crate) template: Option<PathBuf>,

    /// For a pack: a component to put in the place of that pack's parser
    #[arg(long, value_name = "FILE.wasm", value_hint = ValueHint::FilePath)]
    pub(crate) parser: Option<PathBuf>,

    /// For a pack: a component to put in the place of that pack's policy
    #[arg(long, value_name = "FILE.wasm", value_hint = ValueHint::FilePath)]
    pub(crate) policy: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) places: Places,
}

/// What `pack new` starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewKind {
    Plugin(PluginKind),
    Pack,
}

impl ValueEnum for NewKind {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [NewKind; 6] = [
            NewKind::Plugin(PluginKind::Policy),
            NewKind::Plugin(PluginKind::Parser),
            NewKind::Plugin(PluginKind::Template),
            NewKind::Plugin(PluginKind::Scorer),
            NewKind::Plugin(PluginKind::Principles),
            NewKind::Pack,
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Plugin(kind) => kind.to_possible_value(),
            Self::Pack => Some(PossibleValue::new("pack").help("A directory with a pack.toml and components")),
        }
    }
}

/// Whether it names a file, or a function of one.
fn is_file(from: &str) -> bool {
    from.parse::<ScorerFile>().is_ok_and(|scorer| scorer.file.is_file())
}

/// Makes a directory with all that is in it, or leaves none: the next try would call half of one its own.
fn whole(directory: &Path, make: impl FnOnce() -> Result<()>) -> Result<()> {
    make().inspect_err(|_| {
        // It was not there before, so nothing in it is anybody else's. What cannot be deleted is told by the next try.
        let _ = std::fs::remove_dir_all(directory);
    })
}

/// Runs the command.
pub(crate) fn run(args: &NewArgs) -> Result<ExitCode> {
    let replacements = [("template", &args.template), ("parser", &args.parser), ("policy", &args.policy)];
    let directory = new_directory(&args.name, &args.dir)?;
    let shown = directory.display();
    let next = match args.kind {
        NewKind::Pack if is_file(&args.from) => {
            if let Some((option, _)) = replacements.iter().find(|(_, file)| file.is_some()) {
                bail!("--{option} is for a pack that begins as another one; add it to pack.toml");
            }
            let scorer = args.from.parse::<ScorerFile>().map_err(anyhow::Error::msg)?;
            let policy = packs::scorer_policy(&args.places)?;
            whole(&directory, || {
                start_scorer_pack(&strategy::runtime(&args.places)?, &args.name, &scorer, &policy, &directory)
            })?;
            let freeze = if directory.join("requirements.txt").is_file() {
                "rewarden pack freeze"
            } else {
                "rewarden pack test"
            };
            format!("add golden cases to {shown}/tests/cases.toml, then: {freeze} {shown}")
        }
        NewKind::Pack => {
            let new = NewPack {
                name: &args.name,
                from: &packs::find(&args.from, &args.places)?,
                from_name: &args.from,
                template: args.template.as_deref(),
                parser: args.parser.as_deref(),
                policy: args.policy.as_deref(),
            };
            whole(&directory, || create_pack(&strategy::runtime(&args.places)?, &new, &directory))?;
            format!("edit {shown}/pack.toml, then: rewarden pack test {shown} && rewarden pack check {shown}")
        }
        NewKind::Plugin(kind) => {
            if let Some((option, _)) = replacements.iter().find(|(_, file)| file.is_some()) {
                bail!("--{option} is for --kind pack; a plugin's own component is made by `rewarden pack build`");
            }
            let (sdk, pack_path) = (args.sdk.as_deref(), &args.places.pack_path);
            whole(&directory, || create_plugin(kind, &args.name, &directory, sdk, pack_path))?;
            format!("cd {shown} && cargo test && rewarden pack build && rewarden pack test && rewarden pack check")
        }
    };
    out!("made {shown}\nnext: {next}");
    Ok(ExitCode::SUCCESS)
}
