//! Options that say whose packs are used.

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::{Args, ValueHint};
use rewarden_input::read_regular_text;
use rewarden_registry::{Credentials, RegistryAccess, TrustRule, TrustRules, VerificationKey};

/// Bytes of a file with a public key.
const KEY_BYTES: u64 = 1 << 10;

/// Whose packs are used.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Trust")]
pub(crate) struct TrustOptions {
    /// Use no pack whose pack.lock was not signed by this minisign key: its line, which begins with RW, or the file that holds it; may
    /// be repeated, and one of the keys is enough
    #[arg(long, value_name = "KEY", env = "REWARDEN_REQUIRE_SIGNATURE", value_delimiter = ',', value_hint = ValueHint::AnyPath)]
    pub(crate) require_signature: Vec<String>,

    /// The same for packs of repositories alone, such as ghcr.io/team/*=RW…; the [trust] table of rewarden.toml. The pattern that says
    /// most decides
    #[arg(long, value_name = "PATTERN=KEY", env = "REWARDEN_TRUST", value_delimiter = ',')]
    pub(crate) trust: Vec<TrustRule>,

    /// Let a tag lead to an older version than was seen before
    #[arg(long, env = "REWARDEN_ALLOW_OLDER")]
    pub(crate) allow_older: bool,

    /// Speak to this registry without TLS; those on this machine are spoken to so anyway
    #[arg(long, value_name = "HOST:PORT", env = "REWARDEN_INSECURE_REGISTRY", value_delimiter = ',')]
    pub(crate) insecure_registry: Vec<String>,
}

impl TrustOptions {
    /// Whose signature packs must have.
    ///
    /// # Errors
    /// If a key cannot be read.
    pub(crate) fn rules(&self) -> Result<TrustRules> {
        let required = self.require_signature.iter().map(|text| key(text)).collect::<Result<Vec<_>>>()?;
        Ok(TrustRules { required, rules: self.trust.clone() })
    }

    /// How registries are reached, and as whom.
    ///
    /// # Errors
    /// If the environment holds half of the user's credentials.
    pub(crate) fn access(&self) -> Result<RegistryAccess> {
        let credentials = Credentials::from_environment().map_err(anyhow::Error::msg)?;
        Ok(RegistryAccess { insecure: self.insecure_registry.clone(), credentials })
    }
}

/// A public key, by its line or by its file.
fn key(text: &str) -> Result<VerificationKey> {
    let line = text.parse::<VerificationKey>();
    let path = Path::new(text);
    if line.is_err() && path.is_file() {
        let content = read_regular_text(path, KEY_BYTES).with_context(|| format!("cannot read the key {text}"))?;
        return content.parse().with_context(|| format!("--require-signature {text}"));
    }
    line.context("--require-signature")
}
