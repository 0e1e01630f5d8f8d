//! Proof that the CUDA build compiles, on a machine without a GPU and, on Linux, without the CUDA toolkit.
//!
//! Compiling needs `nvcc`, the headers and the libraries, and no driver or device. Where no toolkit is installed, its
//! parts come from PyPI wheels, which hold the same files in another layout.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use etcetera::BaseStrategy;

use crate::layout::Layout;
use crate::process;
use crate::progress::step;

/// The GPU architecture that kernels are compiled for when `CUDA_COMPUTE_CAP` does not say: 9.0, Hopper.
const COMPUTE_CAP: &str = "90";

/// The parts of the toolkit that candle and mistral.rs compile against. The parts of the compiler must be of one
/// release; 13.0 is the newest that cudarc knew when mistral.rs 0.8.1 came out.
const WHEELS: [&str; 8] = [
    "nvidia-cuda-nvcc==13.0.*",
    "nvidia-cuda-crt==13.0.*",
    "nvidia-cuda-runtime==13.0.*",
    "nvidia-cuda-nvrtc==13.0.*",
    "nvidia-cuda-cccl==13.0.*",
    "nvidia-nvvm==13.0.*",
    "nvidia-cublas==13.*",
    "nvidia-curand",
];

/// Runs `cargo check` on the binary with `features` (separated by commas), in a target directory of its own.
///
/// # Errors
/// No toolkit and no wheels, or a compile error.
pub(crate) fn check(layout: &Layout, features: &str) -> Result<()> {
    let toolkit = step("finding the CUDA toolkit", || toolkit(layout))?;
    let cap = env::var("CUDA_COMPUTE_CAP").unwrap_or_else(|_| COMPUTE_CAP.into());
    step(&format!("checking the build with features {features} for compute capability {cap}"), || {
        let mut check = process::cargo(layout.root());
        check.args(["check", "--release", "-p", "rewarden", "--features", features]);
        check.arg("--target-dir").arg(layout.target().join("cuda"));
        // Each of the crates involved reads another one of these.
        for variable in ["CUDA_HOME", "CUDA_PATH", "CUDA_ROOT", "CUDA_TOOLKIT_ROOT_DIR"] {
            check.env(variable, &toolkit);
        }
        let search_path = env::var_os("PATH").unwrap_or_default();
        let search_path = std::iter::once(toolkit.join("bin")).chain(env::split_paths(&search_path));
        check.env("PATH", env::join_paths(search_path)?).env("CUDA_COMPUTE_CAP", cap);
        eprintln!("    {}", process::line(&check));
        process::run(&mut check)
    })?;
    eprintln!("the CUDA build compiles; nothing was run on a GPU");
    Ok(())
}

/// The root of a toolkit: the installed one, else the one made of wheels.
fn toolkit(layout: &Layout) -> Result<PathBuf> {
    if let Some(root) = installed() {
        eprintln!("    the toolkit in {}", root.display());
        return Ok(root);
    }
    let cache =
        etcetera::choose_base_strategy().context("no home directory to keep the CUDA wheels under")?.cache_dir();
    let venv = cache.join("rewarden/cuda-13.0");
    eprintln!(
        "    no nvcc on PATH nor in CUDA_HOME or CUDA_PATH: using CUDA 13.0 from PyPI wheels in {}",
        venv.display()
    );
    from_wheels(layout, &venv).with_context(|| {
        "no CUDA toolkit is installed and none could be made from wheels; install CUDA 12 or 13 and put nvcc on PATH"
    })
}

fn installed() -> Option<PathBuf> {
    let named = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(env::var_os).map(PathBuf::from);
    let on_path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&on_path).filter(|dir| dir.join("nvcc").is_file());
    // nvcc on PATH may be a link to the toolkit's.
    let on_path =
        on_path.filter_map(|dir| fs::canonicalize(dir.join("nvcc")).ok()?.ancestors().nth(2).map(PathBuf::from));
    named.chain(on_path).find(|root| root.join("bin/nvcc").is_file())
}

fn from_wheels(layout: &Layout, venv: &Path) -> Result<PathBuf> {
    if !cfg!(target_os = "linux") {
        bail!("the wheels are for Linux only");
    }
    // Written last, so that an interrupted installation is not taken for a whole one.
    let complete = venv.join("complete");
    let wanted = WHEELS.join("\n");
    if fs::read_to_string(&complete).is_ok_and(|found| found == wanted) {
        return root_of_wheels(venv);
    }
    eprintln!("    installing {} (about 720 MB to fetch)", WHEELS.join(", "));
    let mut create = process::command("python3", layout.root());
    process::run(create.args(["-m", "venv", "--clear"]).arg(venv))
        .context("python3 with its venv module is needed (on Debian the package python3-venv)")?;
    let mut install = process::command(venv.join("bin/python"), layout.root());
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]);
    process::run(install.args(WHEELS))?;
    let root = root_of_wheels(venv)?;
    link_as_installed(&root)?;
    fs::write(&complete, wanted).with_context(|| format!("{} cannot be written", complete.display()))?;
    Ok(root)
}

/// `lib/pythonX.Y/site-packages/nvidia/cu13` of the virtual environment.
fn root_of_wheels(venv: &Path) -> Result<PathBuf> {
    let lib = venv.join("lib");
    let pythons = fs::read_dir(&lib).with_context(|| format!("{} cannot be read", lib.display()))?;
    let roots = pythons.flatten().map(|python| python.path().join("site-packages/nvidia/cu13"));
    let found = roots.into_iter().find(|root| root.join("bin/nvcc").is_file());
    found.with_context(|| format!("the wheels put no nvidia/cu13/bin/nvcc below {}", lib.display()))
}

/// Adds what an installed toolkit has and the wheels leave out: `lib64`, and `libX.so` beside `libX.so.13`.
fn link_as_installed(root: &Path) -> Result<()> {
    let lib = root.join("lib");
    link("lib", &root.join("lib64"))?;
    for entry in fs::read_dir(&lib).with_context(|| format!("{} cannot be read", lib.display()))? {
        let name = entry.with_context(|| format!("{} cannot be read", lib.display()))?.file_name();
        let name = name.to_string_lossy();
        if let Some((stem, _)) = name.split_once(".so.") {
            link(&name, &lib.join(format!("{stem}.so")))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(to: &str, at: &Path) -> Result<()> {
    if fs::symlink_metadata(at).is_ok() {
        return Ok(());
    }
    std::os::unix::fs::symlink(to, at).with_context(|| format!("{} cannot be made a link to {to}", at.display()))
}

#[cfg(not(unix))]
fn link(_to: &str, at: &Path) -> Result<()> {
    bail!("{} has to be a symbolic link, which is made on Unix only", at.display())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn wheels_get_the_names_that_an_installed_toolkit_has() {
        let root = tempfile::tempdir().unwrap();
        let lib = root.path().join("lib");
        fs::create_dir(&lib).unwrap();
        fs::write(lib.join("libcublas.so.13"), "library").unwrap();
        for _ in 0..2 {
            link_as_installed(root.path()).unwrap();
            assert_eq!(fs::read_to_string(root.path().join("lib64/libcublas.so")).unwrap(), "library");
        }
    }
}
