//! The binary for this machine's hardware.

use std::env;

use anyhow::Result;

use crate::cuda;
use crate::edits::{Edits, FEATURE};
use crate::layout::Layout;
use crate::process;
use crate::progress::step;

/// Features that mean CUDA.
const CUDA: [&str; 4] = ["cuda", "cudnn", "flash-attn", "nccl"];

/// Builds the binary with `features` of the package `rewarden`.
///
/// # Errors
/// When the edits do not apply, no CUDA toolkit can be had for a build that needs one, or it does not compile.
pub(crate) fn run(layout: &Layout, features: &[String]) -> Result<()> {
    let edits = step("editing the engine", || Edits::prepare(layout))?;
    let mut build = edits.cargo(layout, "build");
    let named = features.iter().map(|feature| format!("rewarden/{feature}")).collect::<Vec<_>>();
    let named = [FEATURE.to_owned()].into_iter().chain(named).collect::<Vec<_>>().join(",");
    build.args(["--release", "--workspace", "--features", &named]);
    let mut target = layout.target().to_path_buf();
    if !features.is_empty() {
        // Of its own: other features would compile the engine anew each time that the two builds alternate.
        target = target.join(features.join("+"));
        build.arg("--target-dir").arg(&target);
    }
    if features.iter().any(|feature| CUDA.contains(&feature.as_str())) {
        let toolkit = step("finding the CUDA toolkit", || cuda::toolkit(layout))?;
        cuda::prepare(layout, &mut build, &toolkit)?;
    }
    step(&format!("building with features {named}"), || {
        eprintln!("    {}", process::line(&build));
        edits.run(layout, &mut build)
    })?;
    println!("{}", target.join("release").join(format!("rewarden{}", env::consts::EXE_SUFFIX)).display());
    Ok(())
}
