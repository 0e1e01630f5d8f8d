//! Why a pack in a registry is of no use.

use std::path::PathBuf;

use rewarden_manifest::LockError;

use crate::checked_pack::PackFault;
use crate::transfer_error::TransferError;
use crate::trust::TrustError;

/// Why a pack in a registry is of no use.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// It could not be got.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// It is not what its lock says.
    #[error(transparent)]
    Fault(#[from] PackFault),
    /// Its signature is not good enough.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Its lock cannot be read.
    #[error("{reference}: {error}")]
    Lock {
        /// Where it was asked for.
        reference: String,
        /// What is wrong.
        error: Box<LockError>,
    },
    /// Its manifest, its summary and its lock do not fit each other, or this host.
    #[error("{reference}: {message}")]
    Refused {
        /// Where it was asked for.
        reference: String,
        /// What does not fit.
        message: String,
    },
    /// A newer version was seen before.
    #[error(
        "{reference} leads to version {found}, but version {seen}, was seen before: an old version that is played back looks \
         like this. If it is meant, name it by its digest, or give --allow-older"
    )]
    Older {
        /// Where it was asked for.
        reference: String,
        /// The version, and when it was signed.
        found: String,
        /// The same of the newest that was seen.
        seen: String,
    },
    /// What was seen before cannot be read or written.
    #[error("{}: cannot tell whether a newer version was seen before: {message}; if it is damaged, delete the file", path.display())]
    Memory {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}
