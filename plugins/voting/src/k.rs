//! The number of samples.

use rewarden_plugin::ConfigError;

/// Checks `k` where the schema was not checked.
///
/// # Errors
/// When `k` is not from 1 to 1024.
pub fn check_k(k: u32) -> Result<(), ConfigError> {
    if (1..=1024).contains(&k) {
        return Ok(());
    }
    Err(ConfigError { key: Some("k".to_owned()), message: format!("expected `k` from 1 to 1024, found {k}") })
}
