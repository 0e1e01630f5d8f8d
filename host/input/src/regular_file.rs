//! Opening files that strangers may have put there.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Opens a regular file for reading, links followed, and says how many bytes it has. Never waits on a FIFO, and never opens a
/// device: neither one that is there from the start, nor one that takes the file's place in between.
///
/// # Errors
/// When it cannot be opened, and as [`ErrorKind::InvalidInput`] when it is no regular file.
pub fn open_regular(path: &Path) -> Result<(File, u64)> {
    // Before it is opened, as opening a device can have effects.
    regular(&std::fs::metadata(path)?)?;
    let mut options = File::options();
    options.read(true);
    // Without effect on regular files. A FIFO that was swapped in is opened at once, and refused below.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    regular(&metadata)?;
    Ok((file, metadata.len()))
}

fn regular(metadata: &std::fs::Metadata) -> Result<()> {
    if metadata.is_file() { Ok(()) } else { Err(Error::new(ErrorKind::InvalidInput, "is not a regular file")) }
}

/// The bytes of a regular file of at most `most` bytes; see [`open_regular`]. What is larger is refused before a byte is
/// read, and so is what grows meanwhile.
///
/// # Errors
/// As [`open_regular`], and as [`ErrorKind::FileTooLarge`] when it has more bytes.
pub fn read_regular(path: &Path, most: u64) -> Result<Vec<u8>> {
    let (file, length) = open_regular(path)?;
    let too_large =
        |length: u64| Error::new(ErrorKind::FileTooLarge, format!("has {length} bytes, more than the {most} allowed"));
    if length > most {
        return Err(too_large(length));
    }
    // The size is a promise of the file system; what is read is bounded whatever it says.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large(bytes.len() as u64)) } else { Ok(bytes) }
}

/// Reads text as [`read_regular`] reads bytes.
///
/// # Errors
/// As [`read_regular`], and as [`ErrorKind::InvalidData`] when it is not UTF-8.
pub fn read_regular_text(path: &Path, most: u64) -> Result<String> {
    let bytes = read_regular(path, most)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::new(ErrorKind::InvalidData, format!("is not UTF-8 text: byte {at} begins no character"))
    })
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn refused(path: &Path) -> String {
        let started = Instant::now();
        let error = read_regular(path, 100).unwrap_err().to_string();
        assert!(started.elapsed() < Duration::from_secs(1), "{}: {:?}", path.display(), started.elapsed());
        error
    }

    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(place("fifo")).status().unwrap().success());
        std::os::unix::fs::symlink(place("fifo"), place("link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(place("socket")).unwrap();
        for path in [place("fifo"), place("link"), place("socket"), directory.path().into(), "/dev/zero".into()] {
            assert_eq!(refused(&path), "is not a regular file", "{}", path.display());
        }
    }

    #[test]
    fn what_is_too_large_is_refused_unread_and_what_fits_is_read_through_links() {
        let directory = tempfile::tempdir().unwrap();
        let (large, fits) = (directory.path().join("large"), directory.path().join("fits"));
        File::create(&large).unwrap().set_len(20 << 30).unwrap();
        assert_eq!(refused(&large), "has 21474836480 bytes, more than the 100 allowed");
        std::fs::write(&fits, [b'x'; 100]).unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&fits, &link).unwrap();
        assert_eq!(read_regular_text(&link, 100).unwrap(), "x".repeat(100));
        // Its size is said to be 0.
        assert_eq!(refused(Path::new("/proc/kallsyms")), "has 101 bytes, more than the 100 allowed");
        std::fs::write(&fits, b"ab\xff").unwrap();
        let error = read_regular_text(&fits, 100).unwrap_err().to_string();
        assert_eq!(error, "is not UTF-8 text: byte 2 begins no character");
    }
}
