//! A model's directory as mistral.rs can read it, where it cannot read it as it is.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};
use tempfile::TempDir;

use super::score_head::ScoreHead;
use rewarden_types::ModelError;

/// Reads `config.json`. None where there is none, or where it is no JSON object, which is mistral.rs's to refuse.
///
/// # Errors
/// When there is one and it cannot be read.
pub(crate) fn configuration(model: &Path) -> Result<Option<Map<String, Value>>, ModelError> {
    let path = model.join("config.json");
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).map_err(failed("reading", &path))?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(config)) => Ok(Some(config)),
        _ => Ok(None),
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ModelError + use<> {
    let path = path.display().to_string();
    move |source| ModelError::File { action, path, source }
}

/// A directory like the model's, with another `config.json`, and for a classifier with an output matrix. It goes when
/// this does.
pub(crate) struct Twin(TempDir);

impl Twin {
    /// Transformers 5 puts `rope_theta` and `rope_scaling` into `rope_parameters`; mistral.rs 0.8.1 looks for them where
    /// they were before. It knows no classifiers at all. None where nothing has to be mended.
    ///
    /// # Errors
    /// When the directory cannot be read, or the temporary one not be written.
    pub(crate) fn of(model: &Path, head: Option<&ScoreHead>) -> Result<Option<Self>, ModelError> {
        let Some(mut config) = configuration(model)? else { return Ok(None) };
        if !flatten(&mut config) && head.is_none() {
            return Ok(None);
        }
        let directory = tempfile::tempdir().map_err(failed("making a directory in", &std::env::temp_dir()))?;
        let model = model.canonicalize().map_err(failed("resolving", model))?;
        for entry in fs::read_dir(&model).map_err(failed("listing", &model))? {
            let entry = entry.map_err(failed("listing", &model))?;
            if entry.file_name() != "config.json" {
                let to = directory.path().join(entry.file_name());
                link(&entry.path(), &to).map_err(failed("linking", &to))?;
            }
        }
        if let Some(head) = head {
            head.adapt(&mut config);
            head.write(directory.path()).map_err(failed("writing the score head into", directory.path()))?;
        }
        let path = directory.path().join("config.json");
        fs::write(&path, Value::Object(config).to_string()).map_err(failed("writing", &path))?;
        Ok(Some(Twin(directory)))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}

/// Moves what is in `rope_parameters` to where it was before, here and in the configurations of parts. Returns whether
/// there was something to move.
fn flatten(config: &mut Map<String, Value>) -> bool {
    let mut flattened = false;
    if let Some(Value::Object(part)) = config.get_mut("text_config") {
        flattened = flatten(part);
    }
    // By layer type, as Gemma 3 has them: mistral.rs reads those of the layer types by other names.
    let Some(Value::Object(parameters)) = config.get("rope_parameters") else { return flattened };
    let Some(theta) = parameters.get("rope_theta").filter(|theta| theta.is_number()).cloned() else {
        return flattened;
    };
    let mut scaling = parameters.clone();
    scaling.remove("rope_theta");
    let scales = scaling.get("rope_type").and_then(Value::as_str).is_some_and(|kind| kind != "default");
    config.entry("rope_theta").or_insert(theta);
    if scales {
        config.entry("rope_scaling").or_insert(Value::Object(scaling));
    }
    config.remove("rope_parameters");
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn model(config: &Value) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("config.json"), config.to_string()).unwrap();
        fs::write(directory.path().join("model.safetensors"), "weights").unwrap();
        directory
    }

    fn flat(config: &Value) -> Option<Value> {
        let model = model(config);
        let flat = Twin::of(model.path(), None).unwrap()?;
        assert_eq!(fs::read_to_string(flat.path().join("model.safetensors")).unwrap(), "weights");
        Some(serde_json::from_str(&fs::read_to_string(flat.path().join("config.json")).unwrap()).unwrap())
    }

    #[test]
    fn rope_parameters_are_put_where_they_were_before() {
        let config = json!({"hidden_size": 8, "rope_parameters": {"rope_theta": 1e6, "rope_type": "default"}});
        assert_eq!(flat(&config), Some(json!({"hidden_size": 8, "rope_theta": 1e6})));
        let scaled = json!({"rope_parameters": {"rope_theta": 5e5, "rope_type": "llama3", "factor": 8.0}});
        let expected = json!({"rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", "factor": 8.0}});
        assert_eq!(flat(&scaled), Some(expected));
    }

    #[test]
    fn a_configuration_that_is_flat_already_is_left_alone() {
        assert_eq!(flat(&json!({"rope_theta": 1e6})), None);
        assert_eq!(flat(&json!({"rope_parameters": {"full_attention": {"rope_theta": 1e6}}})), None);
        let broken = model(&json!(null));
        fs::write(broken.path().join("config.json"), "{").unwrap();
        assert!(Twin::of(broken.path(), None).unwrap().is_none());
    }

    #[test]
    fn the_twin_goes_with_the_value() {
        let model = model(&json!({"rope_parameters": {"rope_theta": 1.0}}));
        let flat = Twin::of(model.path(), None).unwrap().unwrap();
        let path = flat.path().to_owned();
        assert!(path.exists());
        drop(flat);
        assert!(!path.exists());
    }
}
