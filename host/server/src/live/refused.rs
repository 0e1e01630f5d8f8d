//! Packs that do not become live.

/// Why a pack did not become live. What was live before still is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PackRefused(pub(crate) String);
