//! Finding a pack by its name, its directory, or its place in a registry.

use std::path::{Path, PathBuf};

use crate::options::Places;
use crate::trust;
use anyhow::{Result, bail};
use rewarden_registry::PackReference;

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
