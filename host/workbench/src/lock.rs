//! Writes pack.lock.

use std::collections::BTreeSet;
use std::path::{Component as Piece, Path, PathBuf};

use anyhow::{Context, Result, bail};
use rewarden_judge::Lock;
use rewarden_manifest::{Manifest, PackIdentity};
use rewarden_runtime::{Limits, read_regular};
use rewarden_types::Sha256Digest;

/// Files at a pack's top that belong to it wherever it goes, if they are there.
const ALWAYS: [&str; 7] =
    ["pack.toml", "README.md", "LICENSE", "LICENSE-APACHE", "LICENSE-MIT", "NOTICE", "requirements.txt"];
/// The directory of a pack's golden cases.
const CASES: &str = "tests";
/// Golden cases, and the texts that they name. The bundled packs have three at most.
const MOST_CASES: usize = 512;
/// Nested directories of golden cases.
const DEPTH: usize = 6;
/// Bytes of a file that is no component.
const FILE_BYTES: u64 = 16 << 20;

/// What was locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedPack {
    /// The components by their path in the pack, with their digests.
    pub components: Vec<(PathBuf, Sha256Digest)>,
    /// The other files by their path in the pack, with their digests: the manifest, what it names, the golden cases, and the
    /// texts for people.
    pub files: Vec<(PathBuf, Sha256Digest)>,
    /// The file that holds the digests.
    pub file: PathBuf,
}

/// Writes the digests of a pack's files to pack.lock in its `directory`. No component may be larger than the limits allow.
///
/// # Errors
/// Fails if the manifest cannot be used, if a file cannot be read, or if the lock cannot be written.
pub fn lock(directory: &Path, limits: &Limits) -> Result<LockedPack> {
    let manifest = Manifest::read(directory)?;
    let named = manifest.components();
    let mut components = Vec::new();
    for name in &named {
        let bytes = component(directory, name, limits.component_bytes as u64)?;
        components.push(((*name).to_owned(), Sha256Digest::of(&bytes)));
    }
    let mut others: BTreeSet<PathBuf> = manifest.files().difference(&named).map(|path| (*path).to_owned()).collect();
    others.extend(ALWAYS.map(PathBuf::from).into_iter().filter(|file| directory.join(file).is_file()));
    cases(directory, Path::new(CASES), 0, &mut others)?;
    let mut files = Vec::new();
    for name in others {
        let bytes = component(directory, &name, FILE_BYTES)?;
        files.push((name, Sha256Digest::of(&bytes)));
    }
    let identity = PackIdentity { name: manifest.name.clone(), version: manifest.version.clone() };
    let file = Lock::new(directory, identity, components.clone(), files.clone()).write()?.to_owned();
    Ok(LockedPack { components, files, file })
}

/// Adds the files below a directory of golden cases, by their path in the pack. Names with a leading dot are left out.
fn cases(pack: &Path, below: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) -> Result<()> {
    let directory = pack.join(below);
    if !directory.is_dir() {
        return Ok(());
    }
    let told = || format!("cannot read {}", directory.display());
    for entry in std::fs::read_dir(&directory).with_context(told)? {
        let name = entry.with_context(told)?.file_name();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let path = below.join(&name);
        if !pack.join(&path).is_dir() {
            found.insert(path);
        } else if depth < DEPTH {
            cases(pack, &path, depth + 1, found)?;
        }
        if found.len() > MOST_CASES {
            bail!("{} holds more than the {MOST_CASES} files allowed", pack.join(CASES).display());
        }
    }
    Ok(())
}

/// The bytes of a file that a manifest names, of at most so many. It lies in the pack's own directory, by its name and
/// with links followed: what is written under that name elsewhere stays where it is meant to be, too.
pub(crate) fn component(directory: &Path, name: &Path, most: u64) -> Result<Vec<u8>> {
    let path = directory.join(name);
    let told = || format!("cannot read {}", path.display());
    let plain = name.components().all(|piece| matches!(piece, Piece::Normal(_) | Piece::CurDir));
    if !plain || !path.canonicalize().with_context(told)?.starts_with(directory.canonicalize().with_context(told)?) {
        bail!("{} lies outside of the pack; copy the file itself beside pack.toml", path.display());
    }
    read_regular(&path, most).with_context(told)
}
