//! Checks that change nothing: formatting, lints, dependencies, and all of them as CI runs them.

use anyhow::{Result, bail};

use crate::guest_toolchain::{GuestToolchain, TARGET};
use crate::layout::Layout;
use crate::process;
use crate::progress::step;

/// Checks the formatting of both workspaces.
///
/// # Errors
/// When rustfmt would change a file; it prints the difference.
pub(crate) fn fmt(layout: &Layout) -> Result<()> {
    for dir in [layout.root(), &layout.plugins()] {
        process::run(process::cargo(dir).args(["fmt", "--all", "--check"]))?;
    }
    Ok(())
}

/// Runs clippy over both workspaces with warnings denied; over the plugins twice, since some of their code is compiled
/// for WebAssembly only and tests are compiled for this machine only.
///
/// # Errors
/// When there is a warning, or something does not compile.
pub(crate) fn clippy(layout: &Layout) -> Result<()> {
    step("clippy: host", || {
        let mut host = process::cargo(layout.root());
        process::run(host.args(["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    let target = layout.target().join("plugins");
    step("clippy: plugins and their tests", || {
        let mut plugins = process::cargo(&layout.plugins());
        plugins.args(["clippy", "--workspace", "--all-targets", "--target-dir"]).arg(&target);
        process::run(plugins.args(["--", "-D", "warnings"]))
    })?;
    step("clippy: plugins as WebAssembly", || {
        if let GuestToolchain::Debian { .. } = GuestToolchain::find_or_install(layout.root())? {
            eprintln!(
                "    left out: clippy needs the target {TARGET} in this toolchain (`rustup target add {TARGET}`)"
            );
            return Ok(());
        }
        let mut plugins = process::cargo(&layout.plugins());
        plugins.args(["clippy", "--release", "--target", TARGET, "--target-dir"]).arg(&target);
        process::run(plugins.args(["--", "-D", "warnings"]))
    })
}

/// Runs `.ci/run`.
///
/// # Errors
/// When it fails.
pub(crate) fn ci(layout: &Layout) -> Result<()> {
    process::run(process::command("bash", layout.root()).arg(".ci/run"))
}

/// Runs cargo-deny over both workspaces. Not part of CI: compiling cargo-deny takes longer than the tests do, and its
/// advisory database comes from a git host.
///
/// # Errors
/// When cargo-deny is missing or objects to something.
pub(crate) fn deny(layout: &Layout) -> Result<()> {
    if let Err(reason) = process::attempt(process::cargo(layout.root()).args(["deny", "--version"])) {
        bail!("cargo-deny is needed, and {reason}; install it with `cargo install --locked cargo-deny`");
    }
    let config = layout.root().join("deny.toml");
    for dir in [layout.root(), &layout.plugins()] {
        step(&format!("cargo deny: {}", dir.display()), || {
            let mut deny = process::cargo(dir);
            deny.args(["deny", "--workspace", "--config"]).arg(&config).arg("check");
            process::run(&mut deny)
        })?;
    }
    Ok(())
}
