//! Finding a pack by its name.

use std::path::{Path, PathBuf};

use crate::options::Places;
use anyhow::{Result, bail};

/// The directory of the pack that `pack` names: a directory itself, or a name on the pack path.
pub(crate) fn find(pack: &str, places: &Places) -> Result<PathBuf> {
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
    bail!("{pack} holds no pack.toml; expected the directory of a pack, or a name on the pack path ({searched})")
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
