//! `rewarden pack keygen`.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueHint};
use rewarden_registry::SigningKey;

use crate::console::{err, out};
use crate::pack::password;

const HELP: &str = "\
Examples:
  rewarden pack keygen signer                     # asks for a password; writes signer.key and signer.pub
  REWARDEN_SIGN_PASSWORD=… rewarden pack keygen signer
  rewarden pack keygen ci --no-password           # for a machine that keeps its secrets elsewhere

The keys are minisign's (Ed25519): `minisign` reads them, and `rewarden` reads those of `minisign -G`. The public key is printed as \
one line for --require-signature, and for rewarden.toml:
  [trust]
  \"ghcr.io/team/*\" = \"RW…\"";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct SigningKeygenArgs {
    /// What the files are called: NAME.key and NAME.pub.
    #[arg(value_name = "NAME", value_hint = ValueHint::FilePath)]
    pub(crate) name: PathBuf,

    /// Keep the secret key as it is: whoever reads the file can sign
    #[arg(long)]
    pub(crate) no_password: bool,
}

/// Runs the command.
pub(crate) fn run(args: &SigningKeygenArgs) -> Result<ExitCode> {
    let place = |ending: &str| {
        let mut name = args.name.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    };
    let (secret_file, public_file) = (place(".key"), place(".pub"));
    // Asking for a password first, and half a pair left behind, would both be worse.
    if let Some(taken) = [&secret_file, &public_file].into_iter().find(|file| file.symlink_metadata().is_ok()) {
        bail!("{} is there already, and a key that is written over is lost; give another name", taken.display());
    }
    let password = if args.no_password { None } else { Some(password::of_new_key()?) };
    let (key, secret) = SigningKey::generate(password)?;
    let public = key.public()?;
    write(&secret_file, &secret, 0o600)?;
    write(&public_file, &format!("untrusted comment: minisign public key {}\n{public}\n", public.id()), 0o644)?;
    err!("wrote {}, which nobody else may see, and {}", secret_file.display(), public_file.display());
    out!("{public}");
    Ok(ExitCode::SUCCESS)
}

/// Writes a file that is not there yet.
fn write(file: &Path, text: &str, _mode: u32) -> Result<()> {
    let told = || format!("cannot write {}", file.display());
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, _mode);
    options.open(file).and_then(|mut file| file.write_all(text.as_bytes())).with_context(told)
}
