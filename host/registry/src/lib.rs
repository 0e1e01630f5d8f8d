//! Signed packs, and the OCI registries that they travel through.
//!
//! A [`PackReference`] names a pack in a registry. [`push`] stores one there and [`PackCache::fetch`] gets it, once for
//! each digest. [`CheckedPack`] is a pack whose files are those of its lock; a [`SigningKey`] signs the lock, and [`TrustRules`] say
//! whose signature a pack must have. [`sbom`] lists what is in it.
//!
//! Nothing here compiles or runs a component, and nothing that a registry says is believed: names are checked before a file is
//! made, sizes before a byte is fetched, digests before a byte is used, and every body has an end.
//!
//! The requests are our own, over reqwest: `oci-client` (0.18.0) reads manifests, tokens and errors to their end, however
//! long they are, and panics on a token that is no header value.

mod artifact;
mod authorization;
mod cache;
mod checked_pack;
mod client;
mod connection;
mod credentials;
mod file_name;
mod newest;
mod pull;
mod pull_error;
mod push;
mod reference;
mod sbom;
mod signature;
mod sigstore;
mod transfer_error;
mod trust;
mod wasm_sections;

pub use artifact::{ARTIFACT_TYPE, PackSummary};
pub use cache::{CachedPack, PackCache};
pub use checked_pack::{CheckedPack, PackFault};
pub use connection::RegistryAccess;
pub use credentials::{Credentials, PASSWORD_VARIABLE, USER_VARIABLE};
pub use pull::Acceptance;
pub use pull_error::PullError;
pub use push::{PushError, push};
pub use reference::{PackReference, ReferenceError};
pub use sbom::{ComponentFacts, sbom};
pub use signature::{KeyError, SIGNATURE_FILE, SigningKey, TrustedComment, VerificationKey};
pub use sigstore::{SigstoreBundles, sigstore_bundles};
pub use transfer_error::TransferError;
pub use trust::{Signed, TrustError, TrustRule, TrustRules};
