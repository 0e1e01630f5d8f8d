//! Reading the small text files of a pack, which may come from strangers.

use std::io::Result;
use std::path::Path;

use rewarden_runtime::read_regular_text;

/// Bytes of a manifest or a lock. The largest of the bundled packs has 2 kB. Reading TOML takes up to 70 times its size in
/// memory (a key of a hundred thousand dots), so this keeps it under 20 MB.
pub const MANIFEST_BYTES: u64 = 256 << 10;

/// The text of a regular file. Never waits on a FIFO, never reads a device without end.
pub(crate) fn read(path: &Path) -> Result<String> {
    read_regular_text(path, MANIFEST_BYTES)
}
