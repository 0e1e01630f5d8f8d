//! `rewarden keygen`.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use rewarden_server::{KeyRole, Keys};

use crate::console::err;

const KEYGEN_HELP: &str = "\
The key goes to standard error, once; the line for the file of --keys, which holds only its digest, to standard output:
  rewarden keygen trainer >> keys
Keys are 256 bits of the operating system's randomness, so that a plain SHA-256 of one gives nothing away.";

#[derive(Debug, Args)]
#[command(after_help = KEYGEN_HELP)]
pub(crate) struct KeygenArgs {
    /// What the key is called in logs and limits
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// What it is good for
    #[arg(long, value_name = "ROLE", default_value = "score")]
    pub(crate) role: RoleName,
}

/// See [`KeygenArgs::role`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleName {
    /// Scoring, and looking.
    Score,
    /// Changing packs too.
    Admin,
}

/// Prints a fresh key, and the line for the keys file.
pub(crate) fn run(args: &KeygenArgs) -> Result<ExitCode> {
    let role = match args.role {
        RoleName::Score => KeyRole::Score,
        RoleName::Admin => KeyRole::Admin,
    };
    let key = Keys::generate(&args.name, role).map_err(anyhow::Error::msg)?;
    writeln!(std::io::stdout(), "{}", key.line)?;
    err!("{}", key.secret);
    err!(
        "This key is shown once; clients send it as `Authorization: Bearer KEY`. The line on standard output is for --keys."
    );
    Ok(ExitCode::SUCCESS)
}
