//! Starts plugins and packs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rewarden_judge::{Overrides, Pack};
use rewarden_manifest::{Manifest, explain_toml_error, read_text};
use rewarden_runtime::{Runtime, read_regular};

use crate::cases as golden;
use crate::lock;
use crate::sdk;
use crate::starter::{self, PluginKind};

/// The directory of a new plugin or pack called `name`, inside `parent`.
///
/// # Errors
/// Fails if the name is none that a crate can have, or if the directory exists.
pub fn new_directory(name: &str, parent: &Path) -> Result<PathBuf> {
    check_name(name)?;
    // Without a `./` in front of what is printed.
    let directory = if parent == Path::new(".") { PathBuf::from(name) } else { parent.join(name) };
    if directory.exists() {
        bail!("{} exists; choose another name or --dir", directory.display());
    }
    Ok(directory)
}

/// The name becomes a crate, a directory and a file.
fn check_name(name: &str) -> Result<()> {
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-')
        && name.len() <= 64;
    if fits {
        Ok(())
    } else {
        bail!("`{name}` cannot be its name; expected small letters, digits and dashes, such as my-policy")
    }
}

pub(crate) fn write(file: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    let parent = file.parent().unwrap_or(file);
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))
}

/// Writes the crate of a new plugin to `directory`. The SDK is `sdk`, or else the one near `pack_path`, the working directory
/// or this program.
///
/// # Errors
/// Fails if the SDK is not found, or if a file cannot be written.
pub fn create_plugin(
    kind: PluginKind,
    name: &str,
    directory: &Path,
    sdk: Option<&Path>,
    pack_path: &[PathBuf],
) -> Result<()> {
    let sdk = sdk::find(sdk, pack_path)?;
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let at = directory.canonicalize().with_context(|| format!("cannot find {}", directory.display()))?;
    for (path, text) in starter::files(kind, name, &sdk::dependency(&at, &sdk)) {
        write(&directory.join(path), text)?;
    }
    // Begins with the versions that the SDK was tested with; cargo drops the entries that are not needed.
    let versions = sdk.join("../Cargo.lock");
    if versions.is_file() {
        fs::copy(&versions, directory.join("Cargo.lock"))
            .with_context(|| format!("cannot copy {} to {}", versions.display(), directory.display()))?;
    }
    Ok(())
}

/// Parts in the order in which a reader wants them.
const SECTIONS: [&str; 8] = ["scale", "sampling", "principles", "template", "parser", "policy", "meta", "scorers"];

/// What a new pack is made of.
#[derive(Clone, Copy, Debug)]
pub struct NewPack<'a> {
    /// The new pack's name.
    pub name: &'a str,
    /// The directory of the pack that it starts from.
    pub from: &'a Path,
    /// That pack as the user named it.
    pub from_name: &'a str,
    /// Takes the place of that pack's template.
    pub template: Option<&'a Path>,
    /// Takes the place of that pack's parser.
    pub parser: Option<&'a Path>,
    /// Takes the place of that pack's policy.
    pub policy: Option<&'a Path>,
}

/// Writes a new pack to `directory` and checks that it loads.
///
/// # Errors
/// Fails if the pack to start from or a component cannot be read, if a file cannot be written, or if what was put together
/// does not load.
pub fn create_pack(runtime: &Runtime, new: &NewPack<'_>, directory: &Path) -> Result<()> {
    let NewPack { name, from, from_name, template, parser, policy } = *new;
    let file = from.join("pack.toml");
    let text = read_text(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut manifest: toml::Table = toml::from_str(&text).map_err(|error| explain_toml_error(&error, &text, &file))?;
    let most = runtime.limits().component_bytes as u64;
    for (key, value) in
        [("name", name.to_owned()), ("version", "0.1.0".to_owned()), ("description", format!("Began as {from_name}"))]
    {
        manifest.insert(key.to_owned(), value.into());
    }
    let mut components = Vec::new();
    for (part, replacement) in [("template", template), ("parser", parser), ("policy", policy)] {
        if let Some(path) = replacement {
            let name = path.file_name().with_context(|| format!("{} is not a file", path.display()))?;
            let component = toml::Value::String(name.to_string_lossy().into_owned());
            // Another component has another configuration.
            manifest.insert(part.to_owned(), toml::Table::from_iter([("component".to_owned(), component)]).into());
            let told = || format!("cannot read the component {}", path.display());
            components.push((PathBuf::from(name), read_regular(path, most).with_context(told)?));
        }
    }
    let same_parts = components.is_empty();
    let text = manifest_text(&manifest)?;
    let parsed = Manifest::parse(&text, &file)?;
    for name in parsed.components().union(&parsed.program_files()).copied() {
        if components.iter().all(|(known, _)| known != name) {
            components.push((name.to_owned(), lock::file(from, name, most)?));
        }
    }
    write(&directory.join("pack.toml"), text)?;
    for (name, bytes) in components {
        write(&directory.join(name), bytes)?;
    }
    cases(runtime, from, directory, same_parts)?;
    write(
        &directory.join("README.md"),
        include_str!("templates/pack-README.md.in").replace("{{name}}", name).replace("{{from}}", from_name),
    )
}

/// The manifest with a blank line between its tables, in the order that the bundled packs have.
pub(crate) fn manifest_text(manifest: &toml::Table) -> Result<String> {
    let mut rest = manifest.clone();
    let mut text = String::new();
    for key in ["name", "version", "description"] {
        if let Some(value) = rest.remove(key) {
            text.push_str(&format!("{key} = {value}\n"));
        }
    }
    let known = SECTIONS.map(str::to_owned).into_iter();
    let other: Vec<String> = rest.keys().filter(|key| !SECTIONS.contains(&key.as_str())).cloned().collect();
    for key in known.chain(other) {
        if let Some(value) = rest.remove(&key) {
            text.push('\n');
            text.push_str(&toml::to_string(&toml::Table::from_iter([(key, value)]))?);
        }
    }
    Ok(text)
}

/// The golden cases of the pack that it begins as, unless some part is another one, of which they need not be true; else
/// one that its own template passes.
fn cases(runtime: &Runtime, from: &Path, directory: &Path, same_parts: bool) -> Result<()> {
    let tests = from.join("tests");
    let mut copied = false;
    let entries = fs::read_dir(&tests).into_iter().flatten().flatten().filter(|_| same_parts);
    for entry in entries.filter(|entry| entry.path().is_file()) {
        let bytes = golden::bytes_of(from, &entry.path())?;
        write(&directory.join("tests").join(entry.file_name()), bytes)?;
        copied = true;
    }
    // Also shows that what was put together loads.
    let pack = Pack::load(runtime, directory, &Overrides::default())
        .context("what was put together does not load, so nothing is written")?;
    if !copied {
        let text = if pack.asking.is_some() {
            include_str!("templates/pack.toml")
        } else {
            include_str!("templates/pack-scorers.toml")
        };
        write(&directory.join("tests/cases.toml"), text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_no_crate_or_leaves_the_directory_is_refused() {
        assert!(check_name("my-policy-2").is_ok());
        for name in ["", "My", "../x", "2x", "a_b", "x-", "a b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_manifest_is_written_in_reading_order_and_reads_back() {
        let manifest: toml::Table = toml::from_str(
            "name = \"a\"\n[policy]\ncomponent = \"v.wasm\"\n[policy.config]\nk = 2\n[scale]\nmin = 1\n[meta.template]\n\
             component = \"m.wasm\"\n[new]\nx = 1\n",
        )
        .unwrap();
        let text = manifest_text(&manifest).unwrap();
        assert_eq!(toml::from_str::<toml::Table>(&text).unwrap(), manifest);
        let places: Vec<_> =
            ["name", "[scale]", "[policy]", "[policy.config]", "[meta", "[new]"].map(|key| text.find(key)).into();
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{text}");
    }
}
