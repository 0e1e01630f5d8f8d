//! The tests: which there are, and what they need.

use std::process::Command;

use anyhow::{Result, bail};

use crate::layout::Layout;
use crate::plugins;
use crate::process;
use crate::progress::step;
use crate::setup;

/// Path of the default model, for tests that score with it.
const MODEL: &str = "REWARDEN_TEST_MODEL";
/// Path of plugins/dist, for tests that load components and packs.
const DIST: &str = "REWARDEN_DIST";

/// Sets up what is missing and runs every test of the host, with the real model, and of the plugins.
///
/// # Errors
/// When the set-up fails, or any test does; all suites run in either case.
pub(crate) fn run(layout: &Layout) -> Result<()> {
    let model = setup::run(layout)?;
    let mut host = process::cargo(layout.root());
    host.args(["test", "--release", "--workspace", "--no-fail-fast"]);
    host.env(MODEL, model).env(DIST, layout.dist());
    run_all(vec![("tests of the host", host), ("tests of the plugins", plugin_tests(layout))])
}

/// Builds the plugins and runs the tests of what needs no mistral.rs, in a target directory of its own so that the full
/// build keeps its features.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_fast(layout: &Layout) -> Result<()> {
    plugins::build(layout)?;
    let mut host = process::cargo(layout.root());
    host.args(["test", "--release", "--no-fail-fast", "--no-default-features"]);
    for package in ["rewarden-runtime", "rewarden-inference", "rewarden-judge", "xtask"] {
        host.args(["-p", package]);
    }
    host.arg("--target-dir").arg(layout.target().join("fast"));
    host.env(DIST, layout.dist()).env_remove(MODEL);
    run_all(vec![("tests of the host without mistral.rs", host), ("tests of the plugins", plugin_tests(layout))])?;
    eprintln!("left out: the binary, the server side and all that scores with a model (`cargo xtask test` runs them)");
    Ok(())
}

/// The plugins' own tests run on this machine's processor: they test the same Rust code without a sandbox around it.
fn plugin_tests(layout: &Layout) -> Command {
    let mut plugins = process::cargo(&layout.plugins());
    plugins.args(["test", "--workspace", "--no-fail-fast"]);
    plugins.arg("--target-dir").arg(layout.target().join("plugins"));
    plugins.env(DIST, layout.dist());
    plugins
}

fn run_all(suites: Vec<(&str, Command)>) -> Result<()> {
    let mut report = Vec::new();
    let mut failed = false;
    for (name, mut command) in suites {
        let result = step(name, || {
            eprintln!("    {}", process::line(&command));
            process::run(&mut command)
        });
        if let Err(error) = &result {
            eprintln!("{error:#}");
            failed = true;
        }
        report.push(format!(
            "    {}: {name} (`{}`)",
            if result.is_ok() { "passed" } else { "FAILED" },
            process::line(&command)
        ));
    }
    eprintln!("==> what ran\n{}", report.join("\n"));
    if failed {
        bail!("tests failed; their output stands above");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_suite_fails_the_whole_and_the_others_run_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let shell = |script: &str| {
            let mut command = process::command("sh", dir.path());
            command.args(["-c", script]);
            command
        };
        let suites = vec![("first", shell("exit 1")), ("second", shell("touch ran"))];
        assert!(run_all(suites).unwrap_err().to_string().starts_with("tests failed"));
        assert!(dir.path().join("ran").exists());
        run_all(vec![("alone", shell("true"))]).unwrap();
    }
}
