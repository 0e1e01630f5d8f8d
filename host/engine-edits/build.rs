//! Lays the edited scheduler out for `tests/scheduler.rs`, where the engine is built with edits.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rustc-check-cfg=cfg(edited_engine)");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // `cargo xtask` edits in the directory that this is built in.
    let of_engine = "edited/mistralrs-core-0.8.1/src/paged_attention";
    let Some(sources) = out.ancestors().map(|above| above.join(of_engine)).find(|sources| sources.is_dir()) else {
        return Ok(());
    };
    for name in ["block_hash.rs", "block_pool.rs", "kv_cache_manager.rs", "scheduler.rs"] {
        includable(&sources.join(name), &out.join(name))?;
    }
    println!("cargo::rustc-cfg=edited_engine");
    Ok(())
}

/// Copies a file so that `include!` takes it: without documentation of the whole and without its authors' tests.
fn includable(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", from.display());
    let text = fs::read_to_string(from)?;
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("//!")).collect();
    fs::write(to, lines.join("\n"))?;
    Ok(())
}
