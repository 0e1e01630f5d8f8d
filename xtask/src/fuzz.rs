//! Fuzzing: every target for a bounded time.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::layout::Layout;
use crate::process;
use crate::progress::step;
use crate::tools;

/// The release that was tried; installed beside the caches when there is none on `PATH`.
const CARGO_FUZZ: &str = "0.13.2";

/// Seconds after which one input counts as a hang.
const HANG_SECONDS: u32 = 10;

/// MB of memory beyond which a target counts as broken, whatever it was doing. The engine's own is some 150.
const MEMORY_MB: u32 = 512;

/// What a target did.
struct Ran {
    target: String,
    /// `None` if libFuzzer ended before it counted.
    executions: Option<u64>,
    peak_mb: Option<u64>,
    /// What it found: libFuzzer's own summary and the end of what it printed.
    finding: Option<Finding>,
}

struct Finding {
    summary: String,
    output: String,
}

/// Runs the named targets, or all, for `seconds` each, one after the other, and prints what each did. Findings of earlier
/// runs are tried first: the corpus is kept under cargo's target directory. A crash, a failed assertion, one input that
/// takes longer than 10 s and more than 512 MB of memory are findings.
///
/// # Errors
/// When a target found something; all others have run all the same, and where each input lies is printed.
pub(crate) fn run(layout: &Layout, seconds: u32, targets: &[String]) -> Result<()> {
    let known = known_targets(layout)?;
    let chosen: Vec<String> = if targets.is_empty() { known.clone() } else { targets.to_vec() };
    if let Some(unknown) = chosen.iter().find(|target| !known.contains(target)) {
        bail!("there is no fuzz target `{unknown}`; there are {}", known.join(", "));
    }
    let fuzz =
        Fuzz { layout, path: tools::path_with(layout, "fuzz", CARGO_FUZZ)?, target_dir: layout.target().join("fuzz") };
    step("fuzz: compile the targets with coverage instrumentation", || {
        fuzz.clean_after_another_checkout()?;
        fuzz.build()
    })?;
    let mut ran = Vec::new();
    for target in chosen {
        ran.push(step(&format!("fuzz: {target} for {seconds} s"), || fuzz.run(&target, seconds))?);
    }
    eprintln!("{}", table(&ran));
    let found: Vec<&Ran> = ran.iter().filter(|ran| ran.finding.is_some()).collect();
    for Ran { target, finding, .. } in &found {
        eprintln!("{target}:\n{}\n", finding.as_ref().map_or("", |finding| &finding.output));
    }
    let names: Vec<&str> = found.iter().map(|ran| ran.target.as_str()).collect();
    if names.is_empty() { Ok(()) } else { bail!("{} found something, see above", names.join(", ")) }
}

/// One line a target.
fn table(ran: &[Ran]) -> String {
    let mut text = format!("    {:24} {:>12} {:>12}  findings", "target", "executions", "peak RSS");
    for Ran { target, executions, peak_mb, finding } in ran {
        let executions = executions.map_or("?".to_owned(), |executions| executions.to_string());
        let peak = peak_mb.map_or("?".to_owned(), |peak| format!("{peak} MB"));
        let finding = finding.as_ref().map_or("none", |finding| &finding.summary);
        text.push_str(&format!("\n    {target:24} {executions:>12} {peak:>12}  {finding}"));
    }
    text
}

fn known_targets(layout: &Layout) -> Result<Vec<String>> {
    let directory = layout.fuzz().join("fuzz_targets");
    let mut targets = Vec::new();
    for entry in fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            targets.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    targets.sort();
    let manifest = layout.fuzz().join("Cargo.toml");
    let text = fs::read_to_string(&manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    // Cargo finds programs by itself in other folders only.
    if let Some(missing) = targets.iter().find(|target| !text.contains(&format!("\"fuzz_targets/{target}.rs\""))) {
        bail!(
            "{} has no program for fuzz_targets/{missing}.rs; add\n[[bin]]\nname = \"{missing}\"\n\
             path = \"fuzz_targets/{missing}.rs\"\ntest = false\ndoc = false\nbench = false",
            manifest.display()
        );
    }
    Ok(targets)
}

struct Fuzz<'a> {
    layout: &'a Layout,
    path: OsString,
    target_dir: PathBuf,
}

impl Fuzz<'_> {
    /// `cargo fuzz`, as far as all its commands are alike. Sanitizers need a nightly compiler, and all code that is
    /// fuzzed here is safe Rust: what counts is panics, hangs, memory and the targets' own assertions.
    fn cargo_fuzz(&self, command: &str) -> std::process::Command {
        let mut fuzz = process::cargo(self.layout.root());
        fuzz.env("PATH", &self.path).env_remove("CARGO_TARGET_DIR").args(["fuzz", command]);
        fuzz.args(["--sanitizer", "none", "--target-dir"]).arg(&self.target_dir);
        fuzz
    }

    fn build(&self) -> Result<()> {
        process::run(&mut self.cargo_fuzz("build"))
    }

    /// Removes the compiled plugins if another checkout used the target directory last. Plugins are dynamic libraries
    /// too, so cargo puts no hash into the names of their files: it would link those of the other checkout, which were
    /// compiled against that one's SDK.
    fn clean_after_another_checkout(&self) -> Result<()> {
        let mark = self.target_dir.join("checkout");
        let here = self.layout.fuzz().to_string_lossy().into_owned();
        if fs::read_to_string(&mark).is_ok_and(|last| last == here) {
            return Ok(());
        }
        for platform in self.platforms().unwrap_or_default() {
            let mut clean = process::cargo(&self.layout.fuzz());
            clean.env_remove("CARGO_TARGET_DIR").args(["clean", "--quiet", "--release", "--target"]).arg(platform);
            clean.arg("--target-dir").arg(&self.target_dir);
            for plugin in plugins(&self.metadata()?) {
                clean.args(["--package", plugin]);
            }
            process::run(&mut clean)?;
        }
        fs::create_dir_all(&self.target_dir)
            .and_then(|()| fs::write(&mark, here))
            .with_context(|| format!("cannot write {}", mark.display()))
    }

    fn metadata(&self) -> Result<Value> {
        let mut metadata = process::cargo(&self.layout.fuzz());
        serde_json::from_str(&process::stdout(metadata.args(["metadata", "--format-version", "1"]))?)
            .context("`cargo metadata` did not print JSON, as it is documented to")
    }

    /// The folders of the platforms that were built for.
    fn platforms(&self) -> Result<Vec<OsString>> {
        let entries =
            fs::read_dir(&self.target_dir).with_context(|| format!("cannot read {}", self.target_dir.display()))?;
        let platforms = entries.filter_map(|entry| {
            let entry = entry.ok()?;
            entry.path().join("release").is_dir().then(|| entry.file_name())
        });
        Ok(platforms.collect())
    }

    /// The program that `build` made of a target, in the folder of the platform that cargo-fuzz names.
    fn program(&self, target: &str) -> Result<PathBuf> {
        let platforms = self.platforms()?;
        let programs = platforms.iter().map(|platform| self.target_dir.join(platform).join("release").join(target));
        let newest = programs.filter_map(|program| Some((program.metadata().ok()?.modified().ok()?, program))).max();
        newest
            .map(|(_, program)| program)
            .with_context(|| format!("cargo fuzz built no program `{target}` under {}", self.target_dir.display()))
    }

    /// Folders with inputs to start from.
    fn seeds(&self, target: &str) -> Option<PathBuf> {
        let seeds = match target {
            "pack_manifest" => self.layout.plugins().join("packs"),
            _ => self.layout.fuzz().join("seeds").join(target),
        };
        seeds.is_dir().then_some(seeds)
    }

    fn run(&self, target: &str, seconds: u32) -> Result<Ran> {
        let corpus = self.target_dir.join("corpus").join(target);
        fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
        let artifacts = self.layout.fuzz().join("artifacts").join(target);
        fs::create_dir_all(&artifacts).with_context(|| format!("cannot make {}", artifacts.display()))?;
        // Not by `cargo fuzz run`: a program that replaces cargo inherits its peak of memory, 112 MB.
        let mut fuzz = process::command(self.program(target)?, self.layout.root());
        fuzz.arg(&corpus).args(self.seeds(target));
        // libFuzzer puts the name of the input behind it.
        fuzz.arg(format!("-artifact_prefix={}/", artifacts.display())).arg(format!("-max_total_time={seconds}"));
        fuzz.arg(format!("-timeout={HANG_SECONDS}")).arg(format!("-rss_limit_mb={MEMORY_MB}"));
        fuzz.args(["-max_len=16384", "-print_final_stats=1", "-verbosity=0"]);
        let output = fuzz
            .stdout(Stdio::inherit())
            .stderr(Stdio::piped())
            .output()
            .with_context(|| format!("cannot start {target}"))?;
        let text = String::from_utf8_lossy(&output.stderr);
        let finding = (!output.status.success()).then(|| Finding {
            summary: summary(&text).unwrap_or_else(|| output.status.to_string()),
            output: tail(&text, 60),
        });
        let (executions, peak_mb) = (statistic(&text, "number_of_executed_units"), statistic(&text, "peak_rss_mb"));
        if finding.is_none() && executions.is_none_or(|executions| executions == 0) {
            bail!("{target} ended without a finding and without having run:\n{}", tail(&text, 60));
        }
        Ok(Ran { target: target.to_owned(), executions, peak_mb, finding })
    }
}

/// Names of the packages of `cargo metadata` that become a dynamic library and lie in the checkout.
fn plugins(metadata: &Value) -> Vec<&str> {
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let dynamic = |package: &&Value| {
        package.get("source").is_none_or(Value::is_null)
            && list(package, "targets")
                .iter()
                .any(|target| list(target, "crate_types").contains(&Value::from("cdylib")))
    };
    let packages = metadata.get("packages").and_then(Value::as_array).into_iter().flatten();
    packages.filter(dynamic).filter_map(|package| package.get("name")?.as_str()).collect()
}

/// One of libFuzzer's final statistics.
fn statistic(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().parse().ok()
}

/// What kind of finding it is, in libFuzzer's words: `timeout`, `out-of-memory`, `deadly signal` and so on.
fn summary(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("SUMMARY: libFuzzer: "))?;
    let input = text.lines().find_map(|line| line.split_once("Test unit written to ")).map(|(_, path)| path.trim());
    Some(input.map_or_else(|| line.to_owned(), |input| format!("{line}, {input}")))
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_the_checkout_that_become_dynamic_libraries_are_plugins() {
        let metadata = serde_json::json!({"packages": [
            {"name": "spct", "source": null, "targets": [{"crate_types": ["cdylib", "rlib"]}]},
            {"name": "rusqlite", "source": "registry", "targets": [{"crate_types": ["cdylib", "rlib"]}]},
            {"name": "rewarden-types", "source": null, "targets": [{"crate_types": ["lib"]}, {"crate_types": ["bin"]}]},
        ]});
        assert_eq!(plugins(&metadata), ["spct"]);
    }

    #[test]
    fn statistics_and_summaries_are_read_from_what_libfuzzer_prints() {
        let text = "ALARM: working on the last Unit for 11 seconds\nSUMMARY: libFuzzer: timeout\n\
                    artifact_prefix='a/'; Test unit written to a/timeout-77\n\
                    stat::number_of_executed_units: 2144\nstat::peak_rss_mb:              146\n";
        assert_eq!(statistic(text, "number_of_executed_units"), Some(2144));
        assert_eq!(statistic(text, "peak_rss_mb"), Some(146));
        assert_eq!(summary(text).as_deref(), Some("timeout, a/timeout-77"));
        assert_eq!(summary("Done 3 runs"), None);
        let finding = Some(Finding { summary: "timeout, a/timeout-77".into(), output: String::new() });
        let ran =
            |target: &str, finding| Ran { target: target.into(), executions: Some(2144), peak_mb: Some(146), finding };
        assert_eq!(
            table(&[ran("order", None), ran("run_file", finding)]),
            "    target                     executions     peak RSS  findings\n\
            \x20   order                            2144       146 MB  none\n\
            \x20   run_file                         2144       146 MB  timeout, a/timeout-77"
        );
    }
}
