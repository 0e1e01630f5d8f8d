//! Other people's Python code: virtual environments beside the tests' binaries, and what is said where there can be none.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// What a command that has to end well said, or why it did not.
pub fn said(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => {
            let last = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
            Err(format!("{command:?} failed: {last}"))
        }
    }
}

/// A directory beside the tests' binaries.
pub fn kept(name: &str) -> PathBuf {
    std::env::current_exe().unwrap().with_file_name(name)
}

/// A virtual environment with these packages.
pub fn environment(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    // Tests of one process may want the same one.
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = kept(name);
    let python = directory.join("bin/python");
    if !python.is_file() {
        said(Command::new("python3").args(["-m", "venv"]).arg(&directory))?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    said(Command::new(&python).args(pip).args(packages))?;
    Ok(python)
}

/// What was made, or `None`: then it is said what is not checked, past the capture of passing tests, and why.
pub fn or_left_out<T>(what: &str, made: Result<T, String>) -> Option<T> {
    let why = match made {
        Ok(made) => return Some(made),
        Err(why) => why,
    };
    let required = std::env::var("REWARDEN_TEST_NETWORK").is_ok_and(|wanted| wanted == "required");
    assert!(!required, "{what} cannot be run: {why}");
    std::io::stderr().write_all(format!("LEFT OUT: {what} was not run: {why}\n").as_bytes()).unwrap();
    None
}
