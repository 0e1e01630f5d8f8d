//! `rewarden config`.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::console::{self, out};
use crate::display;
use crate::options::Options;
use crate::settings::InForce;

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Print JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) options: Options,
}

/// What `rewarden config` prints.
pub(crate) fn print(rows: &[InForce], json: bool) -> Result<ExitCode> {
    if json {
        writeln!(console::data(), "{}", serde_json::to_string_pretty(rows)?)?;
    } else {
        let mut table = display::table();
        table.set_header(["option", "value", "from"]);
        for row in rows {
            table.add_row([row.option.as_str(), row.value.as_deref().unwrap_or("–"), &row.origin]);
        }
        out!("{}", table.trim_fmt());
    }
    Ok(ExitCode::SUCCESS)
}
