//! The binary for this machine's hardware, and the benchmark of the engine in it.

use std::env;
use std::path::PathBuf;

use anyhow::Result;

use crate::cuda;
use crate::edits::{Edits, FEATURE};
use crate::layout::Layout;
use crate::process;
use crate::progress::step;

/// Features that mean CUDA.
const CUDA: [&str; 4] = ["cuda", "cudnn", "flash-attn", "nccl"];

/// Builds the binary with `features` of the package `rewarden`, and prints its path.
///
/// # Errors
/// When the edits do not apply, no CUDA toolkit can be had for a build that needs one, or it does not compile.
pub(crate) fn run(layout: &Layout, features: &[String]) -> Result<()> {
    println!("{}", build(layout, features, &["--bins"], "rewarden")?.display());
    Ok(())
}

/// Builds the benchmark of the engine, makes a model of random weights of this shape, and runs the one on the other.
///
/// # Errors
/// As [`run`], and when Python has no torch.
pub(crate) fn bench(layout: &Layout, features: &[String], shape: &str, arguments: &[String]) -> Result<()> {
    let binary = build(layout, features, &["--example", "engine_bench"], "examples/engine_bench")?;
    let mut bench = process::command("python3", layout.root());
    bench.arg("host/inference/examples/random_model.py").args(["--shape", shape, "--out"]);
    bench.arg(layout.target().join("random-models").join(shape)).arg("--run").arg(binary);
    step(&format!("measuring the engine with a model of the shape {shape}"), || {
        process::run(bench.arg("--").args(arguments))
    })
}

/// Builds `what`; returns where `product` lies.
fn build(layout: &Layout, features: &[String], what: &[&str], product: &str) -> Result<PathBuf> {
    let edits = step("editing the engine", || Edits::prepare(layout))?;
    let mut build = edits.cargo(layout, "build");
    let features: Vec<_> = features.iter().filter(|feature| !feature.is_empty()).collect();
    let named = features.iter().map(|feature| format!("rewarden/{feature}"));
    let named = [FEATURE.to_owned()].into_iter().chain(named).collect::<Vec<_>>().join(",");
    build.args(["--release", "--workspace", "--features", &named]).args(what);
    let mut target = layout.target().to_path_buf();
    if !features.is_empty() {
        // Of its own: other features would compile the engine anew each time that the two builds alternate.
        target = target.join(features.iter().map(|feature| feature.as_str()).collect::<Vec<_>>().join("+"));
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
    Ok(target.join("release").join(format!("{product}{}", env::consts::EXE_SUFFIX)))
}
