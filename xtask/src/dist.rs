//! A directory of build results, kept equal to a set of files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Files by their path relative to some directory.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Every file below `dir`, by its path relative to `dir`.
///
/// # Errors
/// When something below `dir` cannot be read.
pub(crate) fn read(dir: &Path) -> Result<Files> {
    let mut files = Files::new();
    for path in paths(dir)? {
        let bytes =
            fs::read(dir.join(&path)).with_context(|| format!("{} cannot be read", dir.join(&path).display()))?;
        files.insert(path, bytes);
    }
    Ok(files)
}

/// Makes the files below `dir` exactly `files`, and returns the paths that were written or removed. What is right
/// already is not touched, so that its time of change means something to whoever watches it.
///
/// # Errors
/// When something below `dir` cannot be read, written or removed.
pub(crate) fn sync(dir: &Path, files: &Files) -> Result<BTreeSet<PathBuf>> {
    let mut changed = BTreeSet::new();
    fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    for stale in paths(dir)?.into_iter().filter(|path| !files.contains_key(path)) {
        let path = dir.join(&stale);
        fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
        remove_empty_parents(dir, &path);
        changed.insert(stale);
    }
    for (path, bytes) in files {
        let to = dir.join(path);
        if fs::read(&to).is_ok_and(|found| &found == bytes) {
            continue;
        }
        let parent = to.parent().unwrap_or(dir);
        fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
        fs::write(&to, bytes).with_context(|| format!("{} cannot be written", to.display()))?;
        changed.insert(path.clone());
    }
    Ok(changed)
}

fn paths(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(relative) = pending.pop() {
        let cannot_read = || format!("{} cannot be read", dir.join(&relative).display());
        for entry in fs::read_dir(dir.join(&relative)).with_context(cannot_read)? {
            let entry = entry.with_context(cannot_read)?;
            let path = relative.join(entry.file_name());
            // Follows links: a pack may link to a file that several packs share.
            if fs::metadata(entry.path()).with_context(cannot_read)?.is_dir() {
                pending.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn remove_empty_parents(dir: &Path, path: &Path) {
    for parent in path.ancestors().skip(1).take_while(|parent| *parent != dir) {
        // Fails, as it should, on the first one that still holds something.
        if fs::remove_dir(parent).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(entries: &[(&str, &str)]) -> Files {
        entries.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn only_what_differs_is_written_and_what_is_gone_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        sync(dir.path(), &files(&[("same.wasm", "1"), ("old.wasm", "1"), ("gone/pack.toml", "1")])).unwrap();
        let written = fs::metadata(dir.path().join("same.wasm")).unwrap().modified().unwrap();

        let wanted = files(&[("same.wasm", "1"), ("old.wasm", "2"), ("new/pack.toml", "3")]);
        let changed = sync(dir.path(), &wanted).unwrap();

        assert_eq!(changed, ["gone/pack.toml", "new/pack.toml", "old.wasm"].map(PathBuf::from).into());
        assert_eq!(read(dir.path()).unwrap(), wanted);
        assert!(!dir.path().join("gone").exists());
        assert_eq!(fs::metadata(dir.path().join("same.wasm")).unwrap().modified().unwrap(), written);
    }
}
