//! Sigstore's signatures of a pack in a registry: whether there are some, and how to verify them.

use rewarden_types::Sha256Digest;
use serde::Deserialize;

use crate::client::{Action, RegistryClient};
use crate::connection::{RegistryAccess, wait_for};
use crate::reference::PackReference;
use crate::transfer_error::TransferError;

/// How the types of Sigstore's bundles begin; their version follows.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
/// The type of older signatures that refer to what they sign.
const OLDER: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";

/// Sigstore's signatures of a pack. They are not verified here: that needs Sigstore's root of trust, which changes, and an
/// identity, which the user alone knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigstoreBundles {
    /// How many there are.
    pub count: usize,
    /// The command that verifies them, once the words in capitals are replaced.
    pub command: String,
}

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Referrer>,
}

#[derive(Deserialize)]
struct Referrer {
    #[serde(default, rename = "artifactType")]
    artifact_type: Option<String>,
}

/// Looks for Sigstore's signatures of the pack that a reference names by its digest: among what refers to it, and under the tags that
/// take that place at older registries. `None` if there are none. Blocks.
///
/// # Errors
/// If the registry cannot be asked.
pub fn sigstore_bundles(
    reference: &PackReference,
    digest: Sha256Digest,
    access: &RegistryAccess,
) -> Result<Option<SigstoreBundles>, TransferError> {
    let client = RegistryClient::new(reference, access, Action::Pull)?;
    let what = "what refers to the pack";
    let (referrers, older) = wait_for(async {
        let tag = digest.to_string().replace(':', "-");
        let mut referrers = client.document(&format!("referrers/{digest}"), what).await?;
        if referrers.is_none() {
            referrers = client.document(&format!("manifests/{tag}"), what).await?;
        }
        let older = client.document(&format!("manifests/{tag}.sig"), what).await?;
        Ok::<_, TransferError>((referrers, older))
    })?;
    let listed = match referrers {
        Some(bytes) => bundles(&bytes).map_err(|message| TransferError::Malformed {
            registry: client.registry().to_owned(),
            what: what.to_owned(),
            message,
        })?,
        None => 0,
    };
    let count = listed + usize::from(older.is_some());
    let place = format!("{}@{digest}", reference.place());
    let command = format!("cosign verify {place} --certificate-identity IDENTITY --certificate-oidc-issuer ISSUER");
    Ok((count > 0).then_some(SigstoreBundles { count, command }))
}

/// How many of those in an index are Sigstore's.
fn bundles(index: &[u8]) -> Result<usize, String> {
    let index: Index = serde_json::from_slice(index).map_err(|error| rewarden_input::shown(&error.to_string()))?;
    let types = index.manifests.iter().filter_map(|referrer| referrer.artifact_type.as_deref());
    Ok(types.filter(|kind| kind.starts_with(BUNDLE) || *kind == OLDER).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_are_counted_by_their_type_and_other_referrers_are_not() {
        let index = br#"{"schemaVersion": 2, "manifests": [
            {"artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json", "digest": "sha256:0"},
            {"artifactType": "application/vnd.dev.cosign.artifact.sig.v1+json"},
            {"artifactType": "application/spdx+json"}, {}]}"#;
        assert_eq!(bundles(index), Ok(2));
        assert_eq!(bundles(b"{}"), Ok(0));
        assert!(bundles(b"[1]").is_err());
    }
}
