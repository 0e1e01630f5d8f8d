//! The form of a pack in a registry: an OCI image manifest with a layer for each file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use rewarden_input::shown;
use rewarden_manifest::{LOCK_FILE, Lock, Manifest};
use rewarden_types::Sha256Digest;
use serde::{Deserialize, Serialize};

use crate::file_name::plain_path;
use crate::signature::{SIGNATURE_BYTES, SIGNATURE_FILE};

/// The type of the artifact, by which registries and people know a pack.
pub const ARTIFACT_TYPE: &str = "application/vnd.rewarden.pack.v1+json";
/// The type of its summary.
pub(crate) const CONFIG_TYPE: &str = "application/vnd.rewarden.pack.config.v1+json";
/// The type of its manifest.
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The type of a list of manifests.
pub(crate) const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// The annotation with a file's path.
const TITLE: &str = "org.opencontainers.image.title";

/// Bytes of a manifest: a thousand files with long names take half of it. The specification has registries take four times as
/// many.
pub(crate) const MANIFEST_BYTES: u64 = 1 << 20;
/// Files of one pack, as an upload may have.
const FILES: usize = 1000;
/// Bytes of the summary.
pub(crate) const SUMMARY_BYTES: u64 = 512 << 10;
/// Bytes of a lock, as it is read.
pub(crate) const LOCK_BYTES: u64 = rewarden_manifest::MANIFEST_BYTES;
/// Bytes of all files of one pack.
const TOTAL_BYTES: u64 = 1 << 30;

/// A blob of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: Sha256Digest,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageManifest {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    artifact_type: Option<String>,
    config: Descriptor,
    layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// What tells a list of manifests from one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    artifact_type: Option<String>,
}

/// What a pack is, in short: the configuration of its image, which is read before any file is fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackSummary {
    /// The pack's name.
    pub name: String,
    /// The pack's version.
    pub version: String,
    /// What the pack is for.
    #[serde(default)]
    pub description: String,
    /// Versions of the contract that its components are made for, each once.
    #[serde(default)]
    pub contracts: Vec<String>,
    /// The limits that it lowers, by key.
    #[serde(default)]
    pub limits: BTreeMap<String, u64>,
    /// The digests of its files, by path, as its lock has them.
    pub files: BTreeMap<String, Sha256Digest>,
    /// The digests of the interpreters of its programs, by name: they are the host's, and not among its files.
    #[serde(default)]
    pub runtimes: BTreeMap<String, Sha256Digest>,
}

impl PackSummary {
    /// The summary of a pack, whose components are made for these versions of the contract.
    pub(crate) fn new(manifest: &Manifest, lock: &Lock, contracts: Vec<String>) -> Self {
        Self {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            description: manifest.description.clone(),
            contracts,
            limits: manifest.limits.clone(),
            files: lock.entries().into_iter().map(|(path, digest)| (path.to_owned(), digest)).collect(),
            runtimes: lock.runtimes().clone(),
        }
    }
}

/// A file of a pack in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArtifactFile {
    pub(crate) path: PathBuf,
    pub(crate) blob: Descriptor,
}

/// A pack in a registry, by its manifest.
#[derive(Debug)]
pub(crate) struct Artifact {
    pub(crate) config: Descriptor,
    /// The files by their name in the pack, `pack.lock` and the signature among them.
    pub(crate) files: BTreeMap<String, ArtifactFile>,
}

impl Artifact {
    /// Reads and checks a manifest: its files have plain names, each once, and sizes within `file_bytes`; there is a lock. No blob is
    /// looked at.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn parse(bytes: &[u8], file_bytes: u64) -> Result<Self, String> {
        let malformed = |error: serde_json::Error| format!("it is no image manifest: {}", shown(&error.to_string()));
        let kind: Kind = serde_json::from_slice(bytes).map_err(malformed)?;
        if kind.media_type.as_deref() == Some(INDEX_TYPE) {
            return Err(
                "it is a list of images, of which none can be chosen; name the pack's own tag or digest".to_owned()
            );
        }
        if kind.artifact_type.as_deref() != Some(ARTIFACT_TYPE) {
            let found =
                kind.artifact_type.as_deref().map_or_else(|| "none".to_owned(), |kind| format!("`{}`", shown(kind)));
            return Err(format!("it is no pack: expected the artifact type `{ARTIFACT_TYPE}`, found {found}"));
        }
        let manifest: ImageManifest = serde_json::from_slice(bytes).map_err(malformed)?;
        if manifest.schema_version != 2 {
            return Err(format!("it has schema version {}, expected 2", manifest.schema_version));
        }
        if manifest.layers.len() > FILES {
            return Err(format!("it has {} files, more than the {FILES} allowed", manifest.layers.len()));
        }
        within("its summary", manifest.config.size, SUMMARY_BYTES)?;
        let (mut files, mut names, mut total) = (BTreeMap::new(), BTreeSet::new(), 0_u64);
        for blob in manifest.layers {
            let name = blob.annotations.get(TITLE).ok_or("a layer of it has no title")?.clone();
            let path = plain_path(&name)?;
            let most = match name.as_str() {
                LOCK_FILE => LOCK_BYTES,
                SIGNATURE_FILE => SIGNATURE_BYTES,
                _ => file_bytes,
            };
            within(&format!("`{name}`"), blob.size, most)?;
            total = total.saturating_add(blob.size);
            // Two names that differ in their case alone are one file elsewhere.
            if !names.insert(name.to_lowercase()) {
                return Err(format!("it has `{name}` twice"));
            }
            files.insert(name, ArtifactFile { path, blob });
        }
        within("all of its files", total, TOTAL_BYTES)?;
        if !files.contains_key(LOCK_FILE) {
            return Err(format!("it has no {LOCK_FILE}"));
        }
        Ok(Self { config: manifest.config, files })
    }

    /// Checks that the files are those of the lock, no fewer, no others, and with its digests.
    ///
    /// # Errors
    /// Says which file is another one.
    pub(crate) fn check_lock(&self, lock: &Lock) -> Result<(), String> {
        let locked = lock.entries();
        for (name, file) in &self.files {
            match locked.get(name.as_str()) {
                Some(digest) if *digest == file.blob.digest => {}
                Some(digest) => {
                    return Err(format!("`{name}` has {}, but {LOCK_FILE} says {digest}", file.blob.digest));
                }
                None if name == LOCK_FILE || name == SIGNATURE_FILE => {}
                None => return Err(format!("`{name}` is not in {LOCK_FILE}")),
            }
        }
        match locked.keys().find(|name| !self.files.contains_key(**name)) {
            Some(missing) => Err(format!("it lacks `{}`, which {LOCK_FILE} names", shown(missing))),
            None => Ok(()),
        }
    }
}

fn within(what: &str, found: u64, allowed: u64) -> Result<(), String> {
    if found > allowed { Err(format!("{what} has {found} bytes, more than the {allowed} allowed")) } else { Ok(()) }
}

/// Returns the text of a manifest of these files, always the same for the same pack: it has no date.
pub(crate) fn manifest_text(
    summary: &PackSummary,
    config: (Sha256Digest, u64),
    files: &[(String, Sha256Digest, u64)],
) -> Result<Vec<u8>, serde_json::Error> {
    let layers = files.iter().map(|(name, digest, size)| Descriptor {
        media_type: media_type(name).to_owned(),
        digest: *digest,
        size: *size,
        annotations: BTreeMap::from([(TITLE.to_owned(), name.clone())]),
    });
    let annotations = [
        (TITLE, &summary.name),
        ("org.opencontainers.image.version", &summary.version),
        ("org.opencontainers.image.description", &summary.description),
    ];
    let (digest, size) = config;
    serde_json::to_vec(&ImageManifest {
        schema_version: 2,
        media_type: Some(MANIFEST_TYPE.to_owned()),
        artifact_type: Some(ARTIFACT_TYPE.to_owned()),
        config: Descriptor { media_type: CONFIG_TYPE.to_owned(), digest, size, annotations: BTreeMap::new() },
        layers: layers.collect(),
        annotations: annotations
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .collect(),
    })
}

/// The media type of a file, by the end of its name.
pub(crate) fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "wasm" => "application/wasm",
        "toml" | "lock" => "application/toml",
        "py" => "text/x-python",
        "js" | "mjs" => "text/javascript",
        "ts" | "mts" => "text/x-typescript",
        "json" => "application/json",
        "jsonl" => "application/jsonl",
        "md" => "text/markdown",
        "txt" | "minisig" => "text/plain",
        _ if name == "LICENSE" || name.starts_with("LICENSE-") || name == "NOTICE" => "text/plain",
        _ => "application/octet-stream",
    }
}
