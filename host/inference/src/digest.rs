//! Digests of model files, for provenance.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use rewarden_types::{ModelError, hex};

/// The SHA-256 of a file, as 64 lower-case hex digits.
pub(crate) fn file_sha256(path: &Path) -> Result<String, ModelError> {
    sha256(path).map_err(|source| ModelError::File { action: "reading", path: path.display().to_string(), source })
}

/// `sha256:…` of one file.
pub(crate) fn of_file(path: &Path) -> Result<String, ModelError> {
    Ok(format!("sha256:{}", file_sha256(path)?))
}

/// `sha256:…` of a directory: of the lines `digest  name` of its files, sorted by name. Hidden files (download
/// bookkeeping) and sub-directories are left out: what a model is lies in the files beside each other.
pub(crate) fn of_directory(path: &Path) -> Result<String, ModelError> {
    let failed = |source| ModelError::File { action: "listing", path: path.display().to_string(), source };
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && entry.path().is_file() {
            files.push((name, entry.path()));
        }
    }
    files.sort();
    let mut whole = Sha256::new();
    for (name, file) in files {
        whole.update(format!("{}  {name}\n", file_sha256(&file)?));
    }
    Ok(format!("sha256:{}", hex(&whole.finalize())))
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&digest.finalize())),
            read => digest.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_sha256() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_file(&path).unwrap(), expected);
    }

    #[test]
    fn a_directory_digest_depends_on_names_and_contents_and_not_on_hidden_files() {
        let write = |files: &[(&str, &str)]| {
            let dir = tempfile::tempdir().unwrap();
            for (name, text) in files {
                std::fs::write(dir.path().join(name), text).unwrap();
            }
            of_directory(dir.path()).unwrap()
        };
        let plain = write(&[("config.json", "{}"), ("model.safetensors", "w")]);
        assert_eq!(plain, write(&[("model.safetensors", "w"), (".cache", "x"), ("config.json", "{}")]));
        assert_ne!(plain, write(&[("config.json", "{}"), ("model.safetensors", "v")]));
        assert_ne!(plain, write(&[("config.json", "{}"), ("model2.safetensors", "w")]));
    }

    #[test]
    fn an_unreadable_file_is_named() {
        let error = of_file(Path::new("no/such/file.gguf")).unwrap_err().to_string();
        assert!(error.contains("no/such/file.gguf"), "{error}");
    }
}
