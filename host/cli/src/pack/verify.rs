//! `rewarden pack verify`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, ValueHint};
use rewarden_registry::{CheckedPack, PackReference, Signed, sigstore_bundles};
use rewarden_types::Sha256Digest;

use crate::console::out;
use crate::options::Places;
use crate::{packs, trust};

const HELP: &str = "\
Examples:
  rewarden pack verify maths --require-signature RWQf6L…
  rewarden pack verify oci://ghcr.io/team/maths:0.1.0 --require-signature signer.pub

Checks every file against pack.lock, the signature against the key, and the components against this host's contract and limits. \
Nothing is compiled or run, and a pack that was fetched before, and is named by its digest, needs no network but for Sigstore's \
signatures.

A signature says that the holder of the key has signed these very files under this name and version. It does not say that they do \
what they promise, that a component was made of the source beside it, or that this is the newest version.

Exit status: 0 everything that was asked for holds; 1 something does not.";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct PackVerifyArgs {
    /// A pack's directory or name, or oci://HOST/REPOSITORY with :TAG or @sha256:DIGEST
    #[arg(value_name = "PACK|REFERENCE", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) pack: String,

    #[command(flatten)]
    pub(crate) places: Places,
}

/// Runs the command.
pub(crate) fn run(args: &PackVerifyArgs) -> Result<ExitCode> {
    if !PackReference::is_meant(&args.pack) {
        let directory = packs::locate(&args.pack, &args.places)?;
        let pack = CheckedPack::read(&directory, trust::limits(&args.places).component_bytes as u64)?;
        let signed = args.places.trust.rules()?.check(&pack, None).with_context(|| directory.display().to_string())?;
        report(&pack, &signed, args)?;
        return Ok(ExitCode::SUCCESS);
    }
    let fetched = trust::fetch(&args.pack, &args.places)?;
    report(&fetched.pack, &fetched.signed, args)?;
    line("from", &fetched.reference.to_string());
    if let Some(digest) = fetched.reference.digest() {
        line("sigstore", &sigstore(&fetched.reference, digest, args));
    }
    Ok(ExitCode::SUCCESS)
}

fn report(pack: &CheckedPack, signed: &Signed, args: &PackVerifyArgs) -> Result<()> {
    let facts = trust::examined(pack, &trust::limits(&args.places))?;
    let bytes: u64 = pack.sizes().values().sum();
    line("pack", &format!("{} {}", pack.identity().name, pack.identity().version));
    line("files", &format!("{} of {bytes} bytes, each with the digest that pack.lock has", pack.sizes().len()));
    line("lock", &Sha256Digest::of(pack.lock_bytes()).to_string());
    line("signature", &signature(signed));
    // A pack of programs alone has no component of its own.
    if !facts.is_empty() {
        line("contract", &format!("{}, which this host speaks", trust::contracts(&facts).join(", ")));
    }
    line("limits", "within this host's");
    for (name, is_there) in trust::interpreters(pack, &args.places, &trust::limits(&args.places))? {
        let said = if is_there { "the locked one is here" } else { "NOT HERE: see --runtimes" };
        line("runtime", &format!("{name}, {said}"));
    }
    Ok(())
}

fn line(name: &str, value: &str) {
    out!("{name:<10} {value}");
}

fn signature(signed: &Signed) -> String {
    match signed {
        Signed::Not => "none, and none is required".to_owned(),
        Signed::Unverified { comment } => format!(
            "NOT VERIFIED: give the signer's key with --require-signature; it says of itself: {}",
            comment.replace('\t', ", ")
        ),
        Signed::By { key, comment } => {
            format!("by the key {} ({key}), at {} by the signer's clock", key.id(), comment.signed_at)
        }
    }
}

/// A registry that cannot be asked makes nothing wrong that was found right.
fn sigstore(reference: &PackReference, digest: Sha256Digest, args: &PackVerifyArgs) -> String {
    let access = args.places.trust.access();
    match access.and_then(|access| Ok(sigstore_bundles(reference, digest, &access)?)) {
        Ok(None) => "no signature".to_owned(),
        Ok(Some(found)) => format!("{} found, NOT VERIFIED here; to verify: {}", found.count, found.command),
        Err(error) => format!("not looked for: {error}"),
    }
}
