//! Programs of Debian's packages, fetched and unpacked beside the tests' binaries; nothing is installed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::python::{kept, said};

/// The directory with the files of these packages, as they would lie below `/`.
///
/// # Errors
/// Says why they cannot be had: no apt-get, no network, or no such package.
pub fn unpacked(packages: &[&str]) -> Result<PathBuf, String> {
    // A program that somebody still writes cannot be started.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _held = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = kept(&format!("debian-{}", packages.join("-")));
    if directory.is_dir() {
        return Ok(directory);
    }
    let beside = directory.parent().unwrap_or(Path::new("."));
    let fetched = tempfile::tempdir_in(beside).map_err(|error| error.to_string())?;
    said(Command::new("apt-get").arg("download").args(packages).current_dir(fetched.path()))?;
    let files = fetched.path().join("files");
    for entry in std::fs::read_dir(fetched.path()).map_err(|error| error.to_string())? {
        let package = entry.map_err(|error| error.to_string())?.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            said(Command::new("dpkg-deb").arg("-x").arg(package).arg(&files))?;
        }
    }
    match std::fs::rename(&files, &directory) {
        // Another process may have been faster; its files are the same.
        Err(error) if !directory.is_dir() => Err(format!("{} cannot be made: {error}", directory.display())),
        _ => Ok(directory),
    }
}
