//! `rewarden pack new`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use rewarden_judge::{Overrides, Pack};
use rewarden_runtime::{Limits, read_regular};

use crate::args::Places;
use crate::console::out;
use crate::pack::command::{Kind, NewArgs};
use crate::pack::{cases as golden, lock, sdk, starter};
use crate::{packs, strategy};

/// Runs the command.
pub(crate) fn run(args: &NewArgs) -> Result<ExitCode> {
    check_name(&args.name)?;
    let replacements = [("template", &args.template), ("parser", &args.parser), ("policy", &args.policy)];
    if args.kind != Kind::Pack
        && let Some((option, _)) = replacements.iter().find(|(_, file)| file.is_some())
    {
        bail!("--{option} is for --kind pack; a plugin's own component is made by `rewarden pack build`");
    }
    // Without a `./` in front of what is printed.
    let directory = if args.dir == Path::new(".") { PathBuf::from(&args.name) } else { args.dir.join(&args.name) };
    if directory.exists() {
        bail!("{} exists; choose another name or --dir", directory.display());
    }
    let next = match args.kind {
        Kind::Pack => pack(args, &directory)?,
        _ => plugin(args, &directory)?,
    };
    out!("made {}\nnext: {next}", directory.display());
    Ok(ExitCode::SUCCESS)
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

fn write(file: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    let parent = file.parent().unwrap_or(file);
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))
}

fn plugin(args: &NewArgs, directory: &Path) -> Result<String> {
    let sdk = sdk::find(args.sdk.as_deref(), &args.places)?;
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let at = directory.canonicalize().with_context(|| format!("cannot find {}", directory.display()))?;
    for (path, text) in starter::files(args.kind, &args.name, &sdk::dependency(&at, &sdk)).into_iter().flatten() {
        write(&directory.join(path), text)?;
    }
    // Begins with the versions that the SDK was tested with; cargo drops the entries that are not needed.
    let versions = sdk.join("../Cargo.lock");
    if versions.is_file() {
        fs::copy(&versions, directory.join("Cargo.lock"))
            .with_context(|| format!("cannot copy {} to {}", versions.display(), directory.display()))?;
    }
    Ok(format!(
        "cd {} && cargo test && rewarden pack build && rewarden pack test && rewarden pack check",
        directory.display()
    ))
}

/// Parts in the order in which a reader wants them.
const SECTIONS: [&str; 8] = ["scale", "sampling", "principles", "template", "parser", "policy", "meta", "scorers"];

fn pack(args: &NewArgs, directory: &Path) -> Result<String> {
    let from = packs::find(&args.from, &args.places)?;
    let file = from.join("pack.toml");
    let mut manifest = lock::manifest(&file)?;
    let most = Limits::default().with(&args.places.limits).component_bytes as u64;
    for (key, value) in [
        ("name", args.name.clone()),
        ("version", "0.1.0".to_owned()),
        ("description", format!("Began as {}", args.from)),
    ] {
        manifest.insert(key.to_owned(), value.into());
    }
    let mut components = Vec::new();
    for (part, replacement) in [("template", &args.template), ("parser", &args.parser), ("policy", &args.policy)] {
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
    for name in lock::component_names(&manifest) {
        if components.iter().all(|(known, _)| *known != name) {
            let bytes = lock::component(&from, &name, most)?;
            components.push((name, bytes));
        }
    }
    write(&directory.join("pack.toml"), manifest_text(&manifest)?)?;
    for (name, bytes) in components {
        write(&directory.join(name), bytes)?;
    }
    cases(&from, directory, &args.places, same_parts)?;
    write(
        &directory.join("README.md"),
        include_str!("templates/pack-README.md.in").replace("{{name}}", &args.name).replace("{{from}}", &args.from),
    )?;
    Ok(format!("edit {0}/pack.toml, then: rewarden pack test {0} && rewarden pack check {0}", directory.display()))
}

/// The manifest with a blank line between its tables, in the order that the bundled packs have.
fn manifest_text(manifest: &toml::Table) -> Result<String> {
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
fn cases(from: &Path, directory: &Path, places: &Places, same_parts: bool) -> Result<()> {
    let tests = from.join("tests");
    let mut copied = false;
    let entries = fs::read_dir(&tests).into_iter().flatten().flatten().filter(|_| same_parts);
    for entry in entries.filter(|entry| entry.path().is_file()) {
        let bytes = golden::bytes_of(from, &entry.path())?;
        write(&directory.join("tests").join(entry.file_name()), bytes)?;
        copied = true;
    }
    // Also shows that what was put together loads.
    let pack = Pack::load(&strategy::runtime(places)?, directory, &Overrides::default())
        .with_context(|| format!("{} was written, but does not load yet", directory.display()))?;
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
