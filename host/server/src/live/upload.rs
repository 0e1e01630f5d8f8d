//! Packs that are uploaded.

use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::body::Bytes;
use rewarden_dialects::{PackLabel, Problem, ProblemKind};
use tar::{Archive, EntryType};

use crate::live::pack_directory::{place_for, places_of};
use crate::live::pack_manager::PackManager;
use crate::live::refused::PackRefused;
use crate::live::registry::PackChange;

/// The most files and directories of one pack.
const ENTRIES: usize = 1000;
/// The most nested directories.
const DEPTH: usize = 8;

/// The prefix of directories that are being moved into the pack directory or out of it.
const TRANSIT: &str = ".transit-";

impl PackManager {
    /// Makes an uploaded pack live and stores it in the pack directory if there is one. Also returns whether it is
    /// stored.
    pub(crate) async fn upload(
        self: Arc<Self>,
        name: String,
        archive: Bytes,
    ) -> Result<(PackLabel, PackChange, bool), Problem> {
        check_name(&name)?;
        let place = self.order.place();
        let (packs, wanted) = (self.clone(), name.clone());
        let loading = self.loads.run(move || {
            let into = packs.transit().map_err(|error| unkept(&error))?;
            unpack(&archive, into.path()).map_err(|error| invalid(&error))?;
            drop(archive);
            let root = root(into.path()).map_err(|error| invalid(&error))?;
            let version = packs.load_blocking(&root, Some(&wanted)).map_err(|error| invalid(&error))?;
            Ok::<_, Problem>((into, root, version))
        });
        let loaded = loading.await.unwrap_or_else(|lost| Err(Problem::from(&lost)));
        let refused = |problem: &Problem| self.refused("an upload", Some(&name), &problem.detail);
        let (into, root, version) = loaded.inspect_err(refused)?;

        // What is left are two renames and a pointer. The watcher must not see a directory between two names.
        let _changing = self.changing.lock().await;
        let kept_at = match self.directory.clone() {
            Some(parent) => Some(self.place(parent, name.clone()).await.inspect_err(refused)?),
            None => None,
        };
        place.take_effect(&name)?;
        let published = self.publish(version).await.map_err(|error| invalid(&error));
        let (label, change) = published.inspect_err(refused)?;
        let Some(kept_at) = kept_at else { return Ok((label, change, false)) };
        let keeping = tokio::task::spawn_blocking(move || keep(&root, &kept_at, into));
        match keeping.await {
            Ok(Ok(())) => Ok((label, change, true)),
            Ok(Err(error)) => {
                tracing::error!("{name} is live, but could not be kept in the pack directory: {error}");
                Ok((label, change, false))
            }
            Err(error) => Err(Problem::new(ProblemKind::Internal, format!("keeping the pack was lost: {error}"))),
        }
    }

    /// Takes a pack out of service and deletes it from the pack directory.
    pub(crate) async fn remove(&self, name: &str) -> Result<PackLabel, Problem> {
        let place = self.order.place();
        let changing = self.changing.lock().await;
        let removed = self.retire(name).await?;
        place.take_effect(name)?;
        if let Some(parent) = self.directory.clone() {
            let (out, wanted) = (self.transit(), removed.name.clone());
            let hiding = tokio::task::spawn_blocking(move || {
                let out = out?;
                // Deleting takes time if there are many files. One rename hides them.
                for (number, place) in places_of(&parent, &wanted)?.iter().enumerate() {
                    std::fs::rename(place, out.path().join(number.to_string()))?;
                }
                Ok::<_, std::io::Error>(out)
            });
            let hidden = hiding.await;
            drop(changing);
            let removing = tokio::task::spawn_blocking(move || match hidden {
                Ok(hidden) => hidden.and_then(tempfile::TempDir::close),
                Err(lost) => Err(std::io::Error::other(lost)),
            });
            match removing.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!("{name} is no longer live, but its directory could not be deleted: {error}");
                }
                Err(error) => tracing::error!("removing {name} from the pack directory was lost: {error}"),
            }
        }
        Ok(removed)
    }

    /// Returns where an upload of this name goes in the pack directory.
    async fn place(&self, parent: PathBuf, name: String) -> Result<PathBuf, Problem> {
        match tokio::task::spawn_blocking(move || place_for(&parent, &name)).await {
            Ok(place) => place.map_err(|taken| Problem::new(ProblemKind::Conflict, taken)),
            Err(lost) => Err(Problem::new(ProblemKind::Internal, format!("looking for a place was lost: {lost}"))),
        }
    }

    /// Makes an empty directory on the file system of the pack directory, so that it can be moved there in one step.
    fn transit(&self) -> std::io::Result<tempfile::TempDir> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(TRANSIT);
        match &self.directory {
            Some(parent) => builder.tempdir_in(parent),
            None => builder.tempdir(),
        }
    }
}

/// Deletes the directories that a killed server left half-moved.
pub(crate) fn sweep(directory: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(TRANSIT) && entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Puts the new directory in the place of the old one.
fn keep(root: &Path, place: &Path, into: tempfile::TempDir) -> std::io::Result<()> {
    let old = into.path().join(".replaced");
    if place.exists() {
        std::fs::rename(place, &old)?;
    }
    if root == into.path() {
        // The whole directory moves, so what was replaced is inside it for a moment.
        let into = into.keep();
        std::fs::rename(&into, place)?;
        let old = place.join(".replaced");
        return if old.exists() { std::fs::remove_dir_all(old) } else { Ok(()) };
    }
    std::fs::rename(root, place)
}

/// Checks a name like the manifest does: it becomes a directory's name and part of a URL.
fn check_name(name: &str) -> Result<(), Problem> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.chars().all(fits) {
        let detail = "expected a pack's name: 1 to 64 letters, digits, `-`, `_`, `.` or `+`, no leading dot";
        return Err(Problem::new(ProblemKind::InvalidRequest, detail));
    }
    Ok(())
}

/// Writes the archive's files below `into`. No entry can name a place elsewhere or become anything but a plain file or
/// directory.
pub fn unpack(archive: &[u8], into: &Path) -> Result<(), PackRefused> {
    let broken = |error: std::io::Error| PackRefused(format!("the archive cannot be read: {error}"));
    let mut archive = Archive::new(archive);
    for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
        if count >= ENTRIES {
            return Err(PackRefused(format!("the archive holds more than {ENTRIES} files")));
        }
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.into_owned();
        let place = inside(&path, into)?;
        match entry.header().entry_type() {
            EntryType::Directory => std::fs::create_dir_all(&place),
            EntryType::Regular => {
                let size = entry.size();
                write(&mut entry, &place, size)
            }
            other => {
                return Err(PackRefused(format!(
                    "the archive's `{}` is of type {other:?}; expected plain files and directories",
                    path.display()
                )));
            }
        }
        .map_err(|error| PackRefused(format!("`{}` cannot be unpacked: {error}", path.display())))?;
    }
    Ok(())
}

fn inside(path: &Path, into: &Path) -> Result<PathBuf, PackRefused> {
    let mut place = into.to_owned();
    let mut depth = 0;
    for piece in path.components() {
        match piece {
            Component::CurDir => {}
            Component::Normal(name) if name.to_str().is_none_or(|name| name.chars().any(|c| !is_plain(c))) => {
                let shown = path.display().to_string().escape_debug().to_string();
                return Err(PackRefused(format!(
                    "the archive's `{shown}` has a name with characters that are not shown"
                )));
            }
            Component::Normal(name) if depth < DEPTH => {
                place.push(name);
                depth += 1;
            }
            _ => {
                return Err(PackRefused(format!(
                    "the archive's `{}` leaves the pack or lies too deep; expected relative paths without `..`",
                    path.display()
                )));
            }
        }
    }
    Ok(place)
}

/// Returns whether a character of a file's name is visible as what it is.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn write(entry: &mut impl Read, place: &Path, size: u64) -> std::io::Result<()> {
    if let Some(parent) = place.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut file = std::fs::File::create_new(place).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => std::io::Error::other("the archive has it twice"),
        _ => error,
    })?;
    match std::io::copy(entry, &mut file)? {
        copied if copied == size => Ok(()),
        copied => Err(std::io::Error::other(format!("the archive ends after {copied} of its {size} bytes"))),
    }
}

/// Finds the directory with pack.toml: the top, or the only directory there.
fn root(unpacked: &Path) -> Result<PathBuf, PackRefused> {
    if unpacked.join("pack.toml").is_file() {
        return Ok(unpacked.to_owned());
    }
    let entries = std::fs::read_dir(unpacked).map_err(|error| PackRefused(error.to_string()))?;
    let mut below = entries.filter_map(Result::ok).map(|entry| entry.path());
    match (below.next(), below.next()) {
        (Some(only), None) if only.join("pack.toml").is_file() => Ok(only),
        _ => Err(PackRefused("the archive holds no pack.toml at its top, nor in an only directory there".to_owned())),
    }
}

fn invalid(error: &PackRefused) -> Problem {
    Problem::new(ProblemKind::InvalidPack, format!("{error}; what was live stays so"))
}

fn unkept(error: &std::io::Error) -> Problem {
    Problem::new(ProblemKind::Unavailable, format!("there is no room to unpack the archive: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tar archive of one entry with this path. Written by hand, since the library refuses to write what an attacker
    /// would.
    fn archive(path: &str, kind: EntryType) -> Vec<u8> {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_size(1);
        header.set_mode(0o777);
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend([b'x']);
        bytes.resize(512 * 4, 0);
        bytes
    }

    #[test]
    fn nothing_in_an_archive_reaches_outside_or_becomes_anything_but_a_file() {
        let outer = tempfile::tempdir().unwrap();
        let into = outer.path().join("in");
        for path in ["../out", "/tmp/rewarden-out", "a/../../out", "a/b/c/d/e/f/g/h/i"] {
            std::fs::create_dir_all(&into).unwrap();
            let error = unpack(&archive(path, EntryType::Regular), &into).unwrap_err();
            assert!(error.to_string().contains("leaves the pack"), "{path}: {error}");
        }
        for kind in [EntryType::Symlink, EntryType::Link, EntryType::Fifo, EntryType::Char] {
            let error = unpack(&archive("a", kind), &into).unwrap_err();
            assert!(error.to_string().contains("expected plain files"), "{kind:?}: {error}");
        }
        // The library itself refuses a sparse entry in such a header.
        unpack(&archive("a", EntryType::GNUSparse), &into).unwrap_err();
        assert_eq!(std::fs::read_dir(outer.path()).unwrap().count(), 1);
        assert_eq!(std::fs::read_dir(&into).unwrap().count(), 0);
        unpack(&archive("./a/b", EntryType::Regular), &into).unwrap();
        assert_eq!(std::fs::read(into.join("a/b")).unwrap(), b"x");
        unpack(&archive("a/b", EntryType::Regular), &into).unwrap_err();
    }
}
