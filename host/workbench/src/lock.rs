//! Writes pack.lock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component as Piece, Path, PathBuf};

use anyhow::{Context, Result, bail};
use rewarden_judge::{Lock, LockedFiles, interpreter, interpreter_name};
use rewarden_manifest::{Manifest, PartPlugin};
use rewarden_runtime::{Runtime, read_regular};
use rewarden_types::Sha256Digest;

/// What was locked, and the file that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedPack {
    /// What was locked.
    pub locked: LockedFiles,
    /// The file that holds the digests.
    pub file: PathBuf,
}

/// Writes the digests of a pack's components, of its programs and of their interpreters to pack.lock in its `directory`. No
/// component may be larger than the runtime's limits allow; nothing is loaded.
///
/// # Errors
/// Fails if the manifest cannot be used, if a file cannot be read, if an interpreter is missing, or if the lock cannot be
/// written.
pub fn lock(directory: &Path, runtime: &Runtime) -> Result<LockedPack> {
    let manifest = Manifest::read(directory)?;
    let most = runtime.limits().component_bytes as u64;
    let digests = |names: BTreeSet<&Path>| -> Result<Vec<(PathBuf, Sha256Digest)>> {
        names.into_iter().map(|name| Ok((name.to_owned(), Sha256Digest::of(&file(directory, name, most)?)))).collect()
    };
    let (components, files) = (digests(manifest.components())?, digests(manifest.program_files())?);
    let mut runtimes = BTreeMap::new();
    for plugin in manifest.plugins() {
        let PartPlugin::Program(section) = plugin else { continue };
        let name = interpreter_name(section, directory)?;
        let path = interpreter(runtime, &name).with_context(|| {
            format!("there is no interpreter `{name}`; build the interpreters with `cargo xtask runtimes`, or say where they are \
                     with --runtimes DIR")
        })?;
        let bytes =
            read_regular(&path, most).with_context(|| format!("cannot read the interpreter {}", path.display()))?;
        runtimes.insert(name, Sha256Digest::of(&bytes));
    }
    let locked = LockedFiles { components, files, runtimes: runtimes.into_iter().collect() };
    let file = Lock::new(directory, locked.clone()).write()?.to_owned();
    Ok(LockedPack { locked, file })
}

/// The bytes of a file that a manifest names, of at most so many. It lies in the pack's own directory, by its name and
/// with links followed: what is written under that name elsewhere stays where it is meant to be, too.
pub(crate) fn file(directory: &Path, name: &Path, most: u64) -> Result<Vec<u8>> {
    let path = directory.join(name);
    let told = || format!("cannot read {}", path.display());
    let plain = name.components().all(|piece| matches!(piece, Piece::Normal(_) | Piece::CurDir));
    if !plain || !path.canonicalize().with_context(told)?.starts_with(directory.canonicalize().with_context(told)?) {
        bail!("{} lies outside of the pack; copy the file itself beside pack.toml", path.display());
    }
    read_regular(&path, most).with_context(told)
}
