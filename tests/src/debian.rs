//! Programs of Debian's packages, fetched and unpacked beside the tests' binaries; nothing is installed.

use std::path::PathBuf;
use std::process::Command;

use crate::python::{kept, said};

/// The directory with the files of these packages, as they would lie below `/`.
///
/// # Errors
/// Says why they cannot be had: no apt-get, no network, or no such package.
pub fn unpacked(packages: &[&str]) -> Result<PathBuf, String> {
    let directory = kept(&format!("debian-{}", packages.join("-")));
    if directory.is_dir() {
        return Ok(directory);
    }
    let fetched = tempfile::tempdir().map_err(|error| error.to_string())?;
    said(Command::new("apt-get").arg("download").args(packages).current_dir(fetched.path()))?;
    let unpacking = directory.with_extension(std::process::id().to_string());
    for entry in std::fs::read_dir(fetched.path()).map_err(|error| error.to_string())? {
        let package = entry.map_err(|error| error.to_string())?.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            said(Command::new("dpkg-deb").arg("-x").arg(package).arg(&unpacking))?;
        }
    }
    // Another test may have been faster; its files are the same.
    if std::fs::rename(&unpacking, &directory).is_err() {
        let _ = std::fs::remove_dir_all(&unpacking);
    }
    if directory.is_dir() { Ok(directory) } else { Err(format!("{} cannot be made", directory.display())) }
}
