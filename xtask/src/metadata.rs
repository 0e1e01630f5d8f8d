//! The packages that the workspace is made of, as cargo fetched them.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::layout::Layout;
use crate::process;

/// A package and where it lies.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    manifest_path: PathBuf,
}

impl Package {
    /// The directory of its manifest.
    pub(crate) fn directory(&self) -> PathBuf {
        self.manifest_path.parent().map(PathBuf::from).unwrap_or_default()
    }
}

/// All packages of a build with `features`; those that are missing are fetched.
///
/// # Errors
/// When cargo fails, or prints something else than it is documented to.
pub(crate) fn packages(layout: &Layout, features: &[&str]) -> Result<Vec<Package>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let mut metadata = process::cargo(layout.root());
    metadata.args(["metadata", "--format-version", "1", "--features", &features.join(",")]);
    let metadata: Metadata = serde_json::from_str(&process::stdout(&mut metadata)?)
        .context("`cargo metadata` did not print the packages, as it is documented to")?;
    Ok(metadata.packages)
}
