//! A toolchain that compiles for wasm32-unknown-unknown: found, or installed.
//!
//! The usual one is the Rust toolchain in use with its wasm target, which rustup adds. Where rustup cannot be had or
//! cannot reach its server, Debian's `rustc-web` does as well: it ships no standard library for wasm, so cargo builds
//! one from `rust-web-src` (`-Zbuild-std`, which a stable compiler allows only under `RUSTC_BOOTSTRAP`), and it ships no
//! wasm linker, so that of the Rust toolchain links.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt;
use crate::process;

pub(crate) use rewarden_plugin_build::TARGET;

/// Set to 1, it takes the Debian way even where the toolchain has the wasm target, so that this way can be tested.
const FORCE_DEBIAN: &str = "REWARDEN_FORCE_DEBIAN_GUESTS";

const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// Where rustc looks for the standard library's source, relative to its sysroot.
const STD_SOURCE: &str = "lib/rustlib/src/rust/library/Cargo.lock";

/// How plugins are compiled.
pub(crate) enum GuestToolchain {
    /// The toolchain in use, which has the wasm target.
    Native,
    /// Debian's compiler, building the standard library too.
    Debian {
        /// The linker of the toolchain in use.
        linker: PathBuf,
    },
}

impl GuestToolchain {
    /// Finds a toolchain, or installs what is missing: the target through rustup, else Debian's packages through apt.
    /// Says on stderr what it installs and why.
    ///
    /// # Errors
    /// When neither can be had; the message holds both reasons and what to install by hand.
    pub(crate) fn find_or_install(dir: &Path) -> Result<Self> {
        let sysroot = sysroot(dir)?;
        let reason = if env::var_os(FORCE_DEBIAN).is_some_and(|value| value == "1") {
            format!("{FORCE_DEBIAN}=1 is set")
        } else if has_wasm_target(&sysroot) {
            eprintln!("    the toolchain in {} has the target {TARGET}", sysroot.display());
            return Ok(Self::Native);
        } else {
            eprintln!("    adding the target {TARGET}: rustup target add {TARGET}");
            match process::attempt(process::command("rustup", dir).args(["target", "add", TARGET])) {
                Ok(_) if has_wasm_target(&sysroot) => return Ok(Self::Native),
                Ok(_) => format!("rustup added {TARGET} to another toolchain than the one in {}", sysroot.display()),
                Err(reason) => reason,
            }
        };
        eprintln!("    {reason}; compiling plugins with Debian's {} instead", DEBIAN_PACKAGES.join(", "));
        Self::debian(dir, &sysroot).with_context(|| {
            format!(
                "plugins cannot be compiled, for want of a Rust compiler with the target {TARGET}\n\
                 the usual way, through rustup: {reason}\n\
                 to mend it, run `rustup target add {TARGET}`; or, on Debian 12 or later with security updates, \
                 `apt-get update && apt-get install {}` as root",
                DEBIAN_PACKAGES.join(" ")
            )
        })
    }

    fn debian(dir: &Path, sysroot: &Path) -> Result<Self> {
        let linker = linker(sysroot)?;
        if !debian_is_installed(dir) {
            install_debian_packages(dir)?;
        }
        let version = process::stdout(process::command(DEBIAN_RUSTC, dir).arg("--version"))?;
        eprintln!("    compiling with {DEBIAN_RUSTC} ({}), linking with {}", version.trim(), linker.display());
        Ok(Self::Debian { linker })
    }

    /// `cargo build` in the workspace `dir`, for wasm32-unknown-unknown; the caller adds profile and target directory.
    pub(crate) fn cargo_build(&self, dir: &Path) -> Command {
        let mut command;
        match self {
            Self::Native => {
                command = process::cargo(dir);
                command.args(["build", "--target", TARGET]);
            }
            Self::Debian { linker } => {
                command = process::command(DEBIAN_CARGO, dir);
                command.args(["build", "--target", TARGET, "-Zbuild-std=std,panic_abort"]);
                command.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
                command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                // What the toolchain in use set for itself.
                for variable in ["CARGO", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "RUSTUP_TOOLCHAIN"] {
                    command.env_remove(variable);
                }
            }
        }
        command
    }

    /// The name of its own directory below the target directory: compilers that take turns in one would rebuild all.
    pub(crate) fn build_dir(&self) -> &'static str {
        match self {
            Self::Native => "plugins",
            Self::Debian { .. } => "plugins-debian",
        }
    }
}

fn sysroot(dir: &Path) -> Result<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let printed = process::stdout(process::command(rustc, dir).args(["--print", "sysroot"]))?;
    Ok(printed.trim().into())
}

fn has_wasm_target(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir()
}

/// `rust-lld` of the toolchain in use.
fn linker(sysroot: &Path) -> Result<PathBuf> {
    let rustlib = sysroot.join("lib/rustlib");
    let entries = fs::read_dir(&rustlib).with_context(|| format!("{} cannot be read", rustlib.display()))?;
    let found = entries.flatten().map(|entry| entry.path().join("bin/rust-lld")).find(|linker| linker.is_file());
    found.with_context(|| {
        format!(
            "no bin/rust-lld below {}: a Rust toolchain from rustup has it, one from a distribution may not",
            rustlib.display()
        )
    })
}

fn debian_is_installed(dir: &Path) -> bool {
    // The compiler alone is not enough: Debian's plain `rustc` has the same path and no source of the library.
    Path::new(DEBIAN_CARGO).is_file()
        && process::attempt(process::command(DEBIAN_RUSTC, dir).args(["--print", "sysroot"]))
            .is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).join(STD_SOURCE).is_file())
}

fn install_debian_packages(dir: &Path) -> Result<()> {
    let why = format!("plugins need a Rust compiler with the target {TARGET} (about 150 MB to fetch)");
    apt::install(&DEBIAN_PACKAGES, &why, dir)?;
    if !debian_is_installed(dir) {
        bail!("apt-get succeeded, yet {DEBIAN_RUSTC} with {STD_SOURCE} in its sysroot is not there");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_builds_the_standard_library_and_links_with_the_other_toolchain() {
        let toolchain = GuestToolchain::Debian { linker: "/toolchain/rust-lld".into() };
        let command = toolchain.cargo_build(Path::new("."));
        assert_eq!(
            process::line(&command),
            format!("/usr/bin/cargo build --target {TARGET} -Zbuild-std=std,panic_abort")
        );
        let set = |name: &str| command.get_envs().find(|(key, _)| *key == name).and_then(|(_, value)| value);
        assert_eq!(set("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER").unwrap(), "/toolchain/rust-lld");
        assert_eq!(set("RUSTC_BOOTSTRAP").unwrap(), "1");
        assert_eq!(set("RUSTC").unwrap(), "/usr/bin/rustc");
    }

    #[test]
    fn the_linker_is_found_below_any_host() {
        let sysroot = tempfile::tempdir().unwrap();
        assert!(linker(sysroot.path()).is_err());
        let bin = sysroot.path().join("lib/rustlib/riscv64gc-unknown-linux-gnu/bin");
        fs::create_dir_all(&bin).unwrap();
        assert!(linker(sysroot.path()).unwrap_err().to_string().contains("no bin/rust-lld below"));
        fs::write(bin.join("rust-lld"), "").unwrap();
        assert_eq!(linker(sysroot.path()).unwrap(), bin.join("rust-lld"));
    }
}
