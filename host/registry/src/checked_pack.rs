//! A pack whose files are those of its lock.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use rewarden_input::read_regular;
use rewarden_manifest::{LOCK_FILE, Lock, LockError, Manifest, ManifestError, PackIdentity};
use rewarden_types::Sha256Digest;

use crate::artifact::LOCK_BYTES;
use crate::file_name::plain_path;
use crate::signature::{SIGNATURE_BYTES, SIGNATURE_FILE};

/// Why a pack in a directory cannot be told to be what its lock says.
#[derive(Debug, thiserror::Error)]
pub enum PackFault {
    /// There is no lock.
    #[error("{} has no {LOCK_FILE}; run `rewarden pack lock` first, or ask who made the pack for one", directory.display())]
    NotLocked {
        /// The pack's directory.
        directory: PathBuf,
    },
    /// The lock knows components alone.
    #[error("{}: is of an older form, which covers components alone and not {}; run `rewarden pack lock` again", file.display(), "pack.toml")]
    ComponentsAlone {
        /// The lock.
        file: PathBuf,
    },
    /// A file differs, or the lock cannot be read.
    #[error(transparent)]
    Lock(Box<LockError>),
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The lock is another pack's.
    #[error("{}: is of {} {}, but pack.toml says {} {}; run `rewarden pack lock`", file.display(), locked.name, locked.version, found.name, found.version)]
    OtherPack {
        /// The lock.
        file: PathBuf,
        /// What the lock says.
        locked: PackIdentity,
        /// What the manifest says.
        found: PackIdentity,
    },
    /// A file's name leads elsewhere.
    #[error("{}: {message}", file.display())]
    Name {
        /// The lock.
        file: PathBuf,
        /// What is wrong with the name.
        message: String,
    },
    /// A file lies outside of the pack, by a link.
    #[error("{} leads outside of the pack; copy the file itself beside pack.toml", path.display())]
    Outside {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        message: String,
    },
}

impl From<LockError> for PackFault {
    fn from(error: LockError) -> Self {
        Self::Lock(Box::new(error))
    }
}

/// A pack in a directory, every file of which was compared with its lock. No component was looked into.
#[derive(Debug)]
pub struct CheckedPack {
    directory: PathBuf,
    manifest: Manifest,
    identity: PackIdentity,
    lock: Lock,
    lock_bytes: Vec<u8>,
    signature: Option<String>,
    sizes: BTreeMap<String, u64>,
}

impl CheckedPack {
    /// Reads the pack in `directory`, no file of which may be larger than `file_bytes`.
    ///
    /// # Errors
    /// Says which file is missing, has changed, or is not in the lock though the manifest names it.
    pub fn read(directory: &Path, file_bytes: u64) -> Result<Self, PackFault> {
        let file = directory.join(LOCK_FILE);
        let lock_bytes = match read_regular(&file, LOCK_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(PackFault::NotLocked { directory: directory.to_owned() });
            }
            Err(error) => return Err(PackFault::File { path: file, message: error.to_string() }),
        };
        let text = std::str::from_utf8(&lock_bytes)
            .map_err(|_| PackFault::File { path: file.clone(), message: "it is no UTF-8 text".to_owned() })?;
        let lock = Lock::parse(text, &file)?;
        let Some(identity) = lock.identity().cloned() else { return Err(PackFault::ComponentsAlone { file }) };
        let root = directory.canonicalize().map_err(|error| unread(directory, &error))?;
        let mut sizes = BTreeMap::new();
        for name in lock.entries().into_keys() {
            let path =
                directory.join(plain_path(name).map_err(|message| PackFault::Name { file: file.clone(), message })?);
            if !path.canonicalize().map_err(|error| unread(&path, &error))?.starts_with(&root) {
                return Err(PackFault::Outside { path });
            }
            let bytes = read_regular(&path, file_bytes).map_err(|error| unread(&path, &error))?;
            let digest = Sha256Digest::of(&bytes);
            match lock.components().contains_key(name) {
                true => lock.check(Path::new(name), digest)?,
                false => lock.check_file(name, digest)?,
            }
            sizes.insert(name.to_owned(), bytes.len() as u64);
        }
        let manifest = Manifest::read(directory)?;
        let found = PackIdentity { name: manifest.name.clone(), version: manifest.version.clone() };
        if found != identity {
            return Err(PackFault::OtherPack { file, locked: identity, found });
        }
        let named = manifest.files().into_iter().map(key).chain(["pack.toml".to_owned()]);
        if let Some(component) = named.into_iter().find(|name| !sizes.contains_key(name)) {
            return Err(LockError::Unknown { file, component }.into());
        }
        let signature = signature(directory)?;
        Ok(Self { directory: directory.to_owned(), manifest, identity, lock, lock_bytes, signature, sizes })
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its pack.toml.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its name and version.
    pub fn identity(&self) -> &PackIdentity {
        &self.identity
    }

    /// Its lock.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The bytes of its lock: what is signed.
    pub fn lock_bytes(&self) -> &[u8] {
        &self.lock_bytes
    }

    /// The text of the signature beside the lock, if there is one. Nobody has verified it.
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// The bytes of every locked file, by its path in the pack.
    pub fn sizes(&self) -> &BTreeMap<String, u64> {
        &self.sizes
    }

    /// Reads a locked file once more, and compares it again.
    ///
    /// # Errors
    /// Says what has changed meanwhile.
    pub fn file(&self, name: &str) -> Result<Vec<u8>, PackFault> {
        let path = self.directory.join(name);
        let most = self.sizes.get(name).copied().unwrap_or_default();
        let bytes = read_regular(&path, most).map_err(|error| unread(&path, &error))?;
        let digest = Sha256Digest::of(&bytes);
        match self.lock.components().contains_key(name) {
            true => self.lock.check(Path::new(name), digest)?,
            false => self.lock.check_file(name, digest)?,
        }
        Ok(bytes)
    }
}

fn signature(directory: &Path) -> Result<Option<String>, PackFault> {
    let path = directory.join(SIGNATURE_FILE);
    match rewarden_input::read_regular_text(&path, SIGNATURE_BYTES) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unread(&path, &error)),
    }
}

fn unread(path: &Path, error: &std::io::Error) -> PackFault {
    PackFault::File { path: path.to_owned(), message: error.to_string() }
}

/// A path as the lock has it, whether or not the manifest says `./`.
fn key(path: &Path) -> String {
    let pieces = path.components().filter(|piece| !matches!(piece, Component::CurDir));
    pieces.map(|piece| piece.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use rewarden_manifest::LockedFiles;

    use super::*;

    const MANIFEST: &str = "name = \"maths\"\nversion = \"1.0.0\"\nscale = { min = 0, max = 1, integer = false }\n\
                            [scorers.s]\ncomponent = \"./s.wasm\"\n[policy]\ncomponent = \"v.wasm\"\n";

    /// A pack with these files in its lock.
    fn pack(locked: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let files = [("pack.toml", MANIFEST), ("s.wasm", "s"), ("v.wasm", "v"), ("reward.py", "def reward(): ...")];
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let entry = |name: &&str| {
            let path = directory.path().join(name);
            let bytes = std::fs::read(path).unwrap_or_default();
            (PathBuf::from(name), Sha256Digest::of(&bytes))
        };
        let (components, others): (Vec<&str>, Vec<&str>) = locked.iter().partition(|name| name.ends_with(".wasm"));
        let identity = PackIdentity { name: "maths".to_owned(), version: "1.0.0".to_owned() };
        let locked = LockedFiles {
            components: components.iter().map(entry).collect(),
            files: others.iter().map(entry).collect(),
            runtimes: Vec::new(),
        };
        let lock = Lock::new(directory.path(), identity, locked);
        lock.write().unwrap();
        directory
    }

    fn fault(directory: &tempfile::TempDir) -> String {
        CheckedPack::read(directory.path(), 1000).unwrap_err().to_string()
    }

    const ALL: [&str; 4] = ["pack.toml", "s.wasm", "v.wasm", "reward.py"];

    #[test]
    fn a_pack_is_its_locked_files_and_a_changed_byte_in_any_of_them_is_told() {
        let whole = pack(&ALL);
        let read = CheckedPack::read(whole.path(), 1000).unwrap();
        assert_eq!((read.identity().name.as_str(), read.sizes().len(), read.signature()), ("maths", 4, None));
        assert_eq!(read.file("s.wasm").unwrap(), b"s");
        for name in ALL {
            let changed = pack(&ALL);
            let path = changed.path().join(name);
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[0] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            assert!(fault(&changed).contains(&format!("expected {name} with sha256:")), "{}", fault(&changed));
            std::fs::remove_file(&path).unwrap();
            assert!(fault(&changed).contains(&format!("{name}: No such file")), "{}", fault(&changed));
        }
    }

    #[test]
    fn a_lock_that_leaves_out_what_counts_is_no_lock() {
        for left_out in ["pack.toml", "s.wasm", "v.wasm"] {
            let kept: Vec<&str> = ALL.into_iter().filter(|name| *name != left_out).collect();
            assert!(fault(&pack(&kept)).contains(&format!("has no digest of {left_out}")));
        }
        let none = pack(&ALL);
        std::fs::remove_file(none.path().join(LOCK_FILE)).unwrap();
        assert!(fault(&none).contains("has no pack.lock; run `rewarden pack lock` first"));
        let digest = Sha256Digest::of(b"s");
        std::fs::write(none.path().join(LOCK_FILE), format!("version = 1\n[components]\n\"s.wasm\" = \"{digest}\"\n"))
            .unwrap();
        assert!(fault(&none).contains("covers components alone"));
    }

    #[test]
    fn a_lock_of_another_pack_and_files_that_are_too_large_are_refused() {
        let renamed = pack(&ALL);
        let path = renamed.path().join(LOCK_FILE);
        let text = std::fs::read_to_string(&path).unwrap().replace("pack = \"maths\"", "pack = \"law\"");
        std::fs::write(&path, text).unwrap();
        assert!(fault(&renamed).contains("is of law 1.0.0, but pack.toml says maths 1.0.0"));
        assert!(CheckedPack::read(pack(&ALL).path(), 3).unwrap_err().to_string().contains("more than the 3 allowed"));
    }

    #[cfg(unix)]
    #[test]
    fn what_leads_out_of_the_pack_is_refused() {
        let linked = pack(&ALL);
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(elsewhere.path(), "s").unwrap();
        std::fs::remove_file(linked.path().join("s.wasm")).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), linked.path().join("s.wasm")).unwrap();
        assert!(fault(&linked).contains("leads outside of the pack"));
        let digest = Sha256Digest::of(b"s");
        let path = linked.path().join(LOCK_FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}\"../s.wasm\" = \"{digest}\"\n")).unwrap();
        assert!(fault(&linked).contains("`../s.wasm` leaves the pack"));
    }
}
