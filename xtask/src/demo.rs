//! The demo: real tasks through the default pack and the default model.

use anyhow::Result;

use crate::layout::Layout;
use crate::process;
use crate::progress::step;
use crate::setup;

/// Sets up what is missing and scores examples/demo.jsonl, printing each task's scores as a table on stdout.
///
/// # Errors
/// When a step of the set-up or the scoring fails.
pub(crate) fn run(layout: &Layout) -> Result<()> {
    let model = setup::run(layout)?;
    step("scoring examples/demo.jsonl (under 3 minutes on 2 cores)", || {
        let mut score = process::command(layout.binary(), layout.root());
        score.args(["score", "examples/demo.jsonl", "-k", "2", "--seed", "1", "--format", "table"]);
        score.arg("--pack").arg(layout.dist().join("packs/spct-small"));
        score.arg("--model").arg(model);
        eprintln!("    {}", process::line(&score));
        process::run(&mut score)
    })
}
