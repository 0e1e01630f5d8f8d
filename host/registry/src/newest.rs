//! The newest signature that was seen of each signer in each repository: an older one under a tag is an old version played back.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rewarden_input::read_regular_text;
use rewarden_types::Sha256Digest;
use serde::{Deserialize, Serialize};

use crate::pull_error::PullError;
use crate::reference::PackReference;
use crate::signature::{TrustedComment, VerificationKey};

/// Bytes of one memory.
const BYTES: u64 = 8 << 10;

/// What was seen: a directory with a file for each signer in each repository.
#[derive(Clone, Debug)]
pub(crate) struct NewestSeen {
    directory: PathBuf,
}

/// The newest signature of one signer in one repository.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    repository: String,
    version: String,
    /// Seconds since the epoch, by the signer's clock.
    signed_at: i64,
    lock: Sha256Digest,
}

/// A version, and when it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedVersion<'a> {
    pub(crate) version: &'a str,
    pub(crate) key: &'a VerificationKey,
    pub(crate) comment: &'a TrustedComment,
    pub(crate) lock: Sha256Digest,
}

impl NewestSeen {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Refuses a version that came by a tag if a newer one was seen, unless `allow_older`, and remembers the newest. One that was
    /// named by its digest is what was meant, and is remembered alone.
    pub(crate) fn admit(
        &self,
        reference: &PackReference,
        found: &SignedVersion<'_>,
        allow_older: bool,
    ) -> Result<(), PullError> {
        let name = Sha256Digest::of(format!("{}\n{}", reference.place(), found.key.line()).as_bytes());
        let path = self.directory.join(format!("{}.json", name.hex()));
        let failed =
            |error: &dyn std::fmt::Display| PullError::Memory { path: path.clone(), message: error.to_string() };
        // One at a time: of two commands at once, the one with the older version must not have the last word.
        let held = File::create(self.directory.join(".lock")).map_err(|error| failed(&error))?;
        held.lock().map_err(|error| failed(&error))?;
        let seen = read(&path).map_err(|error| failed(&error))?;
        let signed_at = found.comment.signed_at.as_second();
        if let Some(seen) = seen.filter(|seen| seen.signed_at > signed_at) {
            if reference.digest().is_some() || allow_older {
                return Ok(());
            }
            let time =
                |seconds: i64| Timestamp::from_second(seconds).map_or_else(|_| "?".to_owned(), |time| time.to_string());
            return Err(PullError::Older {
                reference: reference.to_string(),
                found: format!("{}, signed at {}", found.version, time(signed_at)),
                seen: format!("{}, signed at {}", rewarden_input::shown(&seen.version), time(seen.signed_at)),
            });
        }
        let version = found.version.to_owned();
        write(&path, &Seen { repository: reference.place(), version, signed_at, lock: found.lock })
            .map_err(|error| failed(&error))
    }
}

/// What is remembered. A damaged memory is an error: forgetting is what an attacker would want.
fn read(path: &Path) -> std::io::Result<Option<Seen>> {
    match read_regular_text(path, BYTES) {
        Ok(text) => serde_json::from_str(&text).map(Some).map_err(std::io::Error::other),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write(path: &Path, seen: &Seen) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(&serde_json::to_vec(seen)?)?;
    file.as_file().sync_data()?;
    file.persist(path).map(drop).map_err(std::io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::SigningKey;

    struct Memory {
        directory: tempfile::TempDir,
        key: VerificationKey,
    }

    impl Memory {
        fn new() -> Self {
            let key = SigningKey::generate(None).unwrap().0.public().unwrap();
            Self { directory: tempfile::tempdir().unwrap(), key }
        }

        fn admit(&self, reference: &str, version: &str, signed_at: i64, allow_older: bool) -> Result<(), String> {
            let comment = TrustedComment::parse(&format!("timestamp:{signed_at}")).unwrap();
            let lock = Sha256Digest::of(version.as_bytes());
            let found = SignedVersion { version, key: &self.key, comment: &comment, lock };
            let newest = NewestSeen::new(self.directory.path().to_owned());
            newest.admit(&reference.parse().unwrap(), &found, allow_older).map_err(|error| error.to_string())
        }
    }

    const TAG: &str = "oci://ghcr.io/team/maths:latest";

    #[test]
    fn an_older_version_under_a_tag_is_refused_once_a_newer_one_was_seen() {
        let memory = Memory::new();
        memory.admit(TAG, "1.0.0", 100, false).unwrap();
        memory.admit(TAG, "1.1.0", 200, false).unwrap();
        memory.admit(TAG, "1.1.0", 200, false).unwrap();
        let told = memory.admit("oci://ghcr.io/team/maths:stable", "1.0.0", 100, false).unwrap_err();
        assert!(told.contains("1.0.0, signed at 1970-01-01T00:01:40Z") && told.contains("1.1.0"), "{told}");
        assert!(told.contains("--allow-older"), "{told}");
        memory.admit("oci://ghcr.io/team/law:1", "0.1.0", 50, false).unwrap();
    }

    #[test]
    fn a_digest_and_leave_are_obeyed_and_neither_makes_the_memory_forget() {
        let memory = Memory::new();
        let digest = Sha256Digest::of(b"manifest");
        memory.admit(&format!("oci://ghcr.io/team/maths@{digest}"), "2.0.0", 300, false).unwrap();
        memory.admit(TAG, "1.0.0", 100, true).unwrap();
        memory.admit(&format!("{TAG}@{digest}"), "1.0.0", 100, false).unwrap();
        memory.admit(TAG, "1.0.0", 100, false).unwrap_err();
        memory.admit(TAG, "2.0.0", 300, false).unwrap();
    }

    #[test]
    fn a_damaged_memory_is_an_error_and_not_forgotten() {
        let memory = Memory::new();
        memory.admit(TAG, "1.0.0", 100, false).unwrap();
        let file = std::fs::read_dir(memory.directory.path()).unwrap().map(|entry| entry.unwrap().path());
        let file = file.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
        std::fs::write(&file, "{}").unwrap();
        assert!(memory.admit(TAG, "1.0.0", 100, false).unwrap_err().contains("delete the file"));
    }
}
