//! `rewarden pack lock`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use rewarden_judge::{Lock, MANIFEST_BYTES, explain_toml_error};
use rewarden_runtime::{Limits, Sha256Digest, read_regular, read_regular_text};

use crate::pack::command::LockArgs;
use crate::packs;

/// Runs the command.
pub(crate) fn run(args: &LockArgs) -> Result<ExitCode> {
    let directory = packs::find(&args.pack, &args.places)?;
    let file = directory.join("pack.toml");
    let told = || format!("cannot read {}", file.display());
    let text = read_regular_text(&file, MANIFEST_BYTES).with_context(told)?;
    let manifest: toml::Table = toml::from_str(&text).map_err(|error| explain_toml_error(&error, &text, &file))?;
    let most = Limits::default().with(&args.places.limits).component_bytes as u64;
    let whole = directory.canonicalize().with_context(told)?;
    let mut components = Vec::new();
    for name in component_names(&manifest) {
        let path = directory.join(&name);
        let told = || format!("cannot read the component {}", path.display());
        if !path.canonicalize().with_context(told)?.starts_with(&whole) {
            bail!("{} lies outside of the pack; copy the component itself beside pack.toml", path.display());
        }
        let bytes = read_regular(&path, most).with_context(told)?;
        let digest = Sha256Digest::of(&bytes);
        println!("{digest}  {}", name.display());
        components.push((name, digest));
    }
    let lock = Lock::new(&directory, components);
    println!("wrote {}", lock.write()?.display());
    Ok(ExitCode::SUCCESS)
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
