//! What `rewarden pack test` and `rewarden pack check` try.

use anyhow::Result;
use clap::{Args, ValueHint};
use rewarden_workbench::Subject;

use crate::options::Places;
use crate::{packs, strategy};

#[derive(Debug, Args)]
pub(crate) struct SubjectArgs {
    /// The directory of a pack or of a plugin that was built, a pack's name, or a component (.wasm).
    #[arg(value_name = "DIR|NAME|FILE.wasm", default_value = ".", value_hint = ValueHint::AnyPath)]
    pub(crate) what: String,

    #[command(flatten)]
    pub(crate) places: Places,
}

impl SubjectArgs {
    /// Loads it.
    pub(crate) fn load(&self) -> Result<Subject> {
        let runtime = strategy::runtime(&self.places)?;
        Subject::load(&runtime, &self.what, |pack| packs::find(pack, &self.places))
    }
}
