//! Compiles a plugin's crate and makes a component of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rewarden_plugin_build::{TARGET, built_modules, cargo_home, component_file_name, crate_name, encode, remap_config};
use rewarden_runtime::{Plugin, Runtime};

use crate::Lines;

/// The first eight bytes of a core module, and of a component.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// A component that was written.
pub struct BuiltComponent {
    /// The file.
    pub file: PathBuf,
    /// The component, loaded.
    pub plugin: Plugin,
}

/// Builds what `what` names: the crate in a directory, every crate right below it, or a core module that another tool made.
/// Each component is written to `out`, or else beside what it was made of, and handed to `built`. `lines` gets what is said
/// meanwhile; cargo's own messages go to stderr.
///
/// # Errors
/// Fails if there is nothing to build, if cargo cannot build it, or if the component does not load.
pub fn build(
    runtime: &Runtime,
    what: &Path,
    out: Option<&Path>,
    lines: &mut Lines<'_>,
    built: &mut dyn FnMut(&BuiltComponent),
) -> Result<()> {
    if what.is_file() {
        let stem = what.file_stem().unwrap_or(what.as_os_str()).to_string_lossy();
        let out = out.map_or_else(|| PathBuf::from(component_file_name(&stem)), Path::to_owned);
        built(&finish(runtime, what, out)?);
        return Ok(());
    }
    let crates = crates(what)?;
    if out.is_some() && crates.len() > 1 {
        bail!("--out names one file, but {} holds {} crates", what.display(), crates.len());
    }
    for directory in crates {
        let module = compile(&directory, lines)?;
        let name = crate_name(&directory.join("Cargo.toml"))?;
        let out = out.map_or_else(|| what.join(format!("{name}.wasm")), Path::to_owned);
        built(&finish(runtime, &module, out)?);
    }
    Ok(())
}

/// The crate in `directory`, or those right below it.
fn crates(directory: &Path) -> Result<Vec<PathBuf>> {
    let is_crate = |directory: &Path| directory.join("Cargo.toml").is_file();
    if is_crate(directory) {
        return Ok(vec![directory.to_owned()]);
    }
    let entries = fs::read_dir(directory)
        .with_context(|| format!("cannot read {}; expected a directory or a core module", directory.display()))?;
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| is_crate(path)).collect();
    found.sort();
    if found.is_empty() {
        bail!(
            "{} holds no Cargo.toml, and no directory in it does: there is nothing to build. `rewarden pack new` starts \
             a plugin",
            directory.display()
        );
    }
    Ok(found)
}

/// Runs cargo, whose progress goes to stderr, and returns the core module that it made.
fn compile(directory: &Path, lines: &mut Lines<'_>) -> Result<PathBuf> {
    check_target(directory)?;
    let mut command = cargo(directory);
    command.args(["build", "--release", "--target", TARGET, "--message-format", "json-render-diagnostics"]);
    if let Some(remap) = remap(directory) {
        command.args(["--config", &remap]);
    }
    lines(&format!("building {} (cargo build --release --target {TARGET})", directory.display()));
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo cannot be started; a plugin's crate needs Rust, see https://rustup.rs")?;
    if !output.status.success() {
        bail!("cargo could not build {}: {}; its messages are above", directory.display(), output.status);
    }
    module(&String::from_utf8_lossy(&output.stdout), &directory.join("Cargo.toml"))?.with_context(|| {
        format!(
            "{} was built, but made no .wasm file; expected `crate-type = [\"cdylib\", \"rlib\"]` under [lib]",
            directory.join("Cargo.toml").display()
        )
    })
}

fn cargo(directory: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(directory);
    command
}

/// Cargo's own message for a missing target speaks of `core` that cannot be found.
fn check_target(directory: &Path) -> Result<()> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(&rustc)
        .current_dir(directory)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .with_context(|| {
            format!("{} cannot be started; a plugin's crate needs Rust, see https://rustup.rs", rustc.display())
        })?;
    let libraries = String::from_utf8_lossy(&asked.stdout);
    if asked.status.success() && Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    bail!("{}", missing_target(&rustc.to_string_lossy(), libraries.trim()))
}

/// What to do about a toolchain without the target's standard library; `expected` is where it would be.
fn missing_target(rustc: &str, expected: &str) -> String {
    let place = if expected.is_empty() { String::new() } else { format!(" (expected in {expected})") };
    format!(
        "{rustc} cannot compile for {TARGET}: its standard library for that target is missing{place}.\n\
         With rustup:\n    \
         rustup target add {TARGET}\n\
         Without rustup's server, on Debian 12 or later with security updates, whose compiler builds that library from \
         source (rust-lld is that of the toolchain in use); then give the module to `pack build`, which needs no Rust:\n    \
         apt-get update && apt-get install rustc-web cargo-web rust-web-src     # as root\n    \
         export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$(find $(rustc --print sysroot) -name rust-lld | head -1)\n    \
         RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 /usr/bin/cargo build --release --target {TARGET} \
         -Zbuild-std=std,panic_abort\n    \
         rewarden pack build target/{TARGET}/release/NAME.wasm\n\
         A module that was built so on any other machine does as well."
    )
}

/// See [`remap_config`]. `None` if there is no home directory.
fn remap(directory: &Path) -> Option<String> {
    let home = cargo_home()?;
    let manifest = fs::read_to_string(directory.join("Cargo.toml")).ok()?;
    let manifest: toml::Table = toml::from_str(&manifest).ok()?;
    let sdk = manifest.get("dependencies").and_then(|all| all.get("rewarden-plugin")).and_then(|sdk| sdk.get("path"));
    let sdk = sdk.and_then(toml::Value::as_str).and_then(|sdk| directory.join(sdk).canonicalize().ok());
    let sdk = sdk.as_deref().map(|sdk| (sdk, "rewarden-plugin"));
    Some(remap_config([(home.as_path(), "cargo")].into_iter().chain(sdk)))
}

/// The .wasm file of the crate with this manifest, in cargo's messages.
fn module(messages: &str, manifest: &Path) -> Result<Option<PathBuf>> {
    let manifest = manifest.canonicalize().with_context(|| format!("cannot find {}", manifest.display()))?;
    let own = built_modules(messages)
        .into_iter()
        .find(|built| built.manifest.canonicalize().ok().as_ref() == Some(&manifest));
    Ok(own.map(|built| built.wasm))
}

/// Encodes a core module, checks that the component loads, and writes it.
fn finish(runtime: &Runtime, module: &Path, file: PathBuf) -> Result<BuiltComponent> {
    let bytes = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    if bytes.starts_with(COMPONENT) {
        bail!("{} is a component already; `rewarden inspect` shows what it is", module.display());
    }
    if !bytes.starts_with(CORE_MODULE) {
        bail!("{} is not a core WebAssembly module; expected one compiled for {TARGET}", module.display());
    }
    let same = file.canonicalize().ok().is_some_and(|file| module.canonicalize().ok() == Some(file));
    if same {
        bail!("the component would overwrite the module {}; name another file with --out", module.display());
    }
    let component = encode(&bytes).with_context(|| format!("{} cannot be made into a component", module.display()))?;
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let plugin = runtime.load(&name, &component)?;
    plugin.check_config("{}").context("it loads, but refuses the empty configuration; every option needs a default")?;
    fs::write(&file, &component).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(BuiltComponent { file, plugin })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_of_the_crate_itself_is_taken_and_no_dependencys() {
        let directory = tempfile::tempdir().unwrap();
        let manifest = directory.path().join("Cargo.toml");
        fs::write(&manifest, "").unwrap();
        let artifact = |manifest: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"{manifest}","target":{{"name":"mine","crate_types":["cdylib","rlib"]}},"filenames":["{file}.rlib","{file}.wasm"]}}"#
            )
        };
        let messages = [
            artifact("/elsewhere/Cargo.toml", "/t/dep"),
            "noise".into(),
            artifact(&manifest.display().to_string(), "/t/mine"),
        ];
        assert_eq!(module(&messages.join("\n"), &manifest).unwrap(), Some(PathBuf::from("/t/mine.wasm")));
        assert_eq!(module("", &manifest).unwrap(), None);
    }

    #[test]
    fn a_directory_without_a_crate_says_what_was_expected() {
        let directory = tempfile::tempdir().unwrap();
        assert!(crates(directory.path()).unwrap_err().to_string().contains("nothing to build"));
        for name in ["b", "a"] {
            fs::create_dir(directory.path().join(name)).unwrap();
            fs::write(directory.path().join(name).join("Cargo.toml"), "").unwrap();
        }
        assert_eq!(crates(directory.path()).unwrap(), ["a", "b"].map(|name| directory.path().join(name)));
    }
}
