//! Passwords of secret keys.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// The environment variable with the password of a secret key: for machines that sign.
pub(crate) const VARIABLE: &str = "REWARDEN_SIGN_PASSWORD";

/// The password of the key in a file: from the environment, or asked for.
///
/// # Errors
/// If there is nobody to ask.
pub(crate) fn of_key(file: &Path) -> Result<String> {
    match of_environment() {
        Some(password) => Ok(password),
        None => asked(&format!("Password of {}: ", file.display())),
    }
}

/// The password for a key that is to be made: from the environment, or asked for twice.
///
/// # Errors
/// If there is nobody to ask, or if the answers differ.
pub(crate) fn of_new_key() -> Result<String> {
    if let Some(password) = of_environment() {
        return Ok(password);
    }
    let password = asked("Password for the secret key: ")?;
    if password.is_empty() {
        bail!("the password is empty; give --no-password if the key is to have none");
    }
    if asked("The same once more: ")? != password {
        bail!("the two passwords differ; nothing was made");
    }
    Ok(password)
}

fn of_environment() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|password| !password.is_empty())
}

fn asked(prompt: &str) -> Result<String> {
    rpassword::prompt_password(prompt)
        .with_context(|| format!("there is no terminal to ask for the password on; set {VARIABLE}"))
}
