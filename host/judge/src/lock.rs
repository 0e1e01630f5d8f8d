//! `pack.lock`: the digests that a pack's components must have.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rewarden_manifest::read_text;
use rewarden_types::{Sha256Digest, shown};
use serde::{Deserialize, Serialize};

/// The file's name, beside pack.toml.
const FILE: &str = "pack.lock";
/// The form of the file.
const VERSION: u32 = 1;

/// Why a pack is not what its lock says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// The lock cannot be read or written.
    #[error("{file}: {message}")]
    File {
        /// The lock.
        file: PathBuf,
        /// What the system, or the reader of TOML, said.
        message: String,
    },
    /// A component is another one than was locked.
    #[error(
        "{file}: expected {component} with {expected}, found {found}; if the change is meant, run `rewarden pack lock`"
    )]
    Changed {
        /// The lock.
        file: PathBuf,
        /// The component's path in the pack.
        component: String,
        /// The locked digest.
        expected: Sha256Digest,
        /// The component's own.
        found: Sha256Digest,
    },
    /// The pack names a component that was not there when it was locked.
    #[error("{file}: has no digest of {component}, which the pack names; if that is meant, run `rewarden pack lock`")]
    Unknown {
        /// The lock.
        file: PathBuf,
        /// The component's path in the pack.
        component: String,
    },
}

/// The digests of a pack's components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    file: PathBuf,
    components: BTreeMap<String, Sha256Digest>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    components: BTreeMap<String, Sha256Digest>,
}

impl Lock {
    /// A lock for the pack in `directory`, of components by their path in it.
    pub fn new(directory: &Path, components: impl IntoIterator<Item = (PathBuf, Sha256Digest)>) -> Self {
        let components = components.into_iter().map(|(path, digest)| (key(&path), digest)).collect();
        Self { file: directory.join(FILE), components }
    }

    /// The lock of the pack in `directory`, if it has one.
    ///
    /// # Errors
    /// If the lock cannot be read: a damaged lock never means no lock.
    pub fn read(directory: &Path) -> Result<Option<Self>, LockError> {
        let file = directory.join(FILE);
        let failed = |message: String| LockError::File { file: file.clone(), message };
        let text = match read_text(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(format!("cannot be read: {error}"))),
        };
        let content: Content = toml::from_str(&text).map_err(|error| {
            failed(format!("is not a lock that `rewarden pack lock` wrote: {}", shown(error.message())))
        })?;
        if content.version != VERSION {
            return Err(failed(format!(
                "has version {}, expected {VERSION}; run `rewarden pack lock` with this program",
                content.version
            )));
        }
        Ok(Some(Self { file, components: content.components }))
    }

    /// Writes it, and returns where.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self) -> Result<&Path, LockError> {
        let failed = |message: String| LockError::File { file: self.file.clone(), message };
        let content = Content { version: VERSION, components: self.components.clone() };
        let text = toml::to_string(&content).map_err(|error| failed(format!("cannot be made: {error}")))?;
        let text = format!("# Written by `rewarden pack lock`: the pack loads with exactly these components.\n{text}");
        // Renamed into its place: what lies there may be a link that leads out of the pack.
        let directory = self.file.parent().unwrap_or(Path::new("."));
        let written = tempfile::NamedTempFile::new_in(directory).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            readable(file.as_file())?;
            file.persist(&self.file).map_err(std::io::Error::from)
        });
        written.map_err(|error| failed(format!("cannot be written: {error}")))?;
        Ok(&self.file)
    }

    /// Compares a component that was loaded, by its path in the pack, with what was locked.
    ///
    /// # Errors
    /// If it is another component, or the lock does not know it.
    pub fn check(&self, component: &Path, found: Sha256Digest) -> Result<(), LockError> {
        let (file, component) = (self.file.clone(), key(component));
        match self.components.get(&component) {
            Some(expected) if *expected == found => Ok(()),
            Some(&expected) => Err(LockError::Changed { file, component, expected, found }),
            None => Err(LockError::Unknown { file, component }),
        }
    }
}

/// The same text on every system, whether or not the manifest says `./`.
fn key(path: &Path) -> String {
    let pieces = path.components().filter(|piece| !matches!(piece, std::path::Component::CurDir));
    pieces.map(|piece| piece.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Temporary files are private; a lock travels with its pack.
fn readable(_file: &std::fs::File) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        _file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> PathBuf {
        let directory = std::env::temp_dir().join(format!(
            "rewarden-lock-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        directory
    }

    #[test]
    fn a_lock_reads_back_and_holds_components_to_their_digests() {
        let directory = directory();
        let digest = Sha256Digest::of(b"vote");
        let lock = Lock::new(&directory, [(PathBuf::from("./vote.wasm"), digest)]);
        lock.write().unwrap();
        assert_eq!(Lock::read(&directory).unwrap(), Some(lock.clone()));
        assert_eq!(lock.check(Path::new("vote.wasm"), digest), Ok(()));
        let other = Sha256Digest::of(b"other");
        assert!(matches!(lock.check(Path::new("vote.wasm"), other), Err(LockError::Changed { .. })));
        assert!(matches!(lock.check(Path::new("new.wasm"), digest), Err(LockError::Unknown { .. })));
    }

    #[test]
    fn no_lock_is_fine_and_a_damaged_one_is_an_error() {
        let directory = directory();
        assert_eq!(Lock::read(&directory), Ok(None));
        for text in
            ["version = 1", "version = 2\n[components]\n", "version = 1\n[components]\n\"a.wasm\" = \"sha1:0\"\n"]
        {
            std::fs::write(directory.join(FILE), text).unwrap();
            assert!(matches!(Lock::read(&directory), Err(LockError::File { .. })), "{text}");
        }
    }
}
