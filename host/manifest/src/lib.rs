//! Reads `pack.toml`, the manifest of a pack, and `pack.lock`, the digests that its files must have.
//!
//! Everything that needs to know what a pack names uses [`Manifest`]: loading, the plugin author's tools and the build
//! of the bundled packs. It compiles in seconds, because the build of a new clone waits for it.

mod lock;
mod manifest;
mod part;
mod text_file;
mod toml_error;

pub use lock::{LOCK_FILE, Lock, LockError, LockedFiles, PackIdentity};
pub use manifest::{
    ConstrainRule, JudgeSection, Manifest, MetaSection, ModelHints, ModelKind, SamplingSection, ScaleSection,
};
pub use part::{PartPlugin, PartSection, PrinciplesSection, ProgramSection};
pub use text_file::{MANIFEST_BYTES, read_text};
pub use toml_error::{ManifestError, explain as explain_toml_error, nearest};
