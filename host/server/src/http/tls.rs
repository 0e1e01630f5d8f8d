//! TLS with the operator's certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rewarden_runtime::read_regular;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Bytes of a PEM file: a chain has a few thousand.
const FILE_BYTES: u64 = 1 << 20;

/// A certificate or key that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", file.display())]
pub struct TlsError {
    /// The file.
    pub file: PathBuf,
    /// What was expected and found. Never holds the key itself.
    pub message: String,
}

/// Returns an acceptor of TLS connections with this certificate (a PEM chain, the server's own certificate first) and
/// its key (PEM).
///
/// # Errors
///
/// A file cannot be read, or the two do not fit.
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let refuse = |file: &Path, message: String| TlsError { file: file.to_owned(), message };
    let read =
        |file: &Path| read_regular(file, FILE_BYTES).map_err(|error| refuse(file, format!("cannot be read: {error}")));
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| refuse(certificate, format!("expected a PEM certificate chain: {error}")))?;
    if chain.is_empty() {
        return Err(refuse(certificate, "expected a PEM certificate chain, found no certificate".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|error| refuse(key, format!("expected a PEM private key: {error}")))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| refuse(certificate, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| refuse(key, format!("does not fit the certificate in {}: {error}", certificate.display())))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
