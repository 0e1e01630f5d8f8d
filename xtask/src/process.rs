//! Child commands: how they are started, shown and checked.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

use anyhow::{Context, Result, bail};

/// A command with the working directory `dir`, free of what `cargo run` put into our own environment.
///
/// Build scripts (aws-lc-sys and others) name `CARGO_MANIFEST_DIR` and `CARGO_PKG_*` in `rerun-if-env-changed`: handed
/// on, they would make a build through xtask and one from the shell undo each other, minutes of C code each time.
pub(crate) fn command(program: impl AsRef<OsStr>, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).env_remove("OUT_DIR");
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(set_by_cargo_run) {
            command.env_remove(name);
        }
    }
    for variable in ["LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"] {
        if let Some(value) = env::var_os(variable) {
            match without_cargo_directories(&value) {
                Some(rest) => command.env(variable, rest),
                None => command.env_remove(variable),
            };
        }
    }
    command
}

/// Cargo in `dir`: the one that runs us, or the one on `PATH`.
pub(crate) fn cargo(dir: &Path) -> Command {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), dir)
}

/// Runs the command with our own stdin, stdout and stderr.
///
/// # Errors
/// When it cannot be started or does not succeed; the message holds the command line and the exit status.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_start(command))?;
    succeeded(command, status)
}

/// Runs the command and returns what it printed on stdout; stderr is ours.
///
/// # Errors
/// As [`run`], and when the output is not UTF-8.
pub(crate) fn stdout(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().with_context(|| cannot_start(command))?;
    succeeded(command, output.status)?;
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed text that is not UTF-8", line(command)))
}

/// Runs the command quietly: `Err` holds the last line that it printed on stderr, or why it could not be started.
/// For commands whose failure is an expected answer.
pub(crate) fn attempt(command: &mut Command) -> std::result::Result<Output, String> {
    match command.output() {
        Err(error) => Err(format!("`{}` cannot be started: {error}", line(command))),
        Ok(output) if output.status.success() => Ok(output),
        Ok(output) => {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message").trim();
            Err(format!("`{}` failed ({}): {last}", line(command), output.status))
        }
    }
}

/// The command as it could be typed into a shell, without its environment.
pub(crate) fn line(command: &Command) -> String {
    let program = command.get_program();
    // The cargo that runs us is the one that `cargo` means to whoever reads this; its full path says less.
    let program =
        if env::var_os("CARGO").is_some_and(|cargo| cargo == program) { OsStr::new("cargo") } else { program };
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=+./,:@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

fn cannot_start(command: &Command) -> String {
    format!("`{}` cannot be started: is {} installed and on PATH?", line(command), command.get_program().display())
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        let dir = command.get_current_dir().map(|dir| format!(" in {}", dir.display())).unwrap_or_default();
        bail!("`{}` failed{dir} ({status}); what it printed stands above", line(command));
    }
    Ok(())
}

fn set_by_cargo_run(name: &str) -> bool {
    ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|prefix| name.starts_with(prefix))
}

/// The search path less the entries that `cargo run` puts in front: those of the target directory that we run from,
/// and the toolchain's own.
fn without_cargo_directories(search_path: &OsStr) -> Option<OsString> {
    let exe = env::current_exe().ok()?;
    let profile_dir = exe.parent()?;
    let ours = |entry: &Path| {
        entry.starts_with(profile_dir) || entry.components().any(|part| part.as_os_str() == "rustlib") || {
            entry.file_name() == Some(OsStr::new("lib")) && entry.join("rustlib").is_dir()
        }
    };
    let rest: Vec<_> = env::split_paths(search_path).filter(|entry| !ours(entry)).collect();
    env::join_paths(rest).ok().filter(|joined| !joined.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_line_and_the_status() {
        let mut command = Command::new("sh");
        command.args(["-c", "exit 3"]);
        let message = run(&mut command).unwrap_err().to_string();
        assert!(message.contains("`sh -c 'exit 3'` failed"), "{message}");
        assert!(message.contains("exit status: 3"), "{message}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let message = format!("{:#}", run(&mut Command::new("no-such-program")).unwrap_err());
        assert!(message.contains("is no-such-program installed"), "{message}");
    }

    #[test]
    fn an_attempt_reports_the_last_line_of_stderr() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo first >&2; echo 'no network' >&2; exit 1"]);
        assert!(attempt(&mut command).unwrap_err().ends_with("no network"));
    }

    #[test]
    fn children_do_not_see_the_package_that_cargo_run_started() {
        // `cargo test` sets the same variables as `cargo run`.
        assert!(env::var_os("CARGO_PKG_NAME").is_some(), "this test is run by cargo");
        let mut child = command("sh", Path::new("."));
        let printed =
            stdout(child.args(["-c", "echo \"${CARGO_PKG_NAME-unset} ${CARGO_MANIFEST_DIR-unset}\""])).unwrap();
        assert_eq!(printed, "unset unset\n");
    }
}
