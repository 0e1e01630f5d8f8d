//! Finding a pack by its name, its directory, or its place in a registry.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rewarden_registry::PackReference;
use rewarden_workbench::{SCORER_POLICY, ScorerFile, create_scorer_pack};
use tempfile::TempDir;

use crate::options::Places;
use crate::trust;

/// The directory of the pack that `pack` names, to be loaded from: a directory itself, a name on the pack path, or a reference,
/// which is fetched first. If signatures are required, it has one.
///
/// # Errors
/// If there is no such pack, or if it is refused.
pub(crate) fn find(pack: &str, places: &Places) -> Result<PathBuf> {
    if PackReference::is_meant(pack) {
        return Ok(trust::fetch(pack, places)?.pack.directory().to_owned());
    }
    let directory = locate(pack, places)?;
    trust::admit(&directory, places)?;
    Ok(directory)
}

/// The directory of the pack that `pack` names, signed or not: a directory itself, or a name on the pack path.
///
/// # Errors
/// If there is no such pack.
pub(crate) fn locate(pack: &str, places: &Places) -> Result<PathBuf> {
    let direct = Path::new(pack);
    if direct.join("pack.toml").is_file() {
        return Ok(direct.to_owned());
    }
    let by_name = !pack.contains(std::path::MAIN_SEPARATOR) && pack != "." && pack != "..";
    let candidates = places.pack_path.iter().map(|directory| directory.join(pack));
    if by_name && let Some(found) = candidates.into_iter().find(|path| path.join("pack.toml").is_file()) {
        return Ok(found);
    }
    let searched = places.pack_path.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    let known = known(places);
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    if by_name {
        bail!(
            "no pack `{pack}`: neither ./{pack}/pack.toml nor such a directory on the pack path ({searched}); packs \
             there: {known}. Build the bundled packs with `cargo xtask plugins`, or give --pack a directory"
        )
    }
    bail!(
        "{pack} holds no pack.toml; expected the directory of a pack, a name on the pack path ({searched}), or oci://HOST/REPOSITORY"
    )
}

/// A pack of scorers alone, in a directory that is deleted with the value. It is called after the first of them.
pub(crate) fn of_scorers(scorers: &[ScorerFile], places: &Places) -> Result<TempDir> {
    let directory = tempfile::Builder::new()
        .prefix("rewarden-scorers-")
        .tempdir()
        .context("cannot make a temporary directory for a pack of the scorers")?;
    let name = scorers.first().map_or_else(|| "scorers".to_owned(), ScorerFile::name);
    create_scorer_pack(&name, scorers, &scorer_policy(places)?, directory.path())?;
    Ok(directory)
}

/// Where the policy of such packs is.
pub(crate) fn scorer_policy(places: &Places) -> Result<PathBuf> {
    let directories = places.beside("components", &[]);
    let found = directories.iter().map(|directory| directory.join(SCORER_POLICY)).find(|path| path.is_file());
    found.with_context(|| {
        let searched = directories.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        format!(
            "there is no {SCORER_POLICY}, the policy that adds scorers up, in {searched}; build the bundled components with \
             `cargo xtask plugins`"
        )
    })
}

/// Names of the packs on the pack path.
fn known(places: &Places) -> Vec<String> {
    let mut names: Vec<String> = places
        .pack_path
        .iter()
        .filter_map(|directory| std::fs::read_dir(directory).ok())
        .flatten()
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.path().join("pack.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}
