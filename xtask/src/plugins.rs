//! Builds the plugins: crates of plugins/ to components, and packs around them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use rewarden_plugin_build::{component_file_name, exports_anything};

use crate::dist::{self, Files};
use crate::guest_toolchain::GuestToolchain;
use crate::layout::Layout;
use crate::packs;
use crate::process;
use crate::progress::step;

/// Compiles every cdylib crate of plugins/ for wasm, encodes it as the component plugins/dist/components/NAME.wasm
/// (underscores become dashes) and assembles plugins/dist/packs. Files whose content is right already stay as they are.
///
/// # Errors
/// No toolchain, a compile error, a crate that is not a plugin, a pack that names what was not built.
pub(crate) fn build(layout: &Layout) -> Result<()> {
    let toolchain = step("finding a compiler for WebAssembly", || GuestToolchain::find_or_install(layout.root()))?;
    step("building the plugins", || {
        let modules = compile(layout, &toolchain)?;
        let components = encode(&modules)?;
        let packs = packs::assemble(&layout.plugins().join("packs"), &components)?;
        let dist = layout.dist();
        let changed_components = dist::sync(&dist.join("components"), &components)?;
        let changed_packs = dist::sync(&dist.join("packs"), &packs)?;
        for (path, component) in &components {
            let note = if changed_components.contains(path) { "" } else { ", as before" };
            eprintln!("    component {} ({} kB{note})", path.display(), component.len().div_ceil(1000));
        }
        for name in packs.keys().filter(|path| path.ends_with("pack.toml")).filter_map(|path| path.parent()) {
            let note = if changed_packs.iter().any(|path| path.starts_with(name)) { "" } else { " (as before)" };
            eprintln!("    pack {}{note}", name.display());
        }
        eprintln!("    all in {}", dist.display());
        Ok(())
    })
}

/// Runs cargo and returns the core module of every cdylib crate, by crate name.
fn compile(layout: &Layout, toolchain: &GuestToolchain) -> Result<BTreeMap<String, PathBuf>> {
    let mut build = toolchain.cargo_build(&layout.plugins());
    build.args(["--release", "--message-format", "json-render-diagnostics"]);
    let cargo_home = rewarden_plugin_build::cargo_home().context("there is no home directory")?;
    build.args(["--config", &rewarden_plugin_build::remap_config([(cargo_home.as_path(), "cargo")])]);
    build.arg("--target-dir").arg(layout.target().join(toolchain.build_dir()));
    let messages = process::stdout(build.stdin(Stdio::null()))?;
    let modules = modules(&messages, &layout.plugins());
    if modules.is_empty() {
        bail!(
            "{} has no crate of crate-type cdylib, so there is nothing to make components of",
            layout.plugins().display()
        );
    }
    Ok(modules)
}

/// Reads cargo's messages: the wasm file of each cdylib whose manifest lies below `workspace`.
fn modules(messages: &str, workspace: &Path) -> BTreeMap<String, PathBuf> {
    let built = rewarden_plugin_build::built_modules(messages).into_iter();
    let ours = built.filter(|module| module.manifest.starts_with(workspace));
    ours.map(|module| (module.name, module.wasm)).collect()
}

fn encode(modules: &BTreeMap<String, PathBuf>) -> Result<Files> {
    let mut components = Files::new();
    for (name, path) in modules {
        let module = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let component = component(&module)
            .with_context(|| format!("crate {name} ({}) cannot be made into a component", path.display()))?;
        components.insert(PathBuf::from(component_file_name(name)), component);
    }
    Ok(components)
}

/// Encodes a core module with wit-bindgen's metadata as a component.
fn component(module: &[u8]) -> Result<Vec<u8>> {
    let component = rewarden_plugin_build::encode(module)?;
    if !exports_anything(&component)? {
        bail!("it exports no interface of wit/: does the crate use the SDK's export macro?");
    }
    Ok(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wasm_file_of_each_cdylib_of_the_workspace_is_taken() {
        let artifact = |name: &str, kind: &str, manifest: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"{manifest}","target":{{"name":"{name}","crate_types":["{kind}"]}},"filenames":["/t/{name}.d","/t/{name}.wasm"]}}"#
            )
        };
        let messages = [
            artifact("vote", "cdylib", "/repo/plugins/vote/Cargo.toml"),
            artifact("sdk", "lib", "/repo/plugins/sdk/Cargo.toml"),
            artifact("foreign", "cdylib", "/registry/foreign/Cargo.toml"),
            r#"{"reason":"build-finished","success":true}"#.into(),
        ]
        .join("\n");
        let found = modules(&messages, Path::new("/repo/plugins"));
        assert_eq!(found, [("vote".to_owned(), PathBuf::from("/t/vote.wasm"))].into());
    }

    #[test]
    fn a_module_without_the_sdk_is_refused_by_crate_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bare.wasm");
        fs::write(&path, b"\0asm\x01\0\0\0").unwrap();
        let message = format!("{:#}", encode(&[("bare".to_owned(), path)].into()).unwrap_err());
        assert!(message.starts_with("crate bare ("), "{message}");
        assert!(message.contains("exports no interface of wit/"), "{message}");
    }
}
