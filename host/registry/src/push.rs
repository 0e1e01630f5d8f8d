//! Storing a pack in a registry.

use rewarden_input::shown;
use rewarden_manifest::LOCK_FILE;
use rewarden_types::Sha256Digest;

use crate::artifact::{MANIFEST_BYTES, PackSummary, SUMMARY_BYTES, manifest_text};
use crate::checked_pack::{CheckedPack, PackFault};
use crate::client::{Action, RegistryClient};
use crate::connection::{RegistryAccess, wait_for};
use crate::reference::PackReference;
use crate::signature::{KeyError, PackSignature, SIGNATURE_FILE, TrustedComment};
use crate::transfer_error::TransferError;

/// Why a pack was not stored.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The registry did not take it.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// A file has changed meanwhile.
    #[error(transparent)]
    Fault(#[from] PackFault),
    /// There is no tag to store it under.
    #[error("{reference} has no tag to store the pack under; expected oci://HOST/REPOSITORY:TAG without a digest")]
    NoTag {
        /// Where it was to go.
        reference: String,
    },
    /// The repository is another pack's.
    #[error(
        "{reference} is no place for the pack `{pack}`: the last part of the repository must be `{expected}`, since signatures name \
         the pack, and a tag of one pack must not give another"
    )]
    OtherRepository {
        /// Where it was to go.
        reference: String,
        /// The pack's name.
        pack: String,
        /// What the last part is to be called.
        expected: String,
    },
    /// The signature is an old one, or cannot be read.
    #[error(
        "{SIGNATURE_FILE} is no signature of this {LOCK_FILE}: {reason}; run `rewarden pack sign` again, or delete it"
    )]
    Signature {
        /// What is wrong with it.
        reason: String,
    },
    /// There is more of it than a manifest can hold.
    #[error("the pack has too many files for one manifest, or too long names: {0}")]
    TooLarge(String),
}

/// Stores a pack, whose components are made for these versions of the contract, under the tag of a reference, and returns what
/// names it for ever. What the registry has already is not sent again. Blocks.
///
/// # Errors
/// Says why the pack was not stored. Files that were sent before stay at the registry, which nothing refers to.
pub fn push(
    pack: &CheckedPack,
    contracts: Vec<String>,
    reference: &PackReference,
    access: &RegistryAccess,
) -> Result<PackReference, PushError> {
    let (Some(tag), None) = (reference.tag(), reference.digest()) else {
        return Err(PushError::NoTag { reference: reference.to_string() });
    };
    let expected = PackReference::part_for(&pack.identity().name);
    if reference.last_part() != expected {
        let pack = pack.identity().name.clone();
        return Err(PushError::OtherRepository { reference: reference.to_string(), pack, expected });
    }
    check_signature(pack)?;
    let summary = PackSummary::new(pack.manifest(), pack.lock(), contracts);
    let config = serde_json::to_vec(&summary).map_err(|error| PushError::TooLarge(error.to_string()))?;
    let config_digest = Sha256Digest::of(&config);
    let mut files: Vec<(String, Sha256Digest, u64)> = pack
        .lock()
        .entries()
        .into_iter()
        .map(|(name, digest)| (name.to_owned(), digest, pack.sizes().get(name).copied().unwrap_or_default()))
        .collect();
    let beside = [(LOCK_FILE, Some(pack.lock_bytes())), (SIGNATURE_FILE, pack.signature().map(str::as_bytes))];
    for (name, bytes) in beside.iter().filter_map(|(name, bytes)| bytes.map(|bytes| (name, bytes))) {
        files.push(((*name).to_owned(), Sha256Digest::of(bytes), bytes.len() as u64));
    }
    files.sort();
    let manifest = manifest_text(&summary, (config_digest, config.len() as u64), &files)
        .map_err(|error| PushError::TooLarge(error.to_string()))?;
    for (what, found, allowed) in
        [("the manifest", manifest.len(), MANIFEST_BYTES), ("the summary", config.len(), SUMMARY_BYTES)]
    {
        if found as u64 > allowed {
            return Err(PushError::TooLarge(format!("{what} has {found} bytes, of {allowed} allowed")));
        }
    }
    let digest = Sha256Digest::of(&manifest);
    let client = RegistryClient::new(reference, access, Action::Push)?;
    wait_for(async {
        for (name, digest, _) in &files {
            let bytes = match name.as_str() {
                LOCK_FILE => pack.lock_bytes().to_vec(),
                SIGNATURE_FILE => pack.signature().unwrap_or_default().as_bytes().to_vec(),
                name => pack.file(name)?,
            };
            client.store_blob(*digest, bytes, &format!("`{name}`")).await?;
        }
        client.store_blob(config_digest, config, "the summary").await?;
        client.store_manifest(tag, manifest).await?;
        Ok::<_, PushError>(())
    })?;
    Ok(reference.pinned(digest))
}

/// Finds a signature that was made before the pack was locked anew. Whose it is only a key could tell.
fn check_signature(pack: &CheckedPack) -> Result<(), PushError> {
    let Some(text) = pack.signature() else { return Ok(()) };
    let signature =
        PackSignature::parse(text).map_err(|error: KeyError| PushError::Signature { reason: error.to_string() })?;
    let comment =
        TrustedComment::parse(signature.unverified_comment()).map_err(|reason| PushError::Signature { reason })?;
    let found = Sha256Digest::of(pack.lock_bytes());
    match comment.lock {
        Some(signed) if signed != found => Err(PushError::Signature {
            reason: format!("it is one of a lock with {}, and this one has {found}", shown(&signed.to_string())),
        }),
        _ => Ok(()),
    }
}
