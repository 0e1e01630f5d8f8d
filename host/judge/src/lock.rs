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
    /// The interpreter is another one than was locked.
    #[error(
        "{file}: expected the interpreter `{runtime}` with {expected}, found {found}; build or fetch that version of it, or \
         run `rewarden pack lock` if the change is meant"
    )]
    OtherRuntime {
        /// The lock.
        file: PathBuf,
        /// The interpreter.
        runtime: String,
        /// The locked digest.
        expected: Sha256Digest,
        /// The interpreter's own.
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

/// What of a pack is locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockedFiles {
    /// Components, by their path in the pack.
    pub components: Vec<(PathBuf, Sha256Digest)>,
    /// Files of programs, by their path in the pack.
    pub files: Vec<(PathBuf, Sha256Digest)>,
    /// Interpreters, by name.
    pub runtimes: Vec<(String, Sha256Digest)>,
}

/// The digests of a pack's components, of its programs and of their interpreters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    file: PathBuf,
    content: Content,
}

type Digests = BTreeMap<String, Sha256Digest>;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    components: Digests,
    #[serde(default, skip_serializing_if = "Digests::is_empty")]
    files: Digests,
    #[serde(default, skip_serializing_if = "Digests::is_empty")]
    runtimes: Digests,
}

impl Lock {
    /// A lock for the pack in `directory`.
    pub fn new(directory: &Path, locked: LockedFiles) -> Self {
        let by_path = |files: Vec<(PathBuf, Sha256Digest)>| {
            files.into_iter().map(|(path, digest)| (key(&path), digest)).collect::<Digests>()
        };
        let LockedFiles { components, files, runtimes } = locked;
        let (components, files) = (by_path(components), by_path(files));
        let content = Content { version: VERSION, components, files, runtimes: runtimes.into_iter().collect() };
        Self { file: directory.join(FILE), content }
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
        Ok(Some(Self { file, content }))
    }

    /// Writes it, and returns where.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self) -> Result<&Path, LockError> {
        let failed = |message: String| LockError::File { file: self.file.clone(), message };
        let text = toml::to_string(&self.content).map_err(|error| failed(format!("cannot be made: {error}")))?;
        let text = format!("# Written by `rewarden pack lock`: the pack loads with exactly these files.\n{text}");
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
        self.compare(&self.content.components, key(component), found)
    }

    /// Compares a file of a program, by its path in the pack, with what was locked.
    ///
    /// # Errors
    /// As those of [`Lock::check`].
    pub fn check_file(&self, path: &str, found: Sha256Digest) -> Result<(), LockError> {
        self.compare(&self.content.files, path.to_owned(), found)
    }

    /// Compares the interpreter of this name with what was locked.
    ///
    /// # Errors
    /// As those of [`Lock::check`].
    pub fn check_runtime(&self, name: &str, found: Sha256Digest) -> Result<(), LockError> {
        let error = match self.compare(&self.content.runtimes, name.to_owned(), found) {
            Err(LockError::Changed { file, expected, found, .. }) => {
                LockError::OtherRuntime { file, runtime: name.to_owned(), expected, found }
            }
            other => return other,
        };
        Err(error)
    }

    fn compare(&self, locked: &Digests, component: String, found: Sha256Digest) -> Result<(), LockError> {
        let file = self.file.clone();
        match locked.get(&component) {
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
        let components = vec![(PathBuf::from("./vote.wasm"), digest)];
        let files = vec![(PathBuf::from("reward.py"), digest)];
        let lock =
            Lock::new(&directory, LockedFiles { components, files, runtimes: vec![("python".to_owned(), digest)] });
        lock.write().unwrap();
        assert_eq!(Lock::read(&directory).unwrap(), Some(lock.clone()));
        assert_eq!(lock.check(Path::new("vote.wasm"), digest), Ok(()));
        let other = Sha256Digest::of(b"other");
        assert!(matches!(lock.check(Path::new("vote.wasm"), other), Err(LockError::Changed { .. })));
        assert!(matches!(lock.check(Path::new("new.wasm"), digest), Err(LockError::Unknown { .. })));
        assert_eq!((lock.check_file("reward.py", digest), lock.check_runtime("python", digest)), (Ok(()), Ok(())));
        assert!(matches!(lock.check_file("reward.py", other), Err(LockError::Changed { .. })));
        assert!(matches!(lock.check_runtime("python", other), Err(LockError::OtherRuntime { .. })));
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
