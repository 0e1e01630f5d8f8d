//! Compiled components on disk, so that a second start does not compile.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::digest::Sha256Digest;

/// A directory of compiled components, private to the user.
///
/// Loading an artefact is running it: wasmtime does not validate machine code. So the directory is readable and
/// writable by its owner alone, an artefact is named after the digest of the component and the engine's
/// compatibility hash, and it is used only when its own digest, written in front of it, still fits.
#[derive(Clone, Debug)]
pub(crate) struct CompileCache {
    directory: PathBuf,
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
        {
            use std::os::unix::fs::{MetadataExt, PermissionsExt};
            let metadata = fs::metadata(directory)?;
            if metadata.mode() & 0o022 != 0 {
                fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
            }
        }
        Ok(Self { directory: directory.to_owned() })
    }

    fn path(&self, engine: &Engine, component: &Sha256Digest) -> PathBuf {
        let mut hasher = CompatibilityHasher(Sha256::new());
        std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut hasher);
        let engine = Sha256Digest::from(hasher.0);
        self.directory.join(format!("{}-{}.cwasm", component.hex(), engine.short()))
    }

    /// The compiled component, if it is there and undamaged.
    pub(crate) fn load(&self, engine: &Engine, component: &Sha256Digest) -> Option<Component> {
        let path = self.path(engine, component);
        let bytes = fs::read(&path).ok()?;
        let (stored, artefact) = bytes.split_at_checked(32)?;
        if stored != Sha256Digest::of(artefact).bytes() {
            tracing::warn!("{} is damaged; compiling anew", path.display());
            return None;
        }
        // SAFETY: `deserialize` must only see what `serialize` of this wasmtime wrote. The file lies in a directory
        // that only its owner can write to, was written by `store` below under a name that holds the engine's
        // compatibility hash, and its digest shows that it is whole.
        #[allow(unsafe_code, reason = "the only way to load a compiled component")]
        let loaded = unsafe { Component::deserialize(engine, artefact) };
        loaded.inspect_err(|error| tracing::warn!("{}: {error:#}; compiling anew", path.display())).ok()
    }

    /// Keeps a compiled component. Failing to is not an error: the next start compiles again.
    pub(crate) fn store(&self, engine: &Engine, component: &Sha256Digest, compiled: &Component) {
        let path = self.path(engine, component);
        let written = compiled.serialize().map_err(std::io::Error::other).and_then(|artefact| {
            let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
            file.write_all(Sha256Digest::of(&artefact).bytes())?;
            file.write_all(&artefact)?;
            // Renamed into place whole, so that a reader never sees half a file.
            file.persist(&path)?;
            Ok(())
        });
        if let Err(error) = written {
            tracing::warn!("cannot keep the compiled component in {}: {error}", path.display());
        }
    }
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
