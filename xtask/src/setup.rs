//! Everything that has to be there before the demo and the tests can run.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::edits::{Edits, FEATURE};
use crate::layout::Layout;
use crate::plugins;
use crate::process;
use crate::progress::step;

/// Builds the plugins and the host and fetches the default model, each only as far as it is missing. Returns the path
/// of the model.
///
/// # Errors
/// Those of the steps; each is named.
pub(crate) fn run(layout: &Layout) -> Result<PathBuf> {
    plugins::build(layout)?;
    host(layout)?;
    model(layout)
}

fn host(layout: &Layout) -> Result<()> {
    let first = if layout.binary().exists() {
        ""
    } else {
        " (mistral.rs and its 900 crates compile the first time: about 25 minutes on 2 cores)"
    };
    step(&format!("building the host{first}"), || {
        // Always the whole workspace, here and in the tests. A narrower selection (`-p`) gets other features of shared
        // dependencies, and cargo would then compile mistral.rs once more for each selection.
        let edits = Edits::prepare(layout)?;
        let mut build = edits.cargo(layout, "build");
        edits.run(layout, build.args(["--release", "--workspace", "--features", FEATURE]))
    })
}

fn model(layout: &Layout) -> Result<PathBuf> {
    step("fetching the default model", || {
        // The binary says what it fetches, from where and how large it is; it fetches nothing that is there already. On
        // stdout it prints the path.
        let path = process::stdout(process::command(layout.binary(), layout.root()).args(["model", "pull"]))?;
        let path = PathBuf::from(path.trim_end());
        if !path.is_file() {
            bail!("`rewarden model pull` printed {}, which is not a file", path.display());
        }
        eprintln!("    {}", path.display());
        Ok(path)
    })
}
