//! Names of files that come from elsewhere.

use std::path::PathBuf;

use rewarden_input::shown;

/// Bytes of a name.
const BYTES: usize = 512;
/// The most nested directories, the file itself included.
const DEPTH: usize = 8;
/// Names of devices on some systems, whatever stands behind a dot.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Returns the path below a pack's directory that a name means. It leads nowhere else on any system, and shows what it is.
///
/// # Errors
/// Says what is wrong with the name.
pub(crate) fn plain_path(name: &str) -> Result<PathBuf, String> {
    let refused = |reason: &str| Err(format!("`{}` {reason}; expected a relative path without `..`", shown(name)));
    if name.is_empty() || name.len() > BYTES {
        return refused(&format!("has {} bytes, of 1 to {BYTES} allowed", name.len()));
    }
    if !name.chars().all(is_plain) {
        return refused("has characters that are not shown, or that separate directories elsewhere");
    }
    let mut path = PathBuf::new();
    for (depth, piece) in name.split('/').enumerate() {
        if depth >= DEPTH {
            return refused(&format!("lies deeper than the {DEPTH} directories allowed"));
        }
        // The first is an absolute path's, too. Hidden files are no part of a pack.
        if piece.is_empty() || piece.starts_with('.') {
            return refused("leaves the pack, or has an empty or hidden part");
        }
        let stem = piece.split('.').next().unwrap_or_default().to_ascii_lowercase();
        if DEVICES.contains(&stem.as_str()) || piece.ends_with(['.', ' ']) {
            return refused("is not the name of a file on every system");
        }
        path.push(piece);
    }
    Ok(path)
}

/// Returns whether a character is visible as what it is, and part of a plain name on every system.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_a_packs_files_are_paths_and_what_leads_elsewhere_is_none() {
        for name in ["pack.toml", "tests/cases.toml", "a/b/c/d/e/f/g/h", "größe.wasm", "with space.txt"] {
            assert_eq!(plain_path(name).unwrap(), Path::new(name));
        }
        for name in [
            "",
            "/etc/passwd",
            "../x",
            "a/../x",
            "a/./x",
            "a//x",
            "a/",
            ".env",
            "a/.git/config",
            "C:/x",
            "a\\..\\x",
            "x\0",
            "x\n",
            "\u{202e}x",
            "nul.txt",
            "AUX",
            "x.",
            "a/b/c/d/e/f/g/h/i",
        ] {
            assert!(plain_path(name).is_err(), "{name:?}");
        }
        assert!(plain_path(&"x".repeat(BYTES + 1)).is_err());
    }

    proptest! {
        #[test]
        fn no_name_leads_out_of_the_directory(name in "[a./\\\\:\u{202e}]{0,12}") {
            if let Ok(path) = plain_path(&name) {
                prop_assert!(path.components().all(|piece| matches!(piece, Component::Normal(_))));
                prop_assert_eq!(path, Path::new(&name));
            }
        }
    }
}
