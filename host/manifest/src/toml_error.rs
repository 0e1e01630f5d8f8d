//! Errors in a TOML file, with the line and the key that was probably meant.

use std::path::{Path, PathBuf};

use rewarden_input::shown_within;

/// Bytes of a message of the reader of TOML, which repeats keys of the file, and lists those that there are.
const MESSAGE_BYTES: usize = 1024;
/// Bytes of a key beyond which no known one is near it.
const KEY_BYTES: usize = 64;

/// A TOML file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct ManifestError {
    /// The file.
    pub file: PathBuf,
    /// 1-based line, if the error has one.
    pub line: Option<usize>,
    /// What was expected, what was found, and the nearest known key for a misspelt one.
    pub message: String,
}

/// Says where in `text` a TOML error is, and what the nearest known key is when one is unknown.
pub fn explain(error: &toml::de::Error, text: &str, file: &Path) -> ManifestError {
    let line = error.span().map(|span| 1 + text.get(..span.start).unwrap_or(text).matches('\n').count());
    // serde's own wording: "unknown field `polcy`, expected one of `name`, `policy`".
    let mut quoted = error.message().split('`').skip(1).step_by(2);
    let suggestion = match quoted.next() {
        Some(unknown) if error.message().starts_with("unknown field") && unknown.len() <= KEY_BYTES => {
            nearest(unknown, quoted)
        }
        _ => None,
    };
    let mut message = shown_within(error.message().trim_end(), MESSAGE_BYTES);
    if let Some(known) = suggestion {
        message.push_str(&format!("; did you mean `{known}`?"));
    }
    ManifestError { file: file.to_owned(), line, message }
}

/// The known key that was probably meant, if one is near enough.
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The comparison costs the product of two lengths, and nobody meant a name of that length.
    const LONGEST: usize = 256;
    known
        .into_iter()
        .filter(|key| unknown.len().max(key.len()) <= LONGEST)
        .map(|key| (strsim::jaro_winkler(unknown, key), key))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, key)| key)
}
