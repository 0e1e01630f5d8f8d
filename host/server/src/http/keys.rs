//! API keys and their roles.
//!
//! A key is 256 bits from the operating system's generator, so its plain SHA-256 can be kept: salts and slow hashes protect
//! secrets that people choose, and nobody finds one of these by trying.

use std::path::{Path, PathBuf};

use rand::TryRngCore;
use rand::rngs::OsRng;
use rewarden_runtime::read_regular_text;
use rewarden_types::Sha256Digest;
use subtle::{Choice, ConstantTimeEq};

use crate::http::rate::Rate;
use crate::judging::hex;

/// Bytes of a keys file: ten thousand keys take as many.
const FILE_BYTES: u64 = 1 << 20;

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyRole {
    /// To score and to look.
    Score,
    /// To change packs as well.
    Admin,
}

impl KeyRole {
    /// The role's name in the keys file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Admin => "admin",
        }
    }
}

/// One line of a keys file.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) role: KeyRole,
    digest: Sha256Digest,
    pub(crate) rate: Option<Rate>,
}

/// The keys that a server accepts.
#[derive(Debug)]
pub struct Keys {
    keys: Vec<Key>,
}

/// A keys file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct KeysError {
    /// The file.
    pub file: PathBuf,
    /// 1-based line.
    pub line: Option<usize>,
    /// What was expected and found.
    pub message: String,
}

/// A fresh key and the line that makes a server accept it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// What the client sends as `Authorization: Bearer`. Stored nowhere.
    pub secret: String,
    /// The line for the keys file. It holds the key's digest.
    pub line: String,
}

impl Keys {
    /// Reads a keys file: one line `NAME ROLE sha256:DIGITS` for each key, followed by `rate=N` (requests a second) if
    /// the key has its own limit. `#` starts a comment. `rate` is the limit of all other keys.
    ///
    /// # Errors
    ///
    /// The file cannot be read, a line is wrong, or the file holds no key.
    pub fn read(file: &Path, rate: Option<u32>) -> Result<Self, KeysError> {
        let error = |line, message| KeysError { file: file.to_owned(), line, message };
        let text =
            read_regular_text(file, FILE_BYTES).map_err(|cause| error(None, format!("cannot be read: {cause}")))?;
        let mut keys: Vec<Key> = Vec::new();
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.split('#').next().unwrap_or_default().trim();
            if content.is_empty() {
                continue;
            }
            let key = key(content, rate).map_err(|message| error(Some(line), message))?;
            if keys.iter().any(|known| known.name == key.name || known.digest == key.digest) {
                return Err(error(Some(line), format!("`{}`, or its key, is in the file already", key.name)));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(error(None, "holds no key; make one with `rewarden keygen NAME`".to_owned()));
        }
        Ok(Self { keys })
    }

    /// Finds the key with this secret. Compares all keys in any case and takes equally long for every wrong secret.
    pub(crate) fn find(&self, secret: &str) -> Option<&Key> {
        let digest = Sha256Digest::of(secret.as_bytes());
        let mut found = None;
        for key in &self.keys {
            let same: Choice = key.digest.bytes().ct_eq(digest.bytes());
            if same.into() {
                found = Some(key);
            }
        }
        found
    }

    /// The number of keys of this role.
    pub fn count(&self, role: KeyRole) -> usize {
        self.keys.iter().filter(|key| key.role == role).count()
    }

    /// Makes a fresh key for `name`.
    ///
    /// # Errors
    ///
    /// The name is not allowed, or the operating system gives no randomness.
    pub fn generate(name: &str, role: KeyRole) -> Result<NewKey, String> {
        check_name(name)?;
        let mut bytes = [0; 32];
        OsRng
            .try_fill_bytes(&mut bytes)
            .map_err(|error| format!("no randomness from the operating system: {error}"))?;
        let secret = format!("rwd_{}", hex(&bytes));
        let line = format!("{name} {} {}", role.name(), Sha256Digest::of(secret.as_bytes()));
        Ok(NewKey { secret, line })
    }
}

fn key(line: &str, rate: Option<u32>) -> Result<Key, String> {
    let mut words = line.split_whitespace();
    let (Some(name), Some(role), Some(digest)) = (words.next(), words.next(), words.next()) else {
        return Err("expected `NAME ROLE sha256:DIGITS`, such as `rewarden keygen NAME` prints".to_owned());
    };
    check_name(name)?;
    let role = match role {
        "score" => KeyRole::Score,
        "admin" => KeyRole::Admin,
        other => return Err(format!("expected the role `score` or `admin`, found `{other}`")),
    };
    // If a key was pasted instead of its digest, it must not appear in a log.
    let digest =
        digest.parse().map_err(|_| "expected `sha256:` and 64 hexadecimal digits after the role".to_owned())?;
    let mut rate = rate;
    for word in words {
        let limit = word.strip_prefix("rate=").and_then(|limit| limit.parse::<u32>().ok()).filter(|limit| *limit > 0);
        rate =
            Some(limit.ok_or_else(|| format!("expected `rate=` and a number of requests a second, found `{word}`"))?);
    }
    Ok(Key { name: name.to_owned(), role, digest, rate: rate.map(Rate::new) })
}

fn check_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err("expected a name of 1 to 64 letters, digits, `-`, `_`, `.` or `@`".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Keys, KeysError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("keys");
        std::fs::write(&file, text).unwrap();
        Keys::read(&file, None)
    }

    #[test]
    fn a_generated_key_is_found_by_its_line_and_no_other_key_is() {
        let key = Keys::generate("trainer", KeyRole::Score).unwrap();
        let keys = read(&format!("# keys\n{} rate=5\n", key.line)).unwrap();
        assert!(!key.line.contains(&key.secret));
        let found = keys.find(&key.secret).unwrap();
        assert_eq!((found.name.as_str(), found.role, found.rate.is_some()), ("trainer", KeyRole::Score, true));
        assert!(keys.find("").is_none());
        assert!(keys.find(&Keys::generate("trainer", KeyRole::Score).unwrap().secret).is_none());
    }

    #[test]
    fn a_wrong_line_is_named_and_a_pasted_secret_is_not_repeated() {
        let secret = Keys::generate("a", KeyRole::Score).unwrap().secret;
        let error = read(&format!("\na score {secret}\n")).unwrap_err();
        assert_eq!(error.line, Some(2));
        assert!(!error.to_string().contains(&secret), "{error}");
        assert!(read("").unwrap_err().message.contains("keygen"));
        assert!(read("a root sha256:00").unwrap_err().message.contains("`score` or `admin`"));
    }
}
