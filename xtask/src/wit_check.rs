//! The rule that the contract in wit/ never changes without its version.
//!
//! `wit/versions.lock` holds a line for each interface of each version there has been: the version, the interface and the
//! sha256 of its text (see [`crate::wit_text`]). So comments, layout and the split into files may change at any time; names,
//! types, fields and their order may not. The runtime reads the same file: an interface whose text did not change counts
//! as the same under another version.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use wit_parser::Resolve;

use crate::hex::hex;
use crate::wit_text;

const LOCK: &str = "versions.lock";
const LOCK_HEADER: &str = "\
# Every version of the contract: for each of its interfaces the sha256 of its text without documentation. `cargo xtask
# wit-check` compares, `cargo xtask wit-check --accept` adds the current version. Lines stay as they are once their version
# was released.
";

/// Compares the contract in `wit` with `versions.lock` beside it, or adds its version there; and the earlier versions, each in a
/// directory of `wit`, with what was recorded of them.
///
/// # Errors
/// WIT that does not parse (with file and line), a package without version, a version that is not in the lock file, or
/// one whose text differs from what was recorded.
pub(crate) fn run(wit: &Path, accept: bool) -> Result<()> {
    let contract = Contract::read(wit)?;
    let path = wit.join(LOCK);
    let lock = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => LOCK_HEADER.into(),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    let Contract { name, version, interfaces } = &contract;
    match versions(&lock).with_context(|| format!("{} is damaged", path.display()))?.get(version.as_str()) {
        Some(recorded) => {
            let new = |interface: &str| !recorded.contains_key(interface);
            let (added, others): (Interfaces<String>, Interfaces<String>) =
                interfaces.clone().into_iter().partition(|(interface, _)| new(interface));
            if let Some(changed) = changed(recorded, &others) {
                bail!(
                    "wit/ changed (interface `{changed}`) but its version is still {version}: raise it in wit/types.wit \
                     and run `cargo xtask wit-check --accept`"
                );
            }
            // No component of this version has it, so none means something else by it.
            if !added.is_empty() && !accept {
                let added = added.keys().cloned().collect::<Vec<_>>().join(", ");
                bail!(
                    "wit/ has interfaces that {} does not know of {version} ({added}): if they are optional for a component, \
                     run `cargo xtask wit-check --accept` and commit the file",
                    path.display()
                );
            }
            record(&path, &lock, version, &added)?;
        }
        None if accept => {
            record(&path, &lock, version, interfaces)?;
            eprintln!("recorded {name}@{version} in {}", path.display());
        }
        None => bail!(
            "{name}@{version} is not in {}: if this version is meant, run `cargo xtask wit-check --accept` and commit \
             the file",
            path.display()
        ),
    }
    eprintln!("{name}@{version} is as recorded");
    let recorded = versions(&lock)?;
    for directory in directories(wit)? {
        let Contract { name, version, interfaces } = Contract::read(&directory)?;
        let shown = directory.display();
        let Some(recorded) = recorded.get(version.as_str()) else {
            bail!(
                "{shown} holds {name}@{version}, which is not in {}: earlier versions are kept as they were",
                path.display()
            );
        };
        if let Some(changed) = changed(recorded, &interfaces) {
            bail!("{shown} changed (interface `{changed}`): {version} was released and stays as it was");
        }
        eprintln!("{name}@{version} is as recorded");
    }
    Ok(())
}

/// Adds lines to the lock file.
fn record(path: &Path, lock: &str, version: &str, interfaces: &Interfaces<String>) -> Result<()> {
    if interfaces.is_empty() {
        return Ok(());
    }
    let lines: String = interfaces.iter().map(|(interface, hash)| format!("{version} {interface} {hash}\n")).collect();
    fs::write(path, format!("{lock}{lines}")).with_context(|| format!("{} cannot be written", path.display()))
}

/// The directories in `wit`, by name.
fn directories(wit: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(wit).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.with_context(|| format!("{} cannot be read", wit.display()))?;
    let mut found: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    Ok(found)
}

/// Returns the first interface that is not as it was recorded.
fn changed<'a>(recorded: &'a Interfaces<&str>, now: &'a Interfaces<String>) -> Option<&'a str> {
    let same = |name: &str| recorded.get(name).copied() == now.get(name).map(String::as_str);
    recorded.keys().copied().chain(now.keys().map(String::as_str)).find(|name| !same(name))
}

/// The hash of each interface, by name.
type Interfaces<T> = BTreeMap<T, T>;

struct Contract {
    name: String,
    version: String,
    interfaces: Interfaces<String>,
}

impl Contract {
    fn read(wit: &Path) -> Result<Self> {
        let mut resolve = Resolve::default();
        let (id, _) = resolve.push_dir(wit).map_err(|error| {
            let rendered = resolve.render_error(&error);
            error.context(rendered)
        })?;
        let package = resolve.packages.get(id).context("the parser returned a package that it does not hold")?;
        let name = format!("{}:{}", package.name.namespace, package.name.name);
        let Some(version) = &package.name.version else {
            bail!("{}: the package {name} has no version; expected `package {name}@MAJOR.MINOR.PATCH;`", wit.display());
        };
        let interfaces = package.interfaces.iter().map(|(interface, id)| {
            let hash = Sha256::digest(wit_text::interface(&resolve, *id).as_bytes());
            (interface.clone(), hex(&hash))
        });
        Ok(Self { name, version: version.to_string(), interfaces: interfaces.collect() })
    }
}

fn versions(lock: &str) -> Result<BTreeMap<&str, Interfaces<&str>>> {
    let mut versions: BTreeMap<&str, Interfaces<&str>> = BTreeMap::new();
    for (number, line) in lock.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let number = number + 1;
        let words: Vec<&str> = line.split(' ').collect();
        let &[version, interface, hash] = words.as_slice() else {
            bail!("line {number}: expected `VERSION INTERFACE SHA256`, found `{line}`");
        };
        if versions.entry(version).or_default().insert(interface, hash).is_some() {
            bail!("line {number}: `{interface}` of {version} stands here a second time; remove the line that is wrong");
        }
    }
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: &str = "package a:b@1.0.0;\ninterface types { record point { x: f64, y: f64 } }\n";

    fn wit(types: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("types.wit"), types).unwrap();
        dir
    }

    fn accepted() -> tempfile::TempDir {
        let dir = wit(TYPES);
        run(dir.path(), true).unwrap();
        dir
    }

    fn error(dir: &Path, accept: bool) -> String {
        format!("{:#}", run(dir, accept).unwrap_err())
    }

    #[test]
    fn the_same_text_passes_and_another_fails_and_cannot_be_accepted() {
        let dir = accepted();
        run(dir.path(), false).unwrap();
        fs::write(dir.path().join("types.wit"), TYPES.replace("y: f64", "y: f32")).unwrap();
        for accept in [false, true] {
            let message = error(dir.path(), accept);
            assert!(
                message.starts_with("wit/ changed (interface `types`) but its version is still 1.0.0"),
                "{message}"
            );
        }
    }

    #[test]
    fn an_interface_may_be_added_to_a_version_and_none_taken_away() {
        let dir = accepted();
        let added = format!("{TYPES}interface more {{ f: func(); }}\n");
        fs::write(dir.path().join("types.wit"), &added).unwrap();
        assert!(error(dir.path(), false).contains("has interfaces that"));
        run(dir.path(), true).unwrap();
        run(dir.path(), false).unwrap();
        fs::write(dir.path().join("types.wit"), TYPES).unwrap();
        assert!(error(dir.path(), true).contains("wit/ changed (interface `more`)"));
    }

    #[test]
    fn the_order_of_fields_counts() {
        let dir = accepted();
        fs::write(dir.path().join("types.wit"), TYPES.replace("x: f64, y: f64", "y: f64, x: f64")).unwrap();
        assert!(error(dir.path(), false).contains("raise it"));
    }

    #[test]
    fn an_interface_counts_with_what_the_types_that_it_uses_are_made_of() {
        let user = "interface i { use types.{point}; f: func(at: point) -> result<u8, string>; }\n";
        let dir = wit(&format!("{TYPES}{user}"));
        run(dir.path(), true).unwrap();
        let lock = fs::read_to_string(dir.path().join(LOCK)).unwrap();
        fs::write(
            dir.path().join("types.wit"),
            format!("{TYPES}{user}").replace("1.0.0", "1.1.0").replace("u8", "u16"),
        )
        .unwrap();
        run(dir.path(), true).unwrap();
        let both = fs::read_to_string(dir.path().join(LOCK)).unwrap();
        let hash = |lock: &str, line: &str| {
            lock.lines().find_map(|found| found.strip_prefix(line).map(str::to_owned)).unwrap()
        };
        assert_eq!(hash(&lock, "1.0.0 types "), hash(&both, "1.1.0 types "));
        assert_ne!(hash(&lock, "1.0.0 i "), hash(&both, "1.1.0 i "));
    }

    #[test]
    fn documentation_layout_and_files_do_not_count() {
        let dir = accepted();
        fs::write(dir.path().join("types.wit"), "/// Docs.\npackage a:b@1.0.0;\n").unwrap();
        let moved = "interface types {\n  /// A place.\n  record point {\n    x: f64, // metres\n    y: f64,\n  }\n}\n";
        fs::write(dir.path().join("points.wit"), moved).unwrap();
        run(dir.path(), false).unwrap();
    }

    #[test]
    fn a_new_version_has_to_be_accepted_and_the_old_line_stays() {
        let dir = accepted();
        let old = fs::read_to_string(dir.path().join(LOCK)).unwrap();
        fs::write(dir.path().join("types.wit"), TYPES.replace("1.0.0", "1.1.0")).unwrap();
        assert!(error(dir.path(), false).contains("a:b@1.1.0 is not in"));
        run(dir.path(), true).unwrap();
        assert!(fs::read_to_string(dir.path().join(LOCK)).unwrap().starts_with(&old));
    }

    #[test]
    fn an_earlier_version_beside_the_current_one_stays_as_it_was() {
        let dir = accepted();
        fs::write(dir.path().join("types.wit"), TYPES.replace("1.0.0", "1.1.0")).unwrap();
        run(dir.path(), true).unwrap();
        fs::create_dir(dir.path().join("v1.0")).unwrap();
        let old = dir.path().join("v1.0/types.wit");
        fs::write(&old, TYPES).unwrap();
        run(dir.path(), false).unwrap();
        fs::write(&old, TYPES.replace("y: f64", "y: f32")).unwrap();
        for accept in [false, true] {
            let message = error(dir.path(), accept);
            assert!(message.contains("v1.0 changed (interface `types`): 1.0.0 was released"), "{message}");
        }
        fs::write(&old, TYPES.replace("1.0.0", "0.9.0")).unwrap();
        assert!(error(dir.path(), true).contains("a:b@0.9.0, which is not in"));
    }

    #[test]
    fn a_package_without_version_is_refused() {
        let message = error(wit("package a:b;\ninterface i {}\n").path(), true);
        assert!(message.contains("has no version"), "{message}");
    }

    #[test]
    fn a_mistake_in_the_wit_is_shown_with_file_and_line() {
        let message = error(wit("package a:b@1.0.0;\n\ninterface i { f: func(x: nothing); }\n").path(), false);
        assert!(message.contains("types.wit:3:"), "{message}");
        assert!(message.contains("nothing"), "{message}");
    }

    #[test]
    fn a_damaged_lock_file_is_named_with_its_line() {
        let dir = accepted();
        fs::write(dir.path().join(LOCK), "# a comment\n1.0.0\n").unwrap();
        let message = error(dir.path(), false);
        assert!(message.contains("versions.lock is damaged: line 2: expected `VERSION INTERFACE"), "{message}");
    }
}
