//! Packs that were fetched, by the digest of their manifest: each is fetched once.

use std::path::{Path, PathBuf};

use rewarden_input::read_regular;
use rewarden_manifest::LOCK_FILE;
use rewarden_types::Sha256Digest;

use crate::artifact::{Artifact, MANIFEST_BYTES};
use crate::checked_pack::CheckedPack;
use crate::client::{Action, RegistryClient};
use crate::connection::{RegistryAccess, wait_for};
use crate::newest::NewestSeen;
use crate::pull::{Acceptance, Arrival, admit};
use crate::pull_error::PullError;
use crate::reference::PackReference;
use crate::signature::SIGNATURE_FILE;
use crate::transfer_error::TransferError;
use crate::trust::{Signed, TrustRules};

/// The manifest of an entry, beside its files.
const MANIFEST: &str = "manifest.json";
/// The files of an entry.
const FILES: &str = "pack";
/// The memory of what was seen.
const NEWEST: &str = "newest";

/// A directory of packs that were fetched.
#[derive(Clone, Debug)]
pub struct PackCache {
    directory: PathBuf,
    newest: NewestSeen,
}

/// A pack that was fetched, now or before.
#[derive(Debug)]
pub struct CachedPack {
    /// The pack, whose files are those of its lock and of its manifest.
    pub pack: CheckedPack,
    /// Where it is from, by its digest: what names this very pack for ever.
    pub reference: PackReference,
    /// Who signed it.
    pub signed: Signed,
    /// Whether it was fetched now.
    pub fetched: bool,
}

impl PackCache {
    /// Opens the cache in `directory`, which is made if it is missing, readable by its owner alone.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(directory: &Path) -> Result<Self, TransferError> {
        let newest = directory.join(NEWEST);
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&newest).map_err(|error| TransferError::file(&newest, &error))?;
        Ok(Self { directory: directory.to_owned(), newest: NewestSeen::new(newest) })
    }

    /// Returns the pack that a reference names. One that is named by its digest, and was fetched before, is not asked for again; a
    /// tag is asked for every time. The files of an entry are compared with its digest every time; a damaged entry is
    /// fetched anew. Blocks.
    ///
    /// # Errors
    /// Says why the pack cannot be got, or is refused. No component was compiled or run.
    pub fn fetch(
        &self,
        reference: &PackReference,
        access: &RegistryAccess,
        acceptance: &Acceptance,
        trust: &TrustRules,
    ) -> Result<CachedPack, PullError> {
        if let Some(digest) = reference.digest()
            && let Ok(pack) = self.entry(digest, acceptance)
        {
            return self.admitted(pack, digest, reference, acceptance, trust, false);
        }
        let client = RegistryClient::new(reference, access, Action::Pull)?;
        let arrival = Arrival { client: &client, reference, acceptance, trust, newest: &self.newest };
        let (digest, fetched) = wait_for(async {
            let (manifest, digest) = client.manifest(reference).await?;
            let missing = self.entry(digest, acceptance).is_err();
            if missing {
                self.add(&arrival, &manifest, digest).await?;
            }
            Ok::<_, PullError>((digest, missing))
        })?;
        self.admitted(self.entry(digest, acceptance)?, digest, reference, acceptance, trust, fetched)
    }

    fn admitted(
        &self,
        pack: CheckedPack,
        digest: Sha256Digest,
        reference: &PackReference,
        acceptance: &Acceptance,
        trust: &TrustRules,
        fetched: bool,
    ) -> Result<CachedPack, PullError> {
        let signed = trust.check(&pack, Some(reference))?;
        let lock = Sha256Digest::of(pack.lock_bytes());
        admit(&self.newest, reference, pack.identity(), &signed, lock, acceptance.allow_older)?;
        Ok(CachedPack { pack, reference: reference.pinned(digest), signed, fetched })
    }

    fn place(&self, digest: Sha256Digest) -> PathBuf {
        self.directory.join(format!("sha256-{}", digest.hex()))
    }

    /// The entry of this digest, every file of which has the digest that the manifest says.
    fn entry(&self, digest: Sha256Digest, acceptance: &Acceptance) -> Result<CheckedPack, PullError> {
        let place = self.place(digest);
        let refused = |message: String| PullError::Refused { reference: place.display().to_string(), message };
        let path = place.join(MANIFEST);
        let manifest = read_regular(&path, MANIFEST_BYTES).map_err(|error| TransferError::file(&path, &error))?;
        if Sha256Digest::of(&manifest) != digest {
            return Err(refused("its manifest has another digest".to_owned()));
        }
        let artifact = Artifact::parse(&manifest, acceptance.file_bytes).map_err(refused)?;
        let pack = CheckedPack::read(&place.join(FILES), acceptance.file_bytes)?;
        artifact.check_lock(pack.lock()).map_err(refused)?;
        let of_manifest = |name: &str| artifact.files.get(name).map(|file| file.blob.digest);
        let there = [
            (LOCK_FILE, Some(Sha256Digest::of(pack.lock_bytes()))),
            (SIGNATURE_FILE, pack.signature().map(|text| Sha256Digest::of(text.as_bytes()))),
        ];
        match there.into_iter().find(|(name, digest)| of_manifest(name) != *digest) {
            Some((name, _)) => Err(refused(format!("its {name} is not that of its manifest"))),
            None => Ok(pack),
        }
    }

    /// Fetches a pack beside the entries, and makes it one when it is whole.
    async fn add(&self, arrival: &Arrival<'_>, manifest: &[u8], digest: Sha256Digest) -> Result<(), PullError> {
        let place = self.place(digest);
        let failed = |error: std::io::Error| TransferError::file(&place, &error);
        let beside = tempfile::Builder::new().prefix(".arriving-").tempdir_in(&self.directory).map_err(failed)?;
        let files = beside.path().join(FILES);
        std::fs::create_dir(&files).map_err(failed)?;
        arrival.fetch(manifest, &files).await?;
        std::fs::write(beside.path().join(MANIFEST), manifest).map_err(failed)?;
        // Somebody else may have been faster. What is damaged goes; what is sound is the same.
        if place.exists() && self.entry(digest, arrival.acceptance).is_err() {
            std::fs::remove_dir_all(&place).map_err(failed)?;
        }
        match std::fs::rename(beside.path(), &place) {
            Err(error) if !place.exists() => Err(failed(error).into()),
            _ => Ok(()),
        }
    }
}
