//! Writes pack.lock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component as Piece, Path, PathBuf};

use anyhow::{Context, Result, bail};
use rewarden_judge::{Lock, interpreter, interpreter_name};
use rewarden_manifest::{LockedFiles, Manifest, PackIdentity, PartPlugin};
use rewarden_runtime::{Runtime, read_regular};
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

/// What was locked, and the file that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedPack {
    /// What was locked.
    pub locked: LockedFiles,
    /// The file that holds the digests.
    pub file: PathBuf,
}

/// Writes the digests of a pack's files, and of the interpreters of its programs, to pack.lock in its `directory`: of components and
/// programs, of pack.toml and the golden cases, and of the texts for people. None may be larger than the runtime's limits allow
/// a component; nothing is loaded.
///
/// # Errors
/// Fails if the manifest cannot be used, if a file cannot be read, if an interpreter is missing, or if the lock cannot be
/// written.
pub fn lock(directory: &Path, runtime: &Runtime) -> Result<LockedPack> {
    let manifest = Manifest::read(directory)?;
    let most = runtime.limits().component_bytes as u64;
    let digests = |names: BTreeSet<PathBuf>| -> Result<Vec<(PathBuf, Sha256Digest)>> {
        let digest = |name: PathBuf| Ok((name.clone(), Sha256Digest::of(&file(directory, &name, most)?)));
        names.into_iter().map(digest).collect()
    };
    let owned = |names: BTreeSet<&Path>| names.into_iter().map(Path::to_owned).collect::<BTreeSet<PathBuf>>();
    let mut others = owned(manifest.program_files());
    others.extend(ALWAYS.map(PathBuf::from).into_iter().filter(|name| directory.join(name).is_file()));
    cases(directory, Path::new(CASES), 0, &mut others)?;
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
    let locked = LockedFiles {
        components: digests(owned(manifest.components()))?,
        files: digests(others)?,
        runtimes: runtimes.into_iter().collect(),
    };
    let identity = PackIdentity { name: manifest.name.clone(), version: manifest.version.clone() };
    let file = Lock::new(directory, identity, locked.clone()).write()?.to_owned();
    Ok(LockedPack { locked, file })
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
pub(crate) fn file(directory: &Path, name: &Path, most: u64) -> Result<Vec<u8>> {
    let path = directory.join(name);
    let told = || format!("cannot read {}", path.display());
    let plain = name.components().all(|piece| matches!(piece, Piece::Normal(_) | Piece::CurDir));
    if !plain || !path.canonicalize().with_context(told)?.starts_with(directory.canonicalize().with_context(told)?) {
        bail!("{} lies outside of the pack; copy the file itself beside pack.toml", path.display());
    }
    read_regular(&path, most).with_context(told)
}
