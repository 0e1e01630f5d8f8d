//! `pack.lock`: the digests that a pack's files must have.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use rewarden_types::{Sha256Digest, shown};
use serde::{Deserialize, Serialize};

use crate::text_file::read_text;

/// The file's name, beside pack.toml.
pub const LOCK_FILE: &str = "pack.lock";
/// The form that is written.
const VERSION: u32 = 2;
/// The form that knew components alone. It is read, and checks what it knows.
const COMPONENTS_ALONE: u32 = 1;

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
    /// A file is another one than was locked.
    #[error(
        "{file}: expected {component} with {expected}, found {found}; if the change is meant, run `rewarden pack lock`"
    )]
    Changed {
        /// The lock.
        file: PathBuf,
        /// The file's path in the pack.
        component: String,
        /// The locked digest.
        expected: Sha256Digest,
        /// The file's own.
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
    /// The pack names a file that was not there when it was locked.
    #[error("{file}: has no digest of {component}, which the pack names; if that is meant, run `rewarden pack lock`")]
    Unknown {
        /// The lock.
        file: PathBuf,
        /// The file's path in the pack.
        component: String,
    },
}

/// The name and the version of a pack, as its manifest and its lock have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackIdentity {
    /// The manifest's `name`.
    pub name: String,
    /// The manifest's `version`.
    pub version: String,
}

/// What of a pack is locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockedFiles {
    /// Components, by their path in the pack.
    pub components: Vec<(PathBuf, Sha256Digest)>,
    /// All other files, by their path in the pack: the manifest, programs, golden cases, and texts for people.
    pub files: Vec<(PathBuf, Sha256Digest)>,
    /// Interpreters, by name. They are the host's, and no files of the pack.
    pub runtimes: Vec<(String, Sha256Digest)>,
}

type Digests = BTreeMap<String, Sha256Digest>;

/// The digests of a pack's files, and of the interpreters of its programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    file: PathBuf,
    /// `None` in a lock of components alone.
    identity: Option<PackIdentity>,
    components: Digests,
    files: Digests,
    runtimes: Digests,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pack: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pack_version: Option<String>,
    components: Digests,
    #[serde(default, skip_serializing_if = "Digests::is_empty")]
    files: Digests,
    #[serde(default, skip_serializing_if = "Digests::is_empty")]
    runtimes: Digests,
}

/// Reads the version of a lock whatever else it holds: one of a newer program is told by its version.
#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

impl Lock {
    /// Makes a lock for the pack in `directory`.
    pub fn new(directory: &Path, identity: PackIdentity, locked: LockedFiles) -> Self {
        let by_path = |files: Vec<(PathBuf, Sha256Digest)>| {
            files.into_iter().map(|(path, digest)| (key(&path), digest)).collect::<Digests>()
        };
        Self {
            file: directory.join(LOCK_FILE),
            identity: Some(identity),
            components: by_path(locked.components),
            files: by_path(locked.files),
            runtimes: locked.runtimes.into_iter().collect(),
        }
    }

    /// The lock of the pack in `directory`, if it has one.
    ///
    /// # Errors
    /// If the lock cannot be read: a damaged lock never means no lock.
    pub fn read(directory: &Path) -> Result<Option<Self>, LockError> {
        let file = directory.join(LOCK_FILE);
        match read_text(&file) {
            Ok(text) => Self::parse(&text, &file).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LockError::File { message: format!("cannot be read: {error}"), file }),
        }
    }

    /// Parses the text of the lock `file`.
    ///
    /// # Errors
    /// If it is no lock, or one of a version that this program does not know.
    pub fn parse(text: &str, file: &Path) -> Result<Self, LockError> {
        let failed = |message: String| LockError::File { file: file.to_owned(), message };
        let unread = |error: toml::de::Error| {
            failed(format!("is not a lock that `rewarden pack lock` wrote: {}", shown(error.message())))
        };
        let VersionOnly { version } = toml::from_str(text).map_err(unread)?;
        if version != VERSION && version != COMPONENTS_ALONE {
            return Err(failed(format!(
                "has version {version}, expected {VERSION}; run `rewarden pack lock` with this program"
            )));
        }
        let content: Content = toml::from_str(text).map_err(unread)?;
        let identity = match (content.pack, content.pack_version) {
            (Some(name), Some(version)) => Some(PackIdentity { name, version }),
            (None, None) if version == COMPONENTS_ALONE => None,
            _ => return Err(failed("has no `pack` and `pack_version`; run `rewarden pack lock`".to_owned())),
        };
        let Content { components, files, runtimes, .. } = content;
        Ok(Self { file: file.to_owned(), identity, components, files, runtimes })
    }

    /// Writes it, and returns where.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self) -> Result<&Path, LockError> {
        let failed = |message: String| LockError::File { file: self.file.clone(), message };
        let content = Content {
            version: if self.identity.is_some() { VERSION } else { COMPONENTS_ALONE },
            pack: self.identity.as_ref().map(|identity| identity.name.clone()),
            pack_version: self.identity.as_ref().map(|identity| identity.version.clone()),
            components: self.components.clone(),
            files: self.files.clone(),
            runtimes: self.runtimes.clone(),
        };
        let text = toml::to_string(&content).map_err(|error| failed(format!("cannot be made: {error}")))?;
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

    /// Returns whose files these are, or `None` in a lock that an older program wrote, which holds components alone.
    pub fn identity(&self) -> Option<&PackIdentity> {
        self.identity.as_ref()
    }

    /// Returns the components by their path in the pack, with their digests.
    pub fn components(&self) -> &BTreeMap<String, Sha256Digest> {
        &self.components
    }

    /// Returns the interpreters of its programs by name, with their digests.
    pub fn runtimes(&self) -> &BTreeMap<String, Sha256Digest> {
        &self.runtimes
    }

    /// Returns every locked file by its path in the pack, with its digest.
    pub fn entries(&self) -> BTreeMap<&str, Sha256Digest> {
        let all = self.components.iter().chain(&self.files);
        all.map(|(path, digest)| (path.as_str(), *digest)).collect()
    }

    /// Compares a component that was loaded, by its path in the pack, with what was locked.
    ///
    /// # Errors
    /// If it is another component, or the lock does not know it.
    pub fn check(&self, component: &Path, found: Sha256Digest) -> Result<(), LockError> {
        self.compare(&self.components, key(component), found)
    }

    /// Compares another file than a component, by its path in the pack, with what was locked. A lock that an older program
    /// wrote knows components alone, and lets every other file be.
    ///
    /// # Errors
    /// If it is another file, or the lock should know it and does not.
    pub fn check_file(&self, path: &str, found: Sha256Digest) -> Result<(), LockError> {
        if self.identity.is_none() && !self.files.contains_key(path) {
            return Ok(());
        }
        self.compare(&self.files, path.to_owned(), found)
    }

    /// Compares the interpreter of this name with what was locked.
    ///
    /// # Errors
    /// If it is another one, or the lock does not know it.
    pub fn check_runtime(&self, name: &str, found: Sha256Digest) -> Result<(), LockError> {
        match self.compare(&self.runtimes, name.to_owned(), found) {
            Err(LockError::Changed { file, expected, found, .. }) => {
                Err(LockError::OtherRuntime { file, runtime: name.to_owned(), expected, found })
            }
            other => other,
        }
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
    let pieces = path.components().filter(|piece| !matches!(piece, Component::CurDir));
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

    fn identity() -> PackIdentity {
        PackIdentity { name: "mine".to_owned(), version: "1.0.0".to_owned() }
    }

    #[test]
    fn a_lock_reads_back_and_holds_components_and_files_to_their_digests() {
        let directory = tempfile::tempdir().unwrap();
        let (digest, manifest) = (Sha256Digest::of(b"vote"), Sha256Digest::of(b"name"));
        let locked = LockedFiles {
            components: vec![(PathBuf::from("./vote.wasm"), digest)],
            files: vec![(PathBuf::from("./pack.toml"), manifest)],
            runtimes: vec![("python".to_owned(), digest)],
        };
        let lock = Lock::new(directory.path(), identity(), locked);
        lock.write().unwrap();
        assert_eq!(Lock::read(directory.path()).unwrap(), Some(lock.clone()));
        assert_eq!(lock.entries(), BTreeMap::from([("pack.toml", manifest), ("vote.wasm", digest)]));
        assert_eq!(lock.check(Path::new("vote.wasm"), digest), Ok(()));
        assert_eq!(lock.check_file("pack.toml", manifest), Ok(()));
        let other = Sha256Digest::of(b"other");
        assert!(matches!(lock.check(Path::new("vote.wasm"), other), Err(LockError::Changed { .. })));
        assert!(matches!(lock.check(Path::new("new.wasm"), digest), Err(LockError::Unknown { .. })));
        assert!(matches!(lock.check_file("pack.toml", other), Err(LockError::Changed { .. })));
        assert!(matches!(lock.check_file("reward.py", other), Err(LockError::Unknown { .. })));
        assert_eq!(lock.check_runtime("python", digest), Ok(()));
        assert!(matches!(lock.check_runtime("python", other), Err(LockError::OtherRuntime { .. })));
    }

    #[test]
    fn a_lock_of_components_alone_still_holds_them_and_lets_other_files_be() {
        let digest = Sha256Digest::of(b"vote");
        let text = format!("version = 1\n[components]\n\"vote.wasm\" = \"{digest}\"\n");
        let lock = Lock::parse(&text, Path::new("pack.lock")).unwrap();
        assert_eq!(lock.identity(), None);
        assert_eq!(lock.check(Path::new("vote.wasm"), digest), Ok(()));
        assert!(lock.check(Path::new("vote.wasm"), Sha256Digest::of(b"other")).is_err());
        assert_eq!(lock.check_file("pack.toml", digest), Ok(()));
    }

    #[test]
    fn no_lock_is_fine_and_a_damaged_one_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Lock::read(directory.path()), Ok(None));
        for text in [
            "version = 1",
            "version = 2\n[components]\n",
            "version = 3\npack = \"a\"\n[whatever]\n",
            "version = 1\n[components]\n\"a.wasm\" = \"sha1:0\"\n",
        ] {
            std::fs::write(directory.path().join(LOCK_FILE), text).unwrap();
            assert!(matches!(Lock::read(directory.path()), Err(LockError::File { .. })), "{text}");
        }
    }
}
