//! Checks that change nothing: formatting, lints, dependencies, and all of them as CI runs them.

use std::path::Path;

use anyhow::Result;

use crate::edits::{Edits, FEATURE};
use crate::guest_toolchain::{GuestToolchain, TARGET};
use crate::layout::Layout;
use crate::process;
use crate::progress::step;
use crate::tools;

/// Checks the formatting of every workspace.
///
/// # Errors
/// When rustfmt would change a file; it prints the difference.
pub(crate) fn fmt(layout: &Layout) -> Result<()> {
    for dir in [layout.root(), &layout.plugins(), &layout.fuzz()] {
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
        let edits = Edits::prepare(layout)?;
        let mut host = edits.cargo(layout, "clippy");
        host.args(["--release", "--workspace", "--features", FEATURE, "--all-targets", "--", "-D", "warnings"]);
        edits.run(layout, &mut host)
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

/// The release of cargo-deny that was tried.
const CARGO_DENY: &str = "0.20.2";

/// Runs cargo-deny over the workspaces.
///
/// # Errors
/// When cargo-deny cannot be installed or objects to something. A database of advisories that cannot be fetched is said,
/// and no error: nothing in the checkout can mend it.
pub(crate) fn deny(layout: &Layout) -> Result<()> {
    let path = tools::path_with(layout, "deny", CARGO_DENY)?;
    let config = layout.root().join("deny.toml");
    let deny = |dir: &Path, command: &[&str]| {
        let mut deny = process::cargo(dir);
        deny.env("PATH", &path).args(["deny", "--workspace", "--config"]).arg(&config).args(command);
        deny
    };
    let workspaces = [layout.root().to_path_buf(), layout.plugins(), layout.fuzz()];
    for dir in &workspaces {
        step(&format!("cargo deny: licences, bans and sources of {}", dir.display()), || {
            process::run(&mut deny(dir, &["check", "bans", "licenses", "sources"]))
        })?;
    }
    if let Err(reason) = process::attempt(&mut deny(layout.root(), &["fetch", "db"])) {
        eprintln!("    LEFT OUT: advisories, since their database cannot be fetched: {reason}");
        return Ok(());
    }
    for dir in &workspaces {
        step(&format!("cargo deny: advisories about {}", dir.display()), || {
            process::run(&mut deny(dir, &["check", "advisories"]))
        })?;
    }
    Ok(())
}
