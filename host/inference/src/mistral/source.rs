//! What `--model` may name, decided by what is on disk.

use std::fs;
use std::path::{Path, PathBuf};

use rewarden_types::ModelError;

/// Where a model's weights are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// A GGUF file, which also holds the tokenizer and the chat template.
    Gguf(PathBuf),
    /// A directory with `config.json`, tokenizer files and `*.safetensors`, as `git clone` of a model gives it.
    Directory(PathBuf),
    /// A Hugging Face id, `owner/name`, fetched (or found in the hub's cache) by mistral.rs.
    Hub(String),
}

impl ModelSource {
    /// Decides what `model` names. The error says what was looked for and what is there instead.
    pub fn resolve(model: &str) -> Result<ModelSource, ModelError> {
        let not_found = |message: String| ModelError::NotFound { model: model.to_owned(), message };
        let path = Path::new(model);
        if path.is_file() {
            return match starts_as_gguf(path) {
                Ok(true) => Ok(ModelSource::Gguf(path.to_owned())),
                Ok(false) => Err(not_found(
                    "expected a GGUF file, which begins with the bytes `GGUF`; for safetensors \
                                            give the directory that holds them"
                        .into(),
                )),
                Err(source) => Err(ModelError::File { action: "reading", path: model.to_owned(), source }),
            };
        }
        if path.is_dir() {
            return directory(path).map(|()| ModelSource::Directory(path.to_owned())).map_err(not_found);
        }
        if is_hub_id(model) {
            return Ok(ModelSource::Hub(model.to_owned()));
        }
        Err(not_found(
            "there is no such file or directory, and it is not a Hugging Face id (`owner/name`) either; give a GGUF \
             file, a directory with config.json and *.safetensors, or an id"
                .into(),
        ))
    }

    /// Returns whether it is a directory whose model scores conversations instead of writing text.
    pub fn scores(&self) -> bool {
        match self {
            ModelSource::Directory(path) => {
                let config = super::twin::configuration(path);
                config.ok().flatten().is_some_and(|config| super::score_head::is_of_a_classifier(&config))
            }
            ModelSource::Gguf(_) | ModelSource::Hub(_) => false,
        }
    }

    /// The name that goes into results: the last part of a path, so that it does not depend on where the file lies.
    pub fn name(&self) -> String {
        match self {
            ModelSource::Gguf(path) | ModelSource::Directory(path) => {
                // Canonical, because the last part of `.` is no name.
                let path = path.canonicalize().unwrap_or_else(|_| path.clone());
                path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
            }
            ModelSource::Hub(id) => id.clone(),
        }
    }
}

fn starts_as_gguf(path: &Path) -> std::io::Result<bool> {
    use std::io::Read;
    let mut magic = Vec::new();
    fs::File::open(path)?.take(4).read_to_end(&mut magic)?;
    Ok(magic == b"GGUF")
}

fn directory(path: &Path) -> Result<(), String> {
    let mut names: Vec<String> = fs::read_dir(path)
        .map_err(|error| format!("the directory cannot be listed: {error}"))?
        .filter_map(|entry| entry.ok().map(|e| e.file_name().to_string_lossy().into_owned()))
        .collect();
    names.sort();
    let has_config = names.iter().any(|n| n == "config.json" || n == "params.json");
    let has_weights = names.iter().any(|n| n.ends_with(".safetensors"));
    if has_config && has_weights {
        return Ok(());
    }
    if let Some(gguf) = names.iter().find(|n| n.to_lowercase().ends_with(".gguf")) {
        return Err(format!("this is a directory; give the GGUF file in it, such as `{}`", path.join(gguf).display()));
    }
    let missing = match (has_config, has_weights) {
        (false, false) => "neither config.json nor *.safetensors",
        (false, true) => "*.safetensors but no config.json",
        _ => "config.json but no *.safetensors",
    };
    Err(format!("the directory has {missing}; both are needed, or give a GGUF file"))
}

fn is_hub_id(model: &str) -> bool {
    let part = |p: &str| {
        p.starts_with(|c: char| c.is_ascii_alphanumeric())
            && p.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let is_file_name = model.to_lowercase().ends_with(".gguf") || model.ends_with(".safetensors");
    !is_file_name && model.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(model: &Path) -> String {
        ModelSource::resolve(model.to_str().unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn a_gguf_file_is_known_by_its_first_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("m.bin");
        fs::write(&file, b"GGUF\x03\0\0\0").unwrap();
        let source = ModelSource::resolve(file.to_str().unwrap()).unwrap();
        assert_eq!(source, ModelSource::Gguf(file));
        assert_eq!(source.name(), "m.bin");
    }

    #[test]
    fn other_files_are_refused_with_what_was_expected() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("m.gguf");
        fs::write(&file, b"PK").unwrap();
        assert!(message(&file).contains("begins with the bytes `GGUF`"));
    }

    #[test]
    fn a_directory_needs_a_configuration_and_weights() {
        let dir = tempfile::tempdir().unwrap();
        assert!(message(dir.path()).contains("neither config.json nor *.safetensors"));
        fs::write(dir.path().join("model.safetensors"), "").unwrap();
        assert!(message(dir.path()).contains("no config.json"));
        fs::write(dir.path().join("config.json"), "{}").unwrap();
        let source = ModelSource::resolve(dir.path().to_str().unwrap()).unwrap();
        assert_eq!(source, ModelSource::Directory(dir.path().to_owned()));
    }

    #[test]
    fn a_directory_of_gguf_files_names_one_to_give() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("q8.gguf"), "GGUF").unwrap();
        assert!(message(dir.path()).contains("q8.gguf"));
    }

    #[test]
    fn what_is_not_on_disk_is_an_id_only_when_it_looks_like_one() {
        let id = "HuggingFaceTB/SmolLM2-135M-Instruct";
        assert_eq!(ModelSource::resolve(id).unwrap(), ModelSource::Hub(id.into()));
        for not_an_id in ["", "model", "./models/x", "/models/x", "models/x.gguf", "a/b/c", "../x", "a/ b"] {
            let error = ModelSource::resolve(not_an_id).unwrap_err();
            assert!(matches!(error, ModelError::NotFound { .. }), "{not_an_id}: {error}");
        }
    }
}
