//! A browser for the tests that look at the report page: found, or installed.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::apt;
use crate::process;

/// Path of the browser: read here, and set for the tests.
pub(crate) const CHROMIUM: &str = "REWARDEN_CHROMIUM";

/// What Chromium and its kin are called, in the order in which they are tried.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// What there is to look at pages with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Browser {
    /// A browser that starts.
    At(PathBuf),
    /// None.
    Missing {
        /// Why, and how to get one.
        reason: String,
    },
}

impl Browser {
    /// Finds the browser that `REWARDEN_CHROMIUM` names, else one on `PATH`; else installs Debian's.
    ///
    /// # Errors
    /// When `REWARDEN_CHROMIUM` names something that does not start as a browser. Having none is no error.
    pub(crate) fn find_or_install(dir: &Path) -> Result<Self> {
        if let Some(named) = env::var_os(CHROMIUM).filter(|named| !named.is_empty()) {
            return Self::named(&named, dir);
        }
        let why = "the report page is tested in a browser, and there is none on PATH (about 115 MB to fetch)";
        let search_path = env::var_os("PATH").unwrap_or_default();
        Ok(Self::unnamed(&search_path, || apt::install(&["chromium"], why, dir), dir))
    }

    /// What is on the search path, if need be after `install`.
    fn unnamed(search_path: &OsStr, install: impl FnOnce() -> Result<()>, dir: &Path) -> Self {
        if let Some(found) = on_path(search_path, dir) {
            return Self::At(found);
        }
        let why = match install() {
            Err(error) => format!("none of {} on PATH starts, and {error:#}", NAMES.join(", ")),
            Ok(()) => match on_path(search_path, dir) {
                Some(installed) => return Self::At(installed),
                None => "apt-get installed the package chromium, yet no browser on PATH starts".to_owned(),
            },
        };
        Self::Missing { reason: format!("{why}; install Chromium, or set {CHROMIUM} to the path of one") }
    }

    fn named(browser: &OsStr, dir: &Path) -> Result<Self> {
        match starts(Path::new(browser), dir) {
            Ok(()) => Ok(Self::At(browser.into())),
            Err(reason) => bail!("{CHROMIUM} names no browser that starts: {reason}; correct it or unset it"),
        }
    }
}

/// The first browser on the search path that starts. Some do not: Ubuntu's `chromium-browser` may only tell how to
/// install a snap.
fn on_path(search_path: &OsStr, dir: &Path) -> Option<PathBuf> {
    let directories = || env::split_paths(search_path);
    let candidates = NAMES.iter().flat_map(|name| directories().map(move |directory| directory.join(name)));
    let mut there = candidates.filter(|candidate| candidate.is_file());
    there.find(|candidate| match starts(candidate, dir) {
        Ok(()) => true,
        Err(reason) => {
            eprintln!("    {} is no browser that starts: {reason}", candidate.display());
            false
        }
    })
}

fn starts(browser: &Path, dir: &Path) -> Result<(), String> {
    let printed = process::attempt(process::command(browser, dir).arg("--version"))?;
    eprintln!("    browser: {} ({})", browser.display(), String::from_utf8_lossy(&printed.stdout).trim());
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn program(path: &Path, script: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_first_browser_that_starts_is_taken_chromium_before_others() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        let search_path = env::join_paths([&one, &two]).unwrap();
        assert_eq!(on_path(&search_path, dir.path()), None);
        program(&one.join("google-chrome"), "echo Chrome 150");
        assert_eq!(on_path(&search_path, dir.path()), Some(one.join("google-chrome")));
        program(&two.join("chromium"), "echo Chromium 150");
        assert_eq!(on_path(&search_path, dir.path()), Some(two.join("chromium")));
        program(&one.join("chromium"), "echo 'install the snap' >&2; exit 1");
        assert_eq!(on_path(&search_path, dir.path()), Some(two.join("chromium")));
    }

    #[test]
    fn where_there_is_none_it_is_installed_and_where_it_cannot_be_the_reason_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let search_path = dir.path().as_os_str();
        let missing = |install: fn() -> Result<()>| match Browser::unnamed(search_path, install, dir.path()) {
            Browser::Missing { reason } => reason,
            Browser::At(path) => panic!("{} is no browser", path.display()),
        };
        let reason = missing(|| bail!("the network is down"));
        assert!(reason.contains("the network is down") && reason.contains(CHROMIUM), "{reason}");
        assert!(missing(|| Ok(())).contains("yet no browser on PATH starts"));

        let chromium = dir.path().join("chromium");
        let install = || {
            program(&chromium, "echo Chromium 150");
            Ok(())
        };
        assert_eq!(Browser::unnamed(search_path, install, dir.path()), Browser::At(chromium.clone()));
        let again = || panic!("what is there is not installed again");
        assert_eq!(Browser::unnamed(search_path, again, dir.path()), Browser::At(chromium.clone()));
    }

    #[test]
    fn a_browser_that_is_named_and_does_not_start_is_an_error_and_no_other_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let broken = dir.path().join("broken");
        program(&broken, "echo 'library missing' >&2; exit 127");
        let message = Browser::named(broken.as_os_str(), dir.path()).unwrap_err().to_string();
        assert!(message.contains(CHROMIUM) && message.contains("library missing"), "{message}");
        assert!(Browser::named(OsStr::new("/no/such/browser"), dir.path()).is_err());
        program(&broken, "echo Chromium 150");
        assert_eq!(Browser::named(broken.as_os_str(), dir.path()).unwrap(), Browser::At(broken));
    }
}
