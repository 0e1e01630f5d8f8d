//! Debian's packages, installed where this system and this user allow it.

use std::path::Path;

use anyhow::{Result, bail};

use crate::process;

/// Installs packages with apt-get, without those that they merely recommend, and says so on stderr with the reason
/// `why`. Nothing is removed for them.
///
/// # Errors
/// When there is no apt-get, when the user is not root (the message holds the command to run), or when apt-get fails.
pub(crate) fn install(packages: &[&str], why: &str, dir: &Path) -> Result<()> {
    if process::attempt(process::command("apt-get", dir).arg("--version")).is_err() {
        bail!("this system has no apt-get, so Debian's packages cannot be installed");
    }
    let user = process::stdout(process::command("id", dir).arg("-u"))?;
    if user.trim() != "0" {
        bail!(
            "Debian's packages are missing and can be installed by root alone: \
             sudo apt-get update && sudo apt-get install --no-install-recommends {}",
            packages.join(" ")
        );
    }
    eprintln!("    installing {} with apt-get: {why}", packages.join(", "));
    let mut update = process::command("apt-get", dir);
    process::run(update.args(["update", "-qq"]))?;
    let mut install = process::command("apt-get", dir);
    // --no-remove: some packages replace others (rustc-web those of Debian's rustc and rustup), which nobody asked us
    // to take away.
    install.args(["install", "-y", "-qq", "--no-install-recommends", "--no-remove"]).args(packages);
    process::run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}
