//! Getting a pack from a registry: the small things first, and nothing large before they fit.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use rewarden_input::shown;
use rewarden_manifest::{LOCK_FILE, Lock, PackIdentity};
use rewarden_types::Sha256Digest;

use crate::artifact::{Artifact, PackSummary};
use crate::client::RegistryClient;
use crate::newest::{NewestSeen, SignedVersion};
use crate::pull_error::PullError;
use crate::reference::PackReference;
use crate::signature::SIGNATURE_FILE;
use crate::transfer_error::TransferError;
use crate::trust::{Signed, TrustRules};

/// What this host takes.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// Versions of the contract that it speaks.
    pub contracts: Vec<String>,
    /// The most bytes of one file.
    pub file_bytes: u64,
    /// Whether a tag may lead to an older version than was seen before.
    pub allow_older: bool,
}

/// One pack on its way.
pub(crate) struct Arrival<'a> {
    pub(crate) client: &'a RegistryClient,
    pub(crate) reference: &'a PackReference,
    pub(crate) acceptance: &'a Acceptance,
    pub(crate) trust: &'a TrustRules,
    pub(crate) newest: &'a NewestSeen,
}

impl Arrival<'_> {
    /// Gets the files of a pack, by the bytes of its manifest, into an empty directory. Summary, lock and signature come first; files
    /// are asked for when they fit.
    pub(crate) async fn fetch(&self, manifest: &[u8], into: &Path) -> Result<(), PullError> {
        let file_bytes = self.acceptance.file_bytes;
        let artifact = Artifact::parse(manifest, file_bytes).map_err(|message| self.refused(&message))?;
        let mut summary = Vec::new();
        self.client.blob(&artifact.config, "the summary", &mut summary).await?;
        let summary: PackSummary = serde_json::from_slice(&summary)
            .map_err(|error| self.refused(&format!("its summary cannot be read: {}", shown(&error.to_string()))))?;
        self.check_contracts(&summary)?;
        let lock_bytes = self.small(&artifact, LOCK_FILE).await?.unwrap_or_default();
        let signature = match self.small(&artifact, SIGNATURE_FILE).await? {
            Some(bytes) => Some(String::from_utf8(bytes).map_err(|_| self.refused("its signature is no text"))?),
            None => None,
        };
        let text = std::str::from_utf8(&lock_bytes).map_err(|_| self.refused("its lock is no text"))?;
        let lock = Lock::parse(text, Path::new(LOCK_FILE))
            .map_err(|error| PullError::Lock { reference: self.reference.to_string(), error: Box::new(error) })?;
        artifact.check_lock(&lock).map_err(|message| self.refused(&message))?;
        let identity = lock.identity().ok_or_else(|| self.refused("its lock covers components alone"))?;
        if summary.name != identity.name || summary.version != identity.version {
            return Err(self.refused("its summary is that of another pack than its lock"));
        }
        let signed = self.trust.check_lock(identity, &lock_bytes, signature.as_deref(), Some(self.reference))?;
        admit(
            self.newest,
            self.reference,
            identity,
            &signed,
            Sha256Digest::of(&lock_bytes),
            self.acceptance.allow_older,
        )?;
        for (name, file) in &artifact.files {
            let path = into.join(&file.path);
            let failed = |error: std::io::Error| TransferError::file(&path, &error);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(failed)?;
            }
            let mut written = BufWriter::new(File::create_new(&path).map_err(failed)?);
            match name.as_str() {
                LOCK_FILE => written.write_all(&lock_bytes).map_err(failed)?,
                SIGNATURE_FILE => {
                    written.write_all(signature.as_deref().unwrap_or_default().as_bytes()).map_err(failed)?
                }
                name => self.client.blob(&file.blob, &format!("`{name}`"), &mut written).await?,
            }
            written.into_inner().map_err(|error| failed(error.into_error()))?;
        }
        Ok(())
    }

    /// A small file of the pack, if it has one of this name.
    async fn small(&self, artifact: &Artifact, name: &str) -> Result<Option<Vec<u8>>, PullError> {
        let Some(file) = artifact.files.get(name) else { return Ok(None) };
        let mut bytes = Vec::new();
        self.client.blob(&file.blob, &format!("`{name}`"), &mut bytes).await?;
        Ok(Some(bytes))
    }

    /// What the pack says of itself saves its download. Its components are asked afterwards.
    fn check_contracts(&self, summary: &PackSummary) -> Result<(), PullError> {
        let spoken = &self.acceptance.contracts;
        match summary.contracts.iter().find(|contract| !spoken.contains(contract)) {
            Some(foreign) => Err(self.refused(&format!(
                "it is made for version {} of the contract, and this host speaks {}; use a newer host, or an older version of the pack",
                shown(foreign),
                spoken.join(", ")
            ))),
            None => Ok(()),
        }
    }

    fn refused(&self, message: &str) -> PullError {
        PullError::Refused { reference: self.reference.to_string(), message: message.to_owned() }
    }
}

/// Refuses a signed version if a newer one was seen.
pub(crate) fn admit(
    newest: &NewestSeen,
    reference: &PackReference,
    identity: &PackIdentity,
    signed: &Signed,
    lock: Sha256Digest,
    allow_older: bool,
) -> Result<(), PullError> {
    let Signed::By { key, comment } = signed else { return Ok(()) };
    newest.admit(reference, &SignedVersion { version: &identity.version, key, comment, lock }, allow_older)
}
