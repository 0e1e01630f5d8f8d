//! Reading the small text files of a pack, which may come from strangers.

use std::io::Result;
use std::path::Path;

use rewarden_input::read_regular_text;

/// Bytes of a manifest or a lock. The largest of the bundled packs has 2 kB. Reading TOML takes up to 70 times its size in
/// memory (a key of a hundred thousand dots), so this keeps it under 20 MB.
pub const MANIFEST_BYTES: u64 = 256 << 10;

/// Returns the text of a regular file of at most [`MANIFEST_BYTES`]. Never waits on a FIFO, and never reads a device without
/// end.
///
/// # Errors
/// Those of [`read_regular_text`].
pub fn read_text(path: &Path) -> Result<String> {
    read_regular_text(path, MANIFEST_BYTES)
}
