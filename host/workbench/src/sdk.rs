//! Finding the plugin SDK that a new crate is to depend on.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use rewarden_plugin_build::crate_name;

/// The package name of the SDK.
const PACKAGE: &str = "rewarden-plugin";
/// Where it lies in Rewarden's repository.
const PLACE: &str = "plugins/sdk";

/// The absolute path of the SDK: `given`, or the nearest `plugins/sdk` at or above the working directory, the pack path or
/// this program.
///
/// # Errors
/// When `given` is not the SDK, or none is found; the message says how to get one.
pub(crate) fn find(given: Option<&Path>, pack_path: &[PathBuf]) -> Result<PathBuf> {
    if let Some(given) = given {
        if !is_sdk(given) {
            bail!(
                "{} is not the SDK: expected a directory with the Cargo.toml of the package {PACKAGE}",
                given.display()
            );
        }
        return absolute(given);
    }
    let mut starts = vec![PathBuf::from(".")];
    starts.extend(pack_path.iter().cloned());
    starts.extend(std::env::current_exe());
    for start in starts.iter().filter_map(|start| start.canonicalize().ok()) {
        if let Some(sdk) = start.ancestors().map(|place| place.join(PLACE)).find(|place| is_sdk(place)) {
            return absolute(&sdk);
        }
    }
    bail!(
        "the plugin SDK was not found: there is no {PLACE} above the working directory, the pack path or this program. \
         Get Rewarden's source and give --sdk REWARDEN/{PLACE} (or set REWARDEN_SDK)"
    )
}

fn is_sdk(directory: &Path) -> bool {
    crate_name(&directory.join("Cargo.toml")).is_ok_and(|name| name == PACKAGE)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    path.canonicalize().with_context(|| format!("cannot find {}", path.display()))
}

/// How a crate in `directory` names `sdk` (both absolute): by a relative path where both lie in one repository, so that
/// it can be moved and shared as a whole.
pub(crate) fn dependency(directory: &Path, sdk: &Path) -> PathBuf {
    match sdk.ancestors().nth(2) {
        Some(repository) if directory.starts_with(repository) => relative(directory, sdk),
        _ => sdk.to_owned(),
    }
}

fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_in_the_repository_names_the_sdk_relatively_and_one_elsewhere_absolutely() {
        let sdk = Path::new("/rewarden/plugins/sdk");
        assert_eq!(dependency(Path::new("/rewarden/mine/deep"), sdk), Path::new("../../plugins/sdk"));
        assert_eq!(dependency(Path::new("/rewarden/plugins/mine"), sdk), Path::new("../sdk"));
        assert_eq!(dependency(Path::new("/elsewhere/mine"), sdk), sdk);
    }
}
