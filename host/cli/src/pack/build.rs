//! `rewarden pack build`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use indicatif::DecimalBytes;
use rewarden_runtime::{Plugin, Runtime};
use serde_json::Value;
use wit_component::ComponentEncoder;

use crate::console::err;
use crate::console::out;
use crate::pack::command::BuildArgs;
use crate::pack::subject::crate_name;
use crate::strategy;

/// What plugins are compiled for.
const TARGET: &str = "wasm32-unknown-unknown";

/// The first eight bytes of a core module, and of a component.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// Runs the command.
pub(crate) fn run(args: &BuildArgs) -> Result<ExitCode> {
    let runtime = strategy::runtime(&args.places)?;
    if args.what.is_file() {
        let out = match &args.out {
            Some(out) => out.clone(),
            None => PathBuf::from(component_name(&args.what)),
        };
        finish(&runtime, &args.what, &out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let crates = crates(&args.what)?;
    if args.out.is_some() && crates.len() > 1 {
        bail!("--out names one file, but {} holds {} crates", args.what.display(), crates.len());
    }
    for directory in crates {
        let module = compile(&directory)?;
        let name = crate_name(&directory.join("Cargo.toml"))?;
        let out = args.out.clone().unwrap_or_else(|| args.what.join(format!("{name}.wasm")));
        finish(&runtime, &module, &out)?;
    }
    Ok(ExitCode::SUCCESS)
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
fn compile(directory: &Path) -> Result<PathBuf> {
    check_target(directory)?;
    let mut command = cargo(directory);
    command.args(["build", "--release", "--target", TARGET, "--message-format", "json-render-diagnostics"]);
    if let Some(remap) = remap(directory) {
        command.args(["--config", &remap]);
    }
    err!("building {} (cargo build --release --target {TARGET})", directory.display());
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

/// Panics carry the paths of sources. Without this a component's digest would depend on whose machine built it.
fn remap(directory: &Path) -> Option<String> {
    let home = match std::env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => etcetera::home_dir().ok()?.join(".cargo"),
    };
    let mut prefixes = vec![(home, "cargo")];
    let manifest = fs::read_to_string(directory.join("Cargo.toml")).ok()?;
    let manifest: toml::Table = toml::from_str(&manifest).ok()?;
    let sdk = manifest.get("dependencies").and_then(|all| all.get("rewarden-plugin")).and_then(|sdk| sdk.get("path"));
    if let Some(sdk) = sdk.and_then(toml::Value::as_str).and_then(|sdk| directory.join(sdk).canonicalize().ok()) {
        prefixes.push((sdk, "rewarden-plugin"));
    }
    let flags: Vec<toml::Value> = prefixes
        .into_iter()
        .map(|(path, name)| toml::Value::String(format!("--remap-path-prefix={}={name}", path.display())))
        .collect();
    Some(format!("target.{TARGET}.rustflags={}", toml::Value::Array(flags)))
}

/// The .wasm file of the crate with this manifest, in cargo's messages.
fn module(messages: &str, manifest: &Path) -> Result<Option<PathBuf>> {
    let manifest = manifest.canonicalize().with_context(|| format!("cannot find {}", manifest.display()))?;
    for line in messages.lines() {
        // A build script may print to cargo's stdout; its lines are no messages.
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
        let is_ours =
            text("/manifest_path").is_some_and(|path| Path::new(path).canonicalize().ok().as_ref() == Some(&manifest));
        if text("/reason") != Some("compiler-artifact") || !is_ours {
            continue;
        }
        let files = message.pointer("/filenames").and_then(Value::as_array).into_iter().flatten();
        if let Some(wasm) = files.filter_map(Value::as_str).find(|path| path.ends_with(".wasm")) {
            return Ok(Some(PathBuf::from(wasm)));
        }
    }
    Ok(None)
}

/// Encodes a core module, checks that it loads, writes it and says what it is.
fn finish(runtime: &Runtime, module: &Path, out: &Path) -> Result<()> {
    let bytes = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    if bytes.starts_with(COMPONENT) {
        bail!("{} is a component already; `rewarden inspect` shows what it is", module.display());
    }
    if !bytes.starts_with(CORE_MODULE) {
        bail!("{} is not a core WebAssembly module; expected one compiled for {TARGET}", module.display());
    }
    let same = out.canonicalize().ok().is_some_and(|out| module.canonicalize().ok() == Some(out));
    if same {
        bail!("the component would overwrite the module {}; name another file with --out", module.display());
    }
    let component = encode(&bytes).with_context(|| format!("{} cannot be made into a component", module.display()))?;
    let name = out.file_name().unwrap_or(out.as_os_str()).to_string_lossy();
    let plugin = runtime.load(&name, &component)?;
    plugin.check_config("{}").context("it loads, but refuses the empty configuration; every option needs a default")?;
    fs::write(out, &component).with_context(|| format!("cannot write {}", out.display()))?;
    print_summary(&plugin, out);
    Ok(())
}

fn encode(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().validate(true).module(module)?.encode()
}

fn print_summary(plugin: &Plugin, out: &Path) {
    let about = plugin.about();
    let exports: Vec<&str> = plugin.interfaces().iter().map(|interface| interface.name()).collect();
    out!("{}", out.display());
    out!("  plugin   {} {}", about.name, about.version);
    out!("  exports  {}", exports.join(", "));
    out!("  size     {}, {} functions", DecimalBytes(plugin.size() as u64), plugin.functions());
    out!("  digest   {}", plugin.digest());
}

/// NAME.wasm for a core module called `name.wasm`, as for a crate.
fn component_name(module: &Path) -> String {
    let stem = module.file_stem().unwrap_or(module.as_os_str()).to_string_lossy();
    format!("{}.wasm", stem.replace('_', "-"))
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
                r#"{{"reason":"compiler-artifact","manifest_path":"{manifest}","filenames":["{file}.rlib","{file}.wasm"]}}"#
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
