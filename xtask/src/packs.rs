//! Packs: a directory of plugins/packs with the components that its pack.toml names put beside it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rewarden_manifest::Manifest;

use crate::dist::{self, Files};

/// Reads every pack below `packs` and adds the components that it names, from `components` (file name to bytes).
/// The paths of the result start with the pack's name.
///
/// # Errors
/// Fails if a directory has no pack.toml, if one cannot be used, or if a component was not built. Each error names the pack.
pub(crate) fn assemble(packs: &Path, components: &Files) -> Result<Files> {
    let mut all = Files::new();
    for dir in directories(packs)? {
        let name = dir.file_name().map(PathBuf::from).unwrap_or_default();
        let files = pack(&dir, components).with_context(|| format!("pack {} is not usable", name.display()))?;
        all.extend(files.into_iter().map(|(path, bytes)| (name.join(path), bytes)));
    }
    Ok(all)
}

fn directories(packs: &Path) -> Result<Vec<PathBuf>> {
    let cannot_read = || format!("{} cannot be read: it holds one directory a pack", packs.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(packs).with_context(cannot_read)? {
        let path = entry.with_context(cannot_read)?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn pack(dir: &Path, components: &Files) -> Result<Files> {
    let mut files = dist::read(dir)?;
    let manifest = dir.join("pack.toml");
    let Some(text) = files.get(Path::new("pack.toml")) else {
        bail!("{} is missing: every directory of plugins/packs is a pack", manifest.display());
    };
    let text = std::str::from_utf8(text).with_context(|| format!("{} is not UTF-8", manifest.display()))?;
    let parsed = Manifest::parse(text, &manifest)?;
    for name in parsed.components() {
        if files.contains_key(name) {
            continue;
        }
        let Some(bytes) = components.get(name) else {
            let built: Vec<_> = components.keys().map(|path| path.display().to_string()).collect();
            bail!(
                "{} names the component \"{}\", which is neither in the pack's directory nor built by a crate of \
                 plugins/; built were: {}",
                manifest.display(),
                name.display(),
                if built.is_empty() { "none".into() } else { built.join(", ") }
            );
        };
        files.insert(name.to_owned(), bytes.clone());
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn components(names: &[&str]) -> Files {
        names.iter().map(|name| (PathBuf::from(name), name.as_bytes().to_vec())).collect()
    }

    fn packs(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    const MANIFEST: &str = r#"
        name = "small"
        version = "0.1.0"
        scale = { min = 0, max = 1, integer = false }
        [scorers.spct]
        component = "spct.wasm"
        [scorers.exact]
        component = "exact.wasm"
        [policy]
        component = "own.wasm"
    "#;

    #[test]
    fn a_pack_gets_the_components_it_names_and_keeps_its_own_files() {
        let packs = packs(&[("small/pack.toml", MANIFEST), ("small/own.wasm", "mine"), ("small/notes/a.txt", "a")]);
        let all = assemble(packs.path(), &components(&["spct.wasm", "exact.wasm", "own.wasm", "unused.wasm"])).unwrap();
        let paths: Vec<_> = all.keys().map(|path| path.display().to_string()).collect();
        assert_eq!(
            paths,
            ["small/exact.wasm", "small/notes/a.txt", "small/own.wasm", "small/pack.toml", "small/spct.wasm"]
        );
        assert_eq!(all.get(Path::new("small/own.wasm")).unwrap(), b"mine");
    }

    #[test]
    fn a_component_that_was_not_built_is_an_error_that_names_pack_and_component() {
        let packs = packs(&[("small/pack.toml", &MANIFEST.replace("exact", "exat"))]);
        let message = format!("{:#}", assemble(packs.path(), &components(&["exact.wasm"])).unwrap_err());
        assert!(message.starts_with("pack small is not usable"), "{message}");
        assert!(message.contains("names the component \"exat.wasm\""), "{message}");
        assert!(message.ends_with("built were: exact.wasm"), "{message}");
    }

    #[test]
    fn a_configuration_with_a_key_component_names_no_component_and_a_scorer_called_config_does() {
        let own =
            format!("{MANIFEST}[policy.config]\ncomponent = \"engine\"\n[scorers.config]\ncomponent = \"c.wasm\"\n");
        let packs = packs(&[("small/pack.toml", &own)]);
        let built = components(&["spct.wasm", "exact.wasm", "own.wasm", "c.wasm"]);
        let all = assemble(packs.path(), &built).unwrap();
        let paths: Vec<_> = all.keys().map(|path| path.display().to_string()).collect();
        assert_eq!(paths, ["small/c.wasm", "small/exact.wasm", "small/own.wasm", "small/pack.toml", "small/spct.wasm"]);
    }

    #[test]
    fn a_directory_without_manifest_is_an_error() {
        let packs = packs(&[("empty/readme.txt", "")]);
        let message = format!("{:#}", assemble(packs.path(), &components(&[])).unwrap_err());
        assert!(message.contains("pack empty is not usable") && message.contains("pack.toml is missing"), "{message}");
    }
}
