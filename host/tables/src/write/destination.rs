//! Where bytes go, and how a file comes to stand under its name.

use std::fs::{File, OpenOptions};
use std::io::{Error, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::partial::partial_file;
use crate::TableError;

pub(super) enum Destination {
    Stream(Box<dyn Write + Send>),
    /// A file beside `target`, deleted when dropped.
    Sibling {
        file: NamedTempFile,
        target: PathBuf,
    },
}

impl Destination {
    /// A new file beside `path`, or what stands there if that cannot be replaced.
    pub(super) fn create(path: &Path) -> Result<Self, TableError> {
        let failed = |error| TableError::Create { path: path.to_owned(), error };
        // A link stays one: the file that it points to is replaced.
        let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        match target.metadata() {
            Ok(metadata) if metadata.is_dir() => return Err(TableError::Directory { path: path.to_owned() }),
            // A pipe or a device is written, not replaced.
            Ok(metadata) if !metadata.is_file() => {
                return Ok(Self::Stream(Box::new(OpenOptions::new().write(true).open(&target).map_err(failed)?)));
            }
            Ok(_) | Err(_) => {}
        }
        let file = sibling(&target).map_err(failed)?;
        Ok(Self::Sibling { file, target })
    }

    /// Makes all of it durable, then visible.
    pub(super) fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Stream(mut stream) => stream.flush(),
            Self::Sibling { file, target } => {
                file.as_file().sync_all()?;
                file.persist(target).map(|_: File| ()).map_err(|failed| failed.error)
            }
        }
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Stream(stream) => stream.write(bytes),
            Self::Sibling { file, .. } => file.as_file_mut().write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Stream(stream) => stream.flush(),
            Self::Sibling { file, .. } => file.as_file_mut().flush(),
        }
    }
}

fn sibling(target: &Path) -> Result<NamedTempFile, Error> {
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    partial_file(directory)
}
