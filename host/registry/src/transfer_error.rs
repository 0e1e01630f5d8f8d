//! Why a registry's answer is of no use.

use std::path::PathBuf;

use rewarden_types::Sha256Digest;

/// Why nothing was transferred to or from a registry.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// It could not be asked.
    #[error("{registry} cannot be asked for {what}: {message}")]
    Unreachable {
        /// The registry, or the host that it leads to.
        registry: String,
        /// What it was asked for.
        what: String,
        /// What went wrong.
        message: String,
    },
    /// It does not have it.
    #[error("{registry} does not have {what}; check the reference, and whether this user may read it")]
    NotFound {
        /// The registry.
        registry: String,
        /// What it was asked for.
        what: String,
    },
    /// It wants a user that it knows.
    #[error(
        "{registry} refuses {what}: {told}; log in with `docker login`, or set REWARDEN_REGISTRY_USER and \
         REWARDEN_REGISTRY_PASSWORD"
    )]
    Unauthorized {
        /// The registry.
        registry: String,
        /// What it was asked for.
        what: String,
        /// What it said.
        told: String,
    },
    /// It answers with an error.
    #[error("{registry} answers status {status} to {what}{told}")]
    Status {
        /// The registry.
        registry: String,
        /// What it was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What it said, with a colon before it, or nothing.
        told: String,
    },
    /// It leads somewhere that is not followed.
    #[error("{registry} leads to {to} for {what}, which is not followed: {reason}")]
    Redirect {
        /// The registry.
        registry: String,
        /// What it was asked for.
        what: String,
        /// Where it leads.
        to: String,
        /// Why that is not followed.
        reason: &'static str,
    },
    /// It sends more than it may.
    #[error("{registry} sends more than {allowed} bytes for {what}")]
    TooLong {
        /// The registry.
        registry: String,
        /// What it was asked for.
        what: String,
        /// The most bytes.
        allowed: u64,
    },
    /// It sends less than it said.
    #[error("{registry} sends {found} bytes for {what}, expected {expected}")]
    WrongSize {
        /// The registry.
        registry: String,
        /// What it was asked for.
        what: String,
        /// The bytes that the manifest says.
        expected: u64,
        /// The bytes that came.
        found: u64,
    },
    /// It sends something else.
    #[error("{registry} sends {found} for {what}, expected {expected}")]
    WrongDigest {
        /// The registry.
        registry: String,
        /// What it was asked for.
        what: String,
        /// The digest that was asked for.
        expected: Sha256Digest,
        /// The digest of what came.
        found: Sha256Digest,
    },
    /// It sends something that is not what it should be.
    #[error("{what} of {registry} is not what it should be: {message}")]
    Malformed {
        /// The registry.
        registry: String,
        /// What it was asked for.
        what: String,
        /// What is wrong.
        message: String,
    },
    /// The user's credentials cannot be used.
    #[error("the credentials for {registry} cannot be used: {message}")]
    Credentials {
        /// The registry.
        registry: String,
        /// What is wrong with them.
        message: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {message}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        message: String,
    },
    /// The client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
}

impl TransferError {
    /// A file that cannot be read or written.
    pub(crate) fn file(path: &std::path::Path, error: &dyn std::fmt::Display) -> Self {
        Self::File { path: path.to_owned(), message: error.to_string() }
    }
}
