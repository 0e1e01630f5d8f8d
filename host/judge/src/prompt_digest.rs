//! The digest by which a run knows what the model was asked.

use rewarden_types::{GenerateRequest, Sha256Digest};

/// SHA-256 of the request as JSON, sampling parameters and seed included.
pub(crate) fn prompt_digest(request: &GenerateRequest) -> Sha256Digest {
    // Strings and numbers only: nothing that JSON could refuse.
    Sha256Digest::of(&serde_json::to_vec(request).unwrap_or_default())
}
