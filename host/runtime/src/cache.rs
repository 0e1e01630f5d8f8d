//! Compiled components on disk, so that a second start does not compile.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rewarden_input::open_regular;
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::function_cache::{FunctionCache, MOST as FUNCTIONS_MOST};
use rewarden_types::Sha256Digest;

/// Bytes that the cache may take; beyond, the entries that were written first go. Bundled plugins take a megabyte each,
/// Python guests some 60.
const MOST_BYTES: u64 = 1 << 30;

/// Files in it at most: looking through more of them takes longer than compiling a small component.
const MOST_FILES: usize = 4096;

/// Bytes of one entry, beyond which nothing of it is read: the longest form of the largest component that there may be.
const MOST_OF_ONE: u64 = 512 << 20;

/// How old a file that was never finished has to be before it goes: nobody writes for that long.
const ABANDONED: Duration = Duration::from_secs(3600);

/// A directory of compiled components, private to the user.
///
/// Loading an artefact is running it: wasmtime does not validate machine code. So the directory is the user's own, readable
/// and writable by its owner alone, an artefact is named after the digest of the component and the engine's
/// compatibility hash, and it is used only when it is a file of the user's own and its digest, written in front of it,
/// still fits. The digest tells damage; it is no proof against the user, or against who can write as the user.
#[derive(Clone, Debug)]
pub(crate) struct CompileCache {
    directory: PathBuf,
    most_bytes: u64,
    /// The user that this process is, as its own files say.
    #[cfg(unix)]
    owner: u32,
}

impl CompileCache {
    /// Makes the directory if it is missing. `Err` says why there can be no cache here; loading works without.
    pub(crate) fn open(directory: &Path) -> std::io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory)?;
        #[cfg(unix)]
        let owner = {
            use std::os::unix::fs::{MetadataExt, PermissionsExt};
            let owner = tempfile::tempfile_in(directory)?.metadata()?.uid();
            let metadata = fs::metadata(directory)?;
            if metadata.uid() != owner {
                return Err(std::io::Error::other(format!(
                    "it belongs to user {}, who could put machine code there for user {owner} to run; give a directory of \
                     your own with --cache-dir",
                    metadata.uid()
                )));
            }
            if metadata.mode() & 0o022 != 0 {
                fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
            }
            owner
        };
        Ok(Self {
            directory: directory.to_owned(),
            most_bytes: MOST_BYTES,
            #[cfg(unix)]
            owner,
        })
    }

    fn path(&self, engine: &Engine, component: &Sha256Digest) -> PathBuf {
        self.directory.join(format!("{}-{}.cwasm", component.hex(), compatibility(engine).short()))
    }

    /// The compiled component, if it is there and undamaged.
    pub(crate) fn load(&self, engine: &Engine, component: &Sha256Digest) -> Option<Component> {
        let path = self.path(engine, component);
        let artefact = self.read(&path, MOST_OF_ONE)?;
        // SAFETY: `deserialize` must only see what `serialize` of this wasmtime wrote. The file is this user's own, in a
        // directory that is this user's own and that nobody else can write to; it was written by `store` below under a
        // name that holds the engine's compatibility hash, and its digest shows that it is whole.
        #[allow(unsafe_code, reason = "the only way to load a compiled component")]
        let loaded = unsafe { deserialize(engine, &artefact) };
        loaded.inspect_err(|error| tracing::warn!("{}: {error:#}; compiling anew", path.display())).ok()
    }

    /// Keeps a compiled component. Failing to is not an error: the next start compiles again.
    pub(crate) fn store(&self, engine: &Engine, component: &Sha256Digest, compiled: &Component) {
        let path = self.path(engine, component);
        let written = compiled.serialize().map_err(std::io::Error::other);
        self.warn(&path, written.and_then(|artefact| self.write(&path, &artefact)));
    }

    /// Machine code by function that was kept for this engine.
    pub(crate) fn functions(&self, engine: &Engine) -> FunctionCache {
        self.read(&self.functions_path(engine), FUNCTIONS_MOST as u64)
            .map_or_else(FunctionCache::default, |bytes| FunctionCache::from_bytes(&bytes))
    }

    /// Keeps machine code by function, if any is new. Failing to is not an error.
    pub(crate) fn keep_functions(&self, engine: &Engine, functions: &FunctionCache) {
        if let Some(bytes) = functions.to_bytes() {
            let path = self.functions_path(engine);
            self.warn(&path, self.write(&path, &bytes));
        }
    }

    fn functions_path(&self, engine: &Engine) -> PathBuf {
        self.directory.join(format!("functions-{}.cwasm", compatibility(engine).short()))
    }

    /// What a confined process made of the component, of at most so many bytes, for other confined processes: it may be of
    /// a hostile component's making, and so must never be loaded into this process. Hence a name that
    /// [`CompileCache::load`] does not look for.
    #[cfg(target_os = "linux")]
    pub(crate) fn confined(&self, component: &Sha256Digest, most: usize) -> Option<Vec<u8>> {
        self.read(&self.confined_path(component), most as u64)
    }

    /// Keeps what a confined process made of the component. Failing to is not an error.
    #[cfg(target_os = "linux")]
    pub(crate) fn keep_confined(&self, component: &Sha256Digest, artefact: &[u8]) {
        let path = self.confined_path(component);
        self.warn(&path, self.write(&path, artefact));
    }

    /// Without the engine's hash, since there is no engine here: wasmtime refuses what is of another build.
    #[cfg(target_os = "linux")]
    fn confined_path(&self, component: &Sha256Digest) -> PathBuf {
        self.directory.join(format!("{}-confined.cwasm", component.hex()))
    }

    fn write(&self, path: &Path, artefact: &[u8]) -> std::io::Result<()> {
        if artefact.len() as u64 > self.most_bytes / 2 {
            // It would push out everything else, and soon be pushed out itself.
            return Err(std::io::Error::other(format!("{} bytes are too many for the cache", artefact.len())));
        }
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        file.write_all(seal(path, artefact).bytes())?;
        file.write_all(artefact)?;
        let now = file.as_file().metadata()?.modified()?;
        // Renamed into place whole, so that a reader never sees half a file, whoever else writes the same one.
        file.persist(path)?;
        self.tidy(path, artefact.len() as u64, now)
    }

    /// Removes what was written first until the rest is within the bounds, and what was never finished. `now` is the time of
    /// `newest`, which has so many bytes, as the file system has it.
    fn tidy(&self, newest: &Path, bytes: u64, now: SystemTime) -> std::io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            // One that another process removed meanwhile needs nothing. Links are looked at, not followed.
            let Ok(metadata) = entry.metadata() else { continue };
            let written = metadata.modified()?;
            let path = entry.path();
            let is_entry = path.extension().is_some_and(|extension| extension == "cwasm");
            if is_entry && path != newest {
                entries.push((written, metadata.len(), path));
            } else if !is_entry
                && entry.file_name().to_string_lossy().starts_with(".tmp")
                && now.duration_since(written).is_ok_and(|age| age > ABANDONED)
            {
                remove(&path);
            }
        }
        entries.sort();
        let mut bytes = bytes + entries.iter().map(|(_, bytes, _)| bytes).sum::<u64>();
        let mut files = entries.len() + 1;
        for (_, size, path) in entries {
            if bytes <= self.most_bytes && files <= MOST_FILES {
                break;
            }
            remove(&path);
            bytes = bytes.saturating_sub(size);
            files -= 1;
        }
        Ok(())
    }

    fn warn(&self, path: &Path, written: std::io::Result<()>) {
        if let Err(error) = written {
            tracing::warn!("cannot keep the compiled component in {}: {error}", path.display());
        }
    }

    /// The bytes behind the digest in front, if they are still what was written. What is no file of the user's own is left
    /// alone: a link, a FIFO, a file that somebody else owns.
    fn read(&self, path: &Path, most: u64) -> Option<Vec<u8>> {
        let ignored = |why: &str| {
            tracing::warn!("{} {why}; compiling anew", path.display());
            None
        };
        let metadata = fs::symlink_metadata(path).ok()?;
        if !metadata.is_file() {
            return ignored("is not a regular file");
        }
        let (file, length) = open_regular(path).ok()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let opened = file.metadata().ok()?;
            if opened.uid() != self.owner {
                return ignored("belongs to somebody else");
            }
            if opened.mode() & 0o022 != 0 {
                return ignored("can be written by others");
            }
            // Replaced in between, perhaps by a link.
            if (opened.dev(), opened.ino()) != (metadata.dev(), metadata.ino()) {
                return None;
            }
        }
        if length > most.saturating_add(32) {
            return ignored("is larger than what was compiled can be");
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).ok()?);
        file.take(most.saturating_add(33)).read_to_end(&mut bytes).ok()?;
        let Some((digest, artefact)) = bytes.split_first_chunk::<32>() else { return ignored("is damaged") };
        if digest != seal(path, artefact).bytes() {
            return ignored("is damaged");
        }
        bytes.drain(..32);
        Some(bytes)
    }
}

/// Returns what stands in front of an entry: a digest of its name and its bytes, so that one component's code does not pass
/// for another's under that one's name.
fn seal(path: &Path, artefact: &[u8]) -> Sha256Digest {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let mut hasher = Sha256::new_with_prefix(name);
    hasher.update([0]);
    hasher.update(artefact);
    Sha256Digest::from(hasher)
}

/// Another process may have removed it already.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!("cannot remove {} from the compile cache: {error}", path.display());
    }
}

/// A component from its compiled form.
///
/// # Safety
///
/// The bytes become machine code of this process: see [`Component::deserialize`].
#[allow(unsafe_code, reason = "passes the condition on to its two callers")]
pub(crate) unsafe fn deserialize(engine: &Engine, artefact: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the caller's.
    unsafe { Component::deserialize(engine, artefact) }
}

/// Stands for all that machine code depends on besides the component.
fn compatibility(engine: &Engine) -> Sha256Digest {
    let mut hasher = CompatibilityHasher(Sha256::new());
    std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut hasher);
    Sha256Digest::from(hasher.0)
}

/// Feeds a `Hash` into SHA-256: the standard hasher's result is not promised to be the same in another build.
struct CompatibilityHasher(Sha256);

impl std::hash::Hasher for CompatibilityHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn cache(most_bytes: u64) -> (tempfile::TempDir, CompileCache) {
        let directory = tempfile::tempdir().unwrap();
        let cache = CompileCache::open(&directory.path().join("components")).unwrap();
        (directory, CompileCache { most_bytes, ..cache })
    }

    fn names(cache: &CompileCache) -> Vec<String> {
        let entries = fs::read_dir(&cache.directory).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_written_first_goes_when_there_is_too_much() {
        let (_directory, cache) = cache(10_000);
        for (at, name) in ["c", "a", "d", "b"].iter().enumerate() {
            cache.write(&cache.directory.join(format!("{name}.cwasm")), &[at as u8; 3000]).unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(names(&cache), ["a.cwasm", "b.cwasm", "d.cwasm"]);
        let refused = cache.write(&cache.directory.join("e.cwasm"), &[0; 5001]).unwrap_err();
        assert_eq!(refused.to_string(), "5001 bytes are too many for the cache");
        assert_eq!(names(&cache), ["a.cwasm", "b.cwasm", "d.cwasm"]);
    }

    #[test]
    fn what_was_never_finished_goes_after_an_hour_and_other_files_stay() {
        let (_directory, cache) = cache(10_000);
        let file = |name: &str, hours: u64| {
            let file = fs::File::create(cache.directory.join(name)).unwrap();
            let now = file.metadata().unwrap().modified().unwrap();
            file.set_modified(now - Duration::from_secs(hours * 3600)).unwrap();
        };
        file(".tmpOld", 2);
        file(".tmpNew", 0);
        file("note.txt", 2);
        cache.write(&cache.directory.join("a.cwasm"), b"a").unwrap();
        assert_eq!(names(&cache), [".tmpNew", "a.cwasm", "note.txt"]);
    }

    #[test]
    fn an_entry_that_is_no_whole_file_of_the_users_own_is_not_read() {
        let (directory, cache) = cache(1 << 20);
        let place = |name: &str| cache.directory.join(name);
        cache.write(&place("good.cwasm"), b"machine code").unwrap();
        assert_eq!(cache.read(&place("good.cwasm"), 100).unwrap(), b"machine code");
        assert_eq!(cache.read(&place("good.cwasm"), 11), None);

        fs::copy(place("good.cwasm"), directory.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(directory.path().join("elsewhere"), place("link.cwasm")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(place("fifo.cwasm")).status().unwrap().success());
        fs::create_dir(place("directory.cwasm")).unwrap();
        fs::File::create(place("sparse.cwasm")).unwrap().set_len(20 << 30).unwrap();
        fs::write(place("short.cwasm"), [0; 31]).unwrap();
        let mut damaged = fs::read(place("good.cwasm")).unwrap();
        damaged[40] ^= 1;
        fs::write(place("damaged.cwasm"), damaged).unwrap();
        for name in ["link", "fifo", "directory", "sparse", "short", "damaged", "missing"] {
            let started = Instant::now();
            assert_eq!(cache.read(&place(&format!("{name}.cwasm")), MOST_OF_ONE), None, "{name}");
            assert!(started.elapsed() < Duration::from_secs(1), "{name}");
        }
        let foreign = CompileCache { owner: cache.owner + 1, ..cache.clone() };
        assert_eq!(foreign.read(&place("good.cwasm"), 100), None);
        // A link is replaced by what is kept under its name, and what it led to stays as it was.
        let before = fs::read(directory.path().join("elsewhere")).unwrap();
        cache.write(&place("link.cwasm"), b"other code").unwrap();
        assert_eq!(cache.read(&place("link.cwasm"), 100).unwrap(), b"other code");
        assert_eq!(fs::read(directory.path().join("elsewhere")).unwrap(), before);
    }

    #[test]
    fn writers_and_readers_at_once_see_whole_entries_or_none() {
        let (_directory, cache) = cache(20_000);
        std::thread::scope(|scope| {
            for writer in 0..4_u8 {
                let cache = &cache;
                scope.spawn(move || {
                    for round in 0..50_u8 {
                        let path = cache.directory.join(format!("{}.cwasm", round % 7));
                        cache.write(&path, &[writer; 4000]).unwrap();
                        let read = cache.read(&path, MOST_OF_ONE);
                        assert!(read.is_none_or(|bytes| bytes.len() == 4000 && bytes.iter().all(|b| *b == bytes[0])));
                    }
                });
            }
        });
        assert!(names(&cache).iter().all(|name| name.ends_with(".cwasm")));
    }
}
