//! Writes pack.lock.

use std::path::{Component as Piece, Path, PathBuf};

use anyhow::{Context, Result, bail};
use rewarden_judge::Lock;
use rewarden_manifest::Manifest;
use rewarden_runtime::{Limits, read_regular};
use rewarden_types::Sha256Digest;

/// What was locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedPack {
    /// The components by their path in the pack, with their digests.
    pub components: Vec<(PathBuf, Sha256Digest)>,
    /// The file that holds the digests.
    pub file: PathBuf,
}

/// Writes the digests of a pack's components to pack.lock in its `directory`. No component may be larger than the limits
/// allow.
///
/// # Errors
/// Fails if the manifest cannot be used, if a component cannot be read, or if the lock cannot be written.
pub fn lock(directory: &Path, limits: &Limits) -> Result<LockedPack> {
    let manifest = Manifest::read(directory)?;
    let mut components = Vec::new();
    for name in manifest.components() {
        let bytes = component(directory, name, limits.component_bytes as u64)?;
        components.push((name.to_owned(), Sha256Digest::of(&bytes)));
    }
    let file = Lock::new(directory, components.clone()).write()?.to_owned();
    Ok(LockedPack { components, file })
}

/// The bytes of a component that a manifest names, of at most so many. It lies in the pack's own directory, by its name and
/// with links followed: what is written under that name elsewhere stays where it is meant to be, too.
pub(crate) fn component(directory: &Path, name: &Path, most: u64) -> Result<Vec<u8>> {
    let path = directory.join(name);
    let told = || format!("cannot read the component {}", path.display());
    let plain = name.components().all(|piece| matches!(piece, Piece::Normal(_) | Piece::CurDir));
    if !plain || !path.canonicalize().with_context(told)?.starts_with(directory.canonicalize().with_context(told)?) {
        bail!("{} lies outside of the pack; copy the component itself beside pack.toml", path.display());
    }
    read_regular(&path, most).with_context(told)
}
