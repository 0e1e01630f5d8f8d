//! Files that are written beside the one they are to replace, and what is left of them by processes that were killed.

use std::fs::{File, OpenOptions};
use std::io::Error;
use std::path::Path;

use tempfile::NamedTempFile;

const PREFIX: &str = ".rewarden-";
const SUFFIX: &str = ".partial";

/// Makes a new file in `directory` that is deleted when dropped, and deletes those that killed processes left there.
///
/// Each is locked for as long as it is written, and a lock ends with its process, however that ends. A file that can be
/// locked is therefore nobody's. Where the file system has no locks, leftovers stay.
///
/// # Errors
/// Returns why no file can be made there.
pub fn partial_file(directory: &Path) -> Result<NamedTempFile, Error> {
    delete_leftovers(directory);
    loop {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        // Temporary files are for their owner alone, but what is written is a file like any other: the umask decides.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(directory)?;
        // Another process may have taken it for a leftover before it was locked.
        if file.as_file().lock().is_err() || is_linked(file.as_file())? {
            return Ok(file);
        }
    }
}

#[cfg(unix)]
fn is_linked(file: &File) -> Result<bool, Error> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(file.metadata()?.nlink() > 0)
}

#[cfg(not(unix))]
fn is_linked(_: &File) -> Result<bool, Error> {
    Ok(true)
}

/// Deletes what nobody writes. What cannot be deleted is left: it is in nobody's way.
fn delete_leftovers(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_partial = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        // By its own type, so that no link is followed and no FIFO is waited for.
        if !is_partial || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(file) = OpenOptions::new().write(true).open(entry.path()) else { continue };
        if file.try_lock().is_ok() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn what_killed_processes_left_is_deleted_and_what_others_write_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in [".rewarden-abc.partial", ".rewarden-abc.other", "mine.partial"] {
            std::fs::write(at(name), "left").unwrap();
        }
        std::os::unix::fs::symlink(at("mine.partial"), at(".rewarden-link.partial")).unwrap();
        let first = partial_file(directory.path()).unwrap();
        let second = partial_file(directory.path()).unwrap();
        let mut names: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        let mut expected = vec![
            at(".rewarden-abc.other"),
            at("mine.partial"),
            at(".rewarden-link.partial"),
            first.path().to_owned(),
            second.path().to_owned(),
        ];
        names.sort();
        expected.sort();
        assert_eq!(names, expected);
        first.persist(at("whole")).unwrap();
        drop(second);
        partial_file(directory.path()).unwrap();
        assert!(at("whole").exists());
    }
}
