//! `rewarden pack lock`.

use std::path::{Component as Piece, Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use rewarden_judge::{Lock, MANIFEST_BYTES, explain_toml_error};
use rewarden_runtime::{Limits, Sha256Digest, read_regular, read_regular_text};

use crate::console::out;
use crate::pack::command::LockArgs;
use crate::packs;

/// Runs the command.
pub(crate) fn run(args: &LockArgs) -> Result<ExitCode> {
    let directory = packs::find(&args.pack, &args.places)?;
    let file = directory.join("pack.toml");
    let manifest = manifest(&file)?;
    let most = Limits::default().with(&args.places.limits).component_bytes as u64;
    let mut components = Vec::new();
    for name in component_names(&manifest) {
        let bytes = component(&directory, &name, most)?;
        let digest = Sha256Digest::of(&bytes);
        out!("{digest}  {}", name.display());
        components.push((name, digest));
    }
    let lock = Lock::new(&directory, components);
    out!("wrote {}", lock.write()?.display());
    Ok(ExitCode::SUCCESS)
}

/// A pack.toml as it stands in the file.
pub(crate) fn manifest(file: &Path) -> Result<toml::Table> {
    let text = read_regular_text(file, MANIFEST_BYTES).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(toml::from_str(&text).map_err(|error| explain_toml_error(&error, &text, file))?)
}

/// The bytes of a component that a manifest names, of at most so many. It lies in the pack's own directory, by its name and
/// with links followed: what is written under that name elsewhere stays where it is meant to be, too.
pub(crate) fn component(directory: &Path, name: &Path, most: u64) -> Result<Vec<u8>> {
    let path = directory.join(name);
    let told = || format!("cannot read the component {}", path.display());
    let plain = name.components().all(|piece| matches!(piece, Piece::Normal(_) | Piece::CurDir));
    if !plain || !path.canonicalize().with_context(told)?.starts_with(directory.canonicalize().with_context(told)?) {
        bail!("{} lies outside of the pack; copy the component itself beside pack.toml", path.display());
    }
    read_regular(&path, most).with_context(told)
}

/// The values of all keys `component` of a manifest, outside configurations, which are the plugins' own.
pub(crate) fn component_names(manifest: &toml::Table) -> Vec<PathBuf> {
    let mut names = Vec::new();
    for (key, value) in manifest {
        match value {
            toml::Value::String(name) if key == "component" => names.push(PathBuf::from(name)),
            toml::Value::Table(table) if key != "config" => names.extend(component_names(table)),
            _ => {}
        }
    }
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_names_a_component_and_configurations_name_none() {
        let manifest = toml::from_str(
            "name = \"a\"\n[template]\ncomponent = \"b.wasm\"\nconfig = { component = \"no.wasm\" }\n[parser]\n\
             component = \"b.wasm\"\n[scorers.x]\ncomponent = \"a.wasm\"\n",
        )
        .unwrap();
        assert_eq!(component_names(&manifest), ["a.wasm", "b.wasm"].map(PathBuf::from));
    }
}
