//! The tests: which there are, and what they need.

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::browser::{Browser, CHROMIUM};
use crate::edits::{Edits, FEATURE, KeptLock};
use crate::layout::Layout;
use crate::plugins;
use crate::process;
use crate::progress::{readable, step};
use crate::runtimes;
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
    // First, so that a wrong path is told before half an hour of set-up.
    let browser = step("finding a browser for the report page", || Browser::find_or_install(layout.root()))?;
    let model = setup::run(layout)?;
    let mut left_out = Vec::new();
    interpreters(layout, &mut left_out);
    let edits = Edits::prepare(layout)?;
    let mut host = edits.cargo(layout, "test");
    host.args(["--release", "--workspace", "--features", FEATURE, "--no-fail-fast"]);
    host.env(MODEL, model).env(DIST, layout.dist());
    browser_for(&mut host, browser, &mut left_out);
    let _kept = KeptLock::new(layout)?;
    run_all(vec![("tests of the host", host), ("tests of the plugins", plugin_tests(layout))], &left_out)
}

/// Builds the plugins and runs every test that needs no mistral.rs, the server's and the command line's included, in a
/// target directory of its own so that the full build keeps its features.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_fast(layout: &Layout) -> Result<()> {
    let browser = step("finding a browser for the report page", || Browser::find_or_install(layout.root()))?;
    plugins::build(layout)?;
    let mut host = process::cargo(layout.root());
    host.args(["test", "--release", "--workspace", "--no-default-features", "--no-fail-fast"]);
    host.arg("--target-dir").arg(layout.target().join("fast"));
    host.env(DIST, layout.dist()).env_remove(MODEL);
    let mut left_out = vec!["all that runs a model in this process (`cargo xtask test` runs it)".to_owned()];
    interpreters(layout, &mut left_out);
    browser_for(&mut host, browser, &mut left_out);
    run_all(
        vec![("tests of the host without mistral.rs", host), ("tests of the plugins", plugin_tests(layout))],
        &left_out,
    )
}

/// Builds the interpreters, or says that plugins that are programs are not tested.
fn interpreters(layout: &Layout, left_out: &mut Vec<String>) {
    if let Err(error) = runtimes::build(layout) {
        left_out.push(format!("plugins in Python and JavaScript ({error:#})"));
    }
}

/// Tells tests of pages where the browser is, or the summary that there is none.
fn browser_for(tests: &mut Command, browser: Browser, left_out: &mut Vec<String>) {
    match browser {
        Browser::At(path) => {
            tests.env(CHROMIUM, path);
        }
        Browser::Missing { reason } => {
            tests.env_remove(CHROMIUM);
            left_out.push(format!("the report in a browser ({reason})"));
        }
    }
}

/// The plugins' own tests run on this machine's processor: they test the same Rust code without a sandbox around it.
fn plugin_tests(layout: &Layout) -> Command {
    let mut plugins = process::cargo(&layout.plugins());
    plugins.args(["test", "--workspace", "--no-fail-fast"]);
    plugins.arg("--target-dir").arg(layout.target().join("plugins"));
    plugins.env(DIST, layout.dist());
    plugins
}

/// Runs all suites and says at the end which passed, which failed and what was left out.
fn run_all(suites: Vec<(&str, Command)>, left_out: &[String]) -> Result<()> {
    let mut ran = Vec::new();
    for (name, mut command) in suites {
        let start = Instant::now();
        let result = step(name, || {
            eprintln!("    {}", process::line(&command));
            process::run(&mut command)
        });
        if let Err(error) = &result {
            eprintln!("{error:#}");
        }
        let told = format!("{name} in {} (`{}`)", readable(start.elapsed()), process::line(&command));
        ran.push((told, result.is_ok()));
    }
    eprintln!("==> what ran\n{}", summary(&ran, left_out));
    if ran.iter().any(|(_, passed)| !passed) {
        bail!("tests failed; their output stands above");
    }
    Ok(())
}

/// A line for each suite with whether it passed, and for each check that was left out.
fn summary(ran: &[(String, bool)], left_out: &[String]) -> String {
    let ran = ran.iter().map(|(suite, passed)| format!("    {}: {suite}", if *passed { "passed" } else { "FAILED" }));
    ran.chain(left_out.iter().map(|what| format!("    LEFT OUT: {what}"))).collect::<Vec<_>>().join("\n")
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
        assert!(run_all(suites, &[]).unwrap_err().to_string().starts_with("tests failed"));
        assert!(dir.path().join("ran").exists());
        run_all(vec![("alone", shell("true"))], &[]).unwrap();
    }

    #[test]
    fn what_was_left_out_is_told_and_not_called_passed() {
        let ran = [("host".to_owned(), true), ("plugins".to_owned(), false)];
        let told = summary(&ran, &["the report in a browser (none here)".to_owned()]);
        let lines: Vec<_> = told.lines().map(str::trim).collect();
        assert_eq!(lines, ["passed: host", "FAILED: plugins", "LEFT OUT: the report in a browser (none here)"]);
    }
}
