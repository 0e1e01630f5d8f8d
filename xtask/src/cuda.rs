//! What a CUDA build needs, on a machine without a GPU and, on Linux, without the CUDA toolkit.
//!
//! Compiling needs `nvcc`, the headers and the libraries, and no driver or device. Where no toolkit is installed, its
//! parts come from PyPI wheels, which hold the same files in another layout. The driver's own library, which only a
//! machine with a GPU has, is stood in for while linking by one that has its symbols and does nothing.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use etcetera::BaseStrategy;

use crate::layout::Layout;
use crate::metadata;
use crate::process;

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

/// Sets what the crates involved read of a toolkit; where it has no library of the driver to link with, makes one.
///
/// # Errors
/// When that library cannot be made.
pub(crate) fn prepare(layout: &Layout, build: &mut Command, toolkit: &Path) -> Result<()> {
    // Each of the crates involved reads another one of these.
    for variable in ["CUDA_HOME", "CUDA_PATH", "CUDA_ROOT", "CUDA_TOOLKIT_ROOT_DIR"] {
        build.env(variable, toolkit);
    }
    let search_path = env::var_os("PATH").unwrap_or_default();
    let search_path = std::iter::once(toolkit.join("bin")).chain(env::split_paths(&search_path));
    build.env("PATH", env::join_paths(search_path)?);
    let cap = env::var("CUDA_COMPUTE_CAP").unwrap_or_else(|_| COMPUTE_CAP.into());
    eprintln!("    kernels for compute capability {cap} (CUDA_COMPUTE_CAP says another)");
    build.env("CUDA_COMPUTE_CAP", cap);
    stand_in_for_the_driver(layout, toolkit)
}

/// Makes `lib64/stubs/libcuda.so`, where build scripts look for it. An installed toolkit has one.
fn stand_in_for_the_driver(layout: &Layout, toolkit: &Path) -> Result<()> {
    let stubs = toolkit.join("lib64/stubs");
    let library = stubs.join("libcuda.so");
    if library.exists() || !toolkit.starts_with(wheels()?) {
        return Ok(());
    }
    let names = symbols_of_the_driver(layout)?;
    fs::create_dir_all(&stubs).with_context(|| format!("{} cannot be made", stubs.display()))?;
    let source = stubs.join("libcuda.c");
    let text: String = names.iter().map(|name| format!("void {name}(void) {{}}\n")).collect();
    fs::write(&source, text).with_context(|| format!("{} cannot be written", source.display()))?;
    let mut compile = process::command("cc", layout.root());
    // The name by which programs ask for the real one when they run.
    compile.args(["-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o"]).arg(&library).arg(&source);
    process::run(&mut compile).context("a C compiler is needed (on Debian the package gcc)")?;
    eprintln!("    {} with {} symbols, to link with; it does nothing", library.display(), names.len());
    Ok(())
}

/// The functions of the driver's library that cudarc, of any version in Cargo.lock, declares.
fn symbols_of_the_driver(layout: &Layout) -> Result<BTreeSet<String>> {
    let packages = metadata::packages(layout, &["rewarden/cuda"])?;
    let mut names = BTreeSet::new();
    for cudarc in packages.iter().filter(|package| package.name == "cudarc") {
        let declarations = cudarc.directory().join("src/driver/sys/mod.rs");
        let text =
            fs::read_to_string(&declarations).with_context(|| format!("{} cannot be read", declarations.display()))?;
        names.extend(functions(&text));
    }
    ensure!(!names.is_empty(), "no cudarc in Cargo.lock declares functions of the CUDA driver");
    Ok(names)
}

/// The names of the functions of the driver, which begin with `cu`, that a text of Rust declares, with what else it calls so.
fn functions(text: &str) -> impl Iterator<Item = String> {
    text.split("fn cu").skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('(')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.chars().all(plain).then(|| format!("cu{name}"))
    })
}

/// The root of a toolkit: the installed one, else the one made of wheels.
///
/// # Errors
/// No toolkit, and none that could be made of wheels.
pub(crate) fn toolkit(layout: &Layout) -> Result<PathBuf> {
    if let Some(root) = installed() {
        eprintln!("    the toolkit in {}", root.display());
        return Ok(root);
    }
    let venv = wheels()?;
    eprintln!(
        "    no nvcc on PATH nor in CUDA_HOME or CUDA_PATH: using CUDA 13.0 from PyPI wheels in {}",
        venv.display()
    );
    from_wheels(layout, &venv).with_context(|| {
        "no CUDA toolkit is installed and none could be made from wheels; install CUDA 12 or 13 and put nvcc on PATH"
    })
}

/// The virtual environment that the wheels go into.
fn wheels() -> Result<PathBuf> {
    let cache = etcetera::choose_base_strategy().context("no home directory to keep the CUDA wheels under")?;
    Ok(cache.cache_dir().join("rewarden/cuda-13.0"))
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
    fn functions_of_the_driver_are_found_however_they_are_declared() {
        let text = "pub unsafe fn cuInit(flags: u32) -> R {\n extern { fn cuInit(flags: u32) -> R; }\n} fn cuda () fn cuMemAlloc_v2(";
        assert_eq!(functions(text).collect::<BTreeSet<_>>(), BTreeSet::from(["cuInit".into(), "cuMemAlloc_v2".into()]));
    }

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
