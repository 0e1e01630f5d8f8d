//! The entries of the pack directory, by the packs that they hold: a directory may have another name than its pack.

use std::path::{Path, PathBuf};

use rewarden_judge::Manifest;

/// Returns all entries whose pack has this name; a link counts as what it leads to. Names with a leading dot are left out.
pub(crate) fn places_of(parent: &Path, name: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut places = entries(parent)?;
    places.retain(|path| pack_in(path).as_deref() == Some(name));
    places.sort();
    Ok(places)
}

/// Returns the entries of the pack directory. Names with a leading dot are left out.
pub(crate) fn entries(parent: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(parent)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')) {
            entries.push(path);
        }
    }
    Ok(entries)
}

/// Returns where an upload of this pack goes: to where one of its name is, or else to a directory of that name.
///
/// # Errors
/// Returns what is in the way. It is somebody's, and not a pack that the upload replaces.
pub(crate) fn place_for(parent: &Path, name: &str) -> Result<PathBuf, String> {
    let places = places_of(parent, name).map_err(|error| format!("{} cannot be read: {error}", parent.display()))?;
    if let Some(place) = places.into_iter().next() {
        return Ok(place);
    }
    let place = parent.join(name);
    let Ok(found) = place.symlink_metadata() else { return Ok(place) };
    let what = match pack_in(&place) {
        Some(other) => format!("a directory that holds the pack `{other}`"),
        None if found.is_dir() => "a directory that is no pack".to_owned(),
        None if found.is_symlink() => "a link that leads to no pack".to_owned(),
        None => "a file".to_owned(),
    };
    Err(format!("in the pack directory, `{name}` is {what}; the upload would delete it. Move it away first"))
}

/// The name of the pack in a directory, if there is one that can be read.
fn pack_in(directory: &Path) -> Option<String> {
    Manifest::read(directory).ok().map(|manifest| manifest.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(parent: &Path, directory: &str, name: &str) -> PathBuf {
        let place = parent.join(directory);
        std::fs::create_dir(&place).unwrap();
        let text = format!(
            "name = \"{name}\"\nversion = \"1.0.0\"\n[scale]\nmin = 0\nmax = 1\ninteger = false\n[policy]\ncomponent = \"p.wasm\"\n\
             [scorers.answer]\ncomponent = \"a.wasm\"\n"
        );
        std::fs::write(place.join("pack.toml"), text).unwrap();
        place
    }

    #[test]
    fn a_pack_is_found_by_its_name_whatever_its_directory_is_called() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (pack(dir.path(), "a", "mine"), pack(dir.path(), "b", "mine"));
        pack(dir.path(), "mine-not", "other");
        pack(dir.path(), ".hidden", "mine");
        std::fs::write(dir.path().join("file"), "x").unwrap();
        assert_eq!(places_of(dir.path(), "mine").unwrap(), [one.clone(), two]);
        assert_eq!(place_for(dir.path(), "mine"), Ok(one));
        assert_eq!(place_for(dir.path(), "new"), Ok(dir.path().join("new")));
    }

    #[test]
    fn what_is_no_pack_of_that_name_is_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        pack(dir.path(), "taken", "other");
        std::fs::write(dir.path().join("file"), "x").unwrap();
        std::fs::create_dir(dir.path().join("directory")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
        for (name, what) in [
            ("taken", "a directory that holds the pack `other`"),
            ("file", "a file"),
            ("directory", "a directory that is no pack"),
            ("link", "a link that leads to no pack"),
        ] {
            let told = place_for(dir.path(), name).unwrap_err();
            assert_eq!(
                told,
                format!("in the pack directory, `{name}` is {what}; the upload would delete it. Move it away first")
            );
        }
    }
}
