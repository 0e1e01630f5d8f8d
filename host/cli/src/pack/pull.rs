//! `rewarden pack pull`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueHint};
use rewarden_manifest::{LOCK_FILE, Manifest};
use rewarden_registry::{CheckedPack, SIGNATURE_FILE};

use crate::console::{err, out};
use crate::options::Places;
use crate::trust;

const HELP: &str = "\
Examples:
  rewarden pack pull oci://ghcr.io/team/maths:0.1.0
  rewarden pack pull oci://ghcr.io/team/maths@sha256:… --output packs/maths --replace
  rewarden score tasks.jsonl --pack oci://ghcr.io/team/maths@sha256:…      # needs no pull: it is fetched once, and kept

A pack is refused, and nothing of it is run, when a file has another digest than the manifest or pack.lock says, when a signature is \
required and is missing or another key's, when a tag leads to an older version than was seen before, or when a component does not \
fit this host's contract or limits.";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct PackPullArgs {
    /// What to fetch: oci://HOST/REPOSITORY with :TAG or @sha256:DIGEST
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: String,

    /// The directory to make [default: the pack's name, in this directory]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,

    /// Replace the directory if it holds a pack of the same name; a server that watches its parent swaps the pack
    #[arg(long)]
    pub(crate) replace: bool,

    #[command(flatten)]
    pub(crate) places: Places,
}

/// Runs the command.
pub(crate) fn run(args: &PackPullArgs) -> Result<ExitCode> {
    let fetched = trust::fetch(&args.reference, &args.places)?;
    let name = &fetched.pack.identity().name;
    let place = args.output.clone().unwrap_or_else(|| PathBuf::from(name));
    if place.symlink_metadata().is_ok() {
        check_replaced(&place, name, args.replace)?;
    }
    let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let told = || format!("cannot write {}", place.display());
    // Whoever watches the parent leaves out names with a leading dot, and sees the pack when it is whole.
    let beside = tempfile::Builder::new().prefix(".pulling-").tempdir_in(parent).with_context(told)?;
    let whole = beside.path().join("new");
    copy(&fetched.pack, &whole).with_context(told)?;
    if place.exists() {
        std::fs::rename(&place, beside.path().join("old")).with_context(told)?;
    }
    std::fs::rename(&whole, &place).with_context(told)?;
    if !fetched.fetched {
        err!("its files were fetched before, and were not asked for again");
    }
    out!("{}", place.display());
    out!("{}", fetched.reference);
    Ok(ExitCode::SUCCESS)
}

/// What is replaced must be a pack of the same name, and the user must say so.
fn check_replaced(place: &Path, name: &str, replace: bool) -> Result<()> {
    let shown = place.display();
    if !replace {
        bail!("{shown} exists; give --output another directory, or --replace if it holds an older {name}");
    }
    if !place.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        bail!("{shown} is no directory; give --output another one");
    }
    let found = Manifest::read(place).with_context(|| format!("{shown} is not replaced, since it holds no pack"))?;
    if found.name != name {
        bail!("{shown} is not replaced, since it holds the pack `{}`, and not `{name}`", found.name);
    }
    Ok(())
}

fn copy(pack: &CheckedPack, into: &Path) -> Result<()> {
    let beside = [(LOCK_FILE, Some(pack.lock_bytes())), (SIGNATURE_FILE, pack.signature().map(str::as_bytes))];
    std::fs::create_dir(into)?;
    for (name, bytes) in beside.into_iter().filter_map(|(name, bytes)| bytes.map(|bytes| (name, bytes))) {
        std::fs::write(into.join(name), bytes)?;
    }
    for name in pack.sizes().keys() {
        let path = into.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, pack.file(name)?)?;
    }
    Ok(())
}
