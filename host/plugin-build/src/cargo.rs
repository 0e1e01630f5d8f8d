//! Calls of cargo, and its answers.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::TARGET;

/// The core module that cargo made of a cdylib crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltModule {
    /// The library's name, with underscores.
    pub name: String,
    /// The crate's Cargo.toml.
    pub manifest: PathBuf,
    /// The .wasm file.
    pub wasm: PathBuf,
}

/// Reads the messages of `cargo build --message-format json`: one entry for each cdylib crate, dependencies included, that
/// has a .wasm file.
pub fn built_modules(messages: &str) -> Vec<BuiltModule> {
    // A build script may print to cargo's stdout. Such lines are no messages.
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|message| built_module(&message)).collect()
}

fn built_module(message: &Value) -> Option<BuiltModule> {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
    let list = |pointer: &str| message.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    if text("/reason") != Some("compiler-artifact") || !list("/target/crate_types").any(|kind| kind == "cdylib") {
        return None;
    }
    let wasm = list("/filenames").filter_map(Value::as_str).find(|path| path.ends_with(".wasm"))?;
    let (name, manifest) = (text("/target/name")?, text("/manifest_path")?);
    Some(BuiltModule { name: name.to_owned(), manifest: manifest.into(), wasm: wasm.into() })
}

/// The directory in which cargo keeps the sources of dependencies. `None` if there is no home directory.
pub fn cargo_home() -> Option<PathBuf> {
    match env::var_os("CARGO_HOME") {
        Some(home) => Some(home.into()),
        None => Some(etcetera::home_dir().ok()?.join(".cargo")),
    }
}

/// The value of cargo's `--config` that replaces each path by its name in what is compiled.
///
/// Panics carry the paths of sources. Without this, a component's digest would depend on whose machine built it.
pub fn remap_config<'a>(prefixes: impl IntoIterator<Item = (&'a Path, &'a str)>) -> String {
    let flags = prefixes.into_iter().map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display()));
    let flags = flags.map(toml::Value::String).collect();
    format!("target.{TARGET}.rustflags={}", toml::Value::Array(flags))
}

/// Why a Cargo.toml does not tell the name of its package.
#[derive(Debug, thiserror::Error)]
pub enum ManifestProblem {
    /// The file cannot be read.
    #[error("cannot read {file}")]
    Read {
        /// The Cargo.toml.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{file} is not TOML")]
    Toml {
        /// The Cargo.toml.
        file: PathBuf,
        /// What the reader of TOML said.
        source: toml::de::Error,
    },
    /// The manifest is one of a workspace only, or incomplete.
    #[error("{file} has no `package.name`")]
    NoName {
        /// The Cargo.toml.
        file: PathBuf,
    },
}

/// Returns the `package.name` of a Cargo.toml.
///
/// # Errors
/// Those of [`ManifestProblem`].
pub fn crate_name(manifest: &Path) -> Result<String, ManifestProblem> {
    let file = || manifest.to_owned();
    let text = fs::read_to_string(manifest).map_err(|source| ManifestProblem::Read { file: file(), source })?;
    let table: toml::Table = toml::from_str(&text).map_err(|source| ManifestProblem::Toml { file: file(), source })?;
    let name = table.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    name.map(str::to_owned).ok_or_else(|| ManifestProblem::NoName { file: file() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wasm_file_of_each_cdylib_is_taken_and_lines_that_are_no_messages_are_passed_over() {
        let artifact = |name: &str, kind: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/p/{name}/Cargo.toml","target":{{"name":"{name}","crate_types":["{kind}"]}},"filenames":["/t/{name}.d","/t/{name}.wasm"]}}"#
            )
        };
        let messages = [
            "noise of a build script".into(),
            artifact("vote", "cdylib"),
            artifact("sdk", "lib"),
            r#"{"reason":"build-finished","success":true}"#.into(),
        ];
        let vote =
            BuiltModule { name: "vote".into(), manifest: "/p/vote/Cargo.toml".into(), wasm: "/t/vote.wasm".into() };
        assert_eq!(built_modules(&messages.join("\n")), [vote]);
    }

    #[test]
    fn paths_become_a_list_of_toml_whatever_is_in_them() {
        let config = remap_config([(Path::new("/a b/\"c\""), "cargo"), (Path::new("/sdk"), "rewarden-plugin")]);
        let table: toml::Table = toml::from_str(&config).unwrap();
        let flags = &table["target"][TARGET]["rustflags"];
        assert_eq!(flags[0].as_str(), Some("--remap-path-prefix=/a b/\"c\"=cargo"));
        assert_eq!(flags[1].as_str(), Some("--remap-path-prefix=/sdk=rewarden-plugin"));
    }

    #[test]
    fn a_crate_tells_its_name_and_a_workspace_has_none() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("Cargo.toml");
        fs::write(&file, "[package]\nname = \"mine\"\n").unwrap();
        assert_eq!(crate_name(&file).unwrap(), "mine");
        fs::write(&file, "[workspace]\n").unwrap();
        assert_eq!(crate_name(&file).unwrap_err().to_string(), format!("{} has no `package.name`", file.display()));
    }
}
