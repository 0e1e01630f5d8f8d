//! `rewarden pack sign`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, ValueHint};
use rewarden_input::read_regular_text;
use rewarden_registry::{CheckedPack, SIGNATURE_FILE, SigningKey};

use crate::console::{err, out};
use crate::options::Places;
use crate::pack::password;
use crate::{packs, trust};

/// Bytes of a secret key's file.
const KEY_BYTES: u64 = 4 << 10;

const HELP: &str = "\
Examples:
  rewarden pack keygen signer                     # once: signer.key, and signer.pub for everybody
  rewarden pack lock maths                        # after every change
  rewarden pack sign maths --key signer.key

What is signed is pack.lock: the pack's name, its version, and the digest of every file that counts. The signature goes to \
pack.lock.minisig in minisign's format, so `minisign -Vm pack.lock -P RW…` verifies it as well. Its trusted comment names pack, version \
and time; the time is what an older version is told by.

The key's password is read from REWARDEN_SIGN_PASSWORD, or asked for.";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct SignArgs {
    /// A pack's directory or name.
    #[arg(value_name = "DIR|NAME", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) pack: String,

    /// The secret key, as `rewarden pack keygen` or `minisign -G` made it
    #[arg(long, value_name = "FILE", env = "REWARDEN_SIGN_KEY", value_hint = ValueHint::FilePath)]
    pub(crate) key: PathBuf,

    #[command(flatten)]
    pub(crate) places: Places,
}

/// Runs the command.
pub(crate) fn run(args: &SignArgs) -> Result<ExitCode> {
    let directory = packs::locate(&args.pack, &args.places)?;
    let limits = trust::limits(&args.places);
    // What does not fit its lock, or this host, is better not signed.
    let pack = CheckedPack::read(&directory, limits.component_bytes as u64)?;
    trust::examined(&pack, &limits)?;
    let shown = args.key.display();
    let text = read_regular_text(&args.key, KEY_BYTES).with_context(|| format!("cannot read the key {shown}"))?;
    let key = SigningKey::open(&text, || password::of_key(&args.key)).with_context(|| shown.to_string())?;
    let signature = key.sign(pack.identity(), pack.lock_bytes())?;
    let place = directory.join(SIGNATURE_FILE);
    let told = || format!("cannot write {}", place.display());
    // Renamed into its place: what lies there may be a link that leads out of the pack.
    let mut file = tempfile::NamedTempFile::new_in(&directory).with_context(told)?;
    file.write_all(signature.as_bytes()).with_context(told)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).with_context(told)?;
    }
    file.persist(&place).with_context(told)?;
    let public = key.public()?;
    err!("signed {} {} with the key {}", pack.identity().name, pack.identity().version, public.id());
    out!("{}", place.display());
    Ok(ExitCode::SUCCESS)
}
