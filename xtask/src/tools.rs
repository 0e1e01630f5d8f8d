//! Cargo's own extensions, installed when they are missing.

use std::env;
use std::ffi::OsString;

use anyhow::{Context, Result};

use crate::layout::Layout;
use crate::process;
use crate::progress::step;

/// A `PATH` on which `cargo NAME` is found. Where it is not on ours, `version` of it is compiled into a folder beside
/// cargo's target directory, once.
///
/// # Errors
/// When it cannot be compiled.
pub(crate) fn path_with(layout: &Layout, name: &str, version: &str) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    if process::attempt(process::cargo(layout.root()).args([name, "--version"])).is_ok() {
        return Ok(path);
    }
    let tools = layout.target().join("tools");
    let package = format!("cargo-{name}");
    if !tools.join("bin").join(format!("{package}{}", env::consts::EXE_SUFFIX)).is_file() {
        step(&format!("install {package} {version}"), || {
            let mut install = process::cargo(layout.root());
            // Not into the workspace's own target directory: cargo would wait for itself where it runs us.
            install.env("CARGO_TARGET_DIR", tools.join("build"));
            // Unoptimised: both run for seconds, and optimising cargo-deny takes minutes.
            install.args(["install", &package, "--debug", "--locked", "--version", version, "--root"]).arg(&tools);
            process::run(&mut install)
        })?;
    }
    let with_tools = env::join_paths(std::iter::once(tools.join("bin")).chain(env::split_paths(&path)));
    with_tools.context("the target directory's path cannot stand in PATH")
}
