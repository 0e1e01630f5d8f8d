//! A sequence classifier with one label as a model that mistral.rs runs: its score head in the place of the output
//! matrix.
//!
//! Such a model is a causal language model whose last hidden state is multiplied by one row, `score.weight`, instead of
//! one row for each token of the vocabulary. With that row for the first token, and zeros for the others, the logit of
//! the first token is the score. Where a language model squashes its logits (`final_logit_softcapping` of Gemma 2), the
//! classifier does not, so that is switched off.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rewarden_types::ModelError;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde_json::{Map, Value};

/// The classifiers that mistral.rs 0.8.1 runs, and what each is without its head.
const ARCHITECTURES: [(&str, &str); 4] = [
    ("Qwen2ForSequenceClassification", "Qwen2ForCausalLM"),
    ("Qwen3ForSequenceClassification", "Qwen3ForCausalLM"),
    ("LlamaForSequenceClassification", "LlamaForCausalLM"),
    ("Gemma2ForSequenceClassification", GEMMA_2),
];

/// As published, it takes its embedding for its output matrix, whatever there is.
const GEMMA_2: &str = "Gemma2ForCausalLM";

const SCORE: &str = "score.weight";
const SCORE_BIAS: &str = "score.bias";
const OUTPUT: &str = "lm_head.weight";

/// By this name mistral.rs finds it, and no shard of a model has it: they are counted from one.
const FILE: &str = "model-00000-of-00000.safetensors";

/// No header is larger; the format's own limit.
const LARGEST_HEADER: u64 = 100_000_000;

/// The one row by which a reward model scores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScoreHead {
    causal: &'static str,
    dtype: Dtype,
    /// As in the file, `hidden` numbers of that type.
    row: Vec<u8>,
    hidden: usize,
    vocabulary: usize,
    /// Fills the rest of a batch; what it means that a conversation ends with it is said at [`ScoreHead::pad`].
    pad: Option<u32>,
}

impl ScoreHead {
    /// Looks for it in a model's directory. None for models that write text.
    ///
    /// # Errors
    /// Says what it is about a classifier that it cannot run by.
    pub(crate) fn of(model: &Path, config: &Map<String, Value>) -> Result<Option<Self>, ModelError> {
        let Some(architecture) = classifier(config) else { return Ok(None) };
        let refused = |message: String| ModelError::Load { model: model.display().to_string(), message };
        let Some((_, causal)) = ARCHITECTURES.iter().find(|(classifier, _)| *classifier == architecture) else {
            let known = ARCHITECTURES.map(|(classifier, _)| classifier).join(", ");
            return Err(refused(format!(
                "config.json has the architecture `{architecture}`; of the models that score, these run in this process: \
                 {known}; run it on a server (--meta-endpoint with --meta-kind classify)"
            )));
        };
        if !cfg!(feature = "edited") && *causal == GEMMA_2 {
            return Err(refused(format!(
                "`{architecture}` needs the engine that `cargo xtask build` makes: as published, mistral.rs 0.8.1 has no \
                 output matrix of its own for Gemma 2"
            )));
        }
        if config.get("quantization_config").is_some_and(|config| !config.is_null()) {
            return Err(refused(
                "its weights are quantised (`quantization_config`), and the score head would have to be, too; take the \
                 model as it was before"
                    .into(),
            ));
        }
        let number = |field| {
            let found = config.get(field).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
            found.filter(|n| *n > 0).ok_or_else(|| refused(format!("config.json has no number `{field}`")))
        };
        let (hidden, vocabulary) = (number("hidden_size")?, number("vocab_size")?);
        let mut head = None;
        for path in weights(model)? {
            let failed = |message: String| refused(format!("{}: {message}", path.display()));
            let mut file = File::open(&path).map_err(|error| failed(error.to_string()))?;
            let (start, metadata) = header(&mut file).map_err(|error| failed(error.to_string()))?;
            for unwelcome in [SCORE_BIAS, OUTPUT] {
                if metadata.info(unwelcome).is_some() {
                    return Err(failed(format!(
                        "it has `{unwelcome}`, which no classifier of this architecture has; save the model anew with \
                         transformers' {architecture}"
                    )));
                }
            }
            if let Some(info) = metadata.info(SCORE) {
                let row = row(&mut file, start, info, hidden).map_err(failed)?;
                head = Some((info.dtype, row));
            }
        }
        let Some((dtype, row)) = head else {
            return Err(refused(format!("none of its *.safetensors has `{SCORE}`, the score head")));
        };
        let pad = config.get("pad_token_id").and_then(Value::as_u64).and_then(|token| u32::try_from(token).ok());
        Ok(Some(ScoreHead { causal, dtype, row, hidden, vocabulary, pad }))
    }

    /// Makes the classifier's configuration that of the language model whose logits are scores.
    pub(crate) fn adapt(&self, config: &mut Map<String, Value>) {
        config.insert("architectures".into(), vec![self.causal].into());
        config.insert("tie_word_embeddings".into(), false.into());
        config.insert("final_logit_softcapping".into(), Value::Null);
    }

    /// Writes the output matrix beside the model's weights. It takes up one row of the disk: the zeros are a hole.
    pub(crate) fn write(&self, directory: &Path) -> io::Result<()> {
        let size = self.row.len() * self.vocabulary;
        let (shape, data_offsets) = (vec![self.vocabulary, self.hidden], (0, size));
        let info = TensorInfo { dtype: self.dtype, shape, data_offsets };
        let metadata = Metadata::new(None, vec![(OUTPUT.to_owned(), info)]).map_err(io::Error::other)?;
        let mut text = serde_json::to_vec(&metadata)?;
        text.resize(text.len().next_multiple_of(8), b' ');
        let mut file = File::create(directory.join(FILE))?;
        file.write_all(&(text.len() as u64).to_le_bytes())?;
        file.write_all(&text)?;
        file.write_all(&self.row)?;
        file.set_len((8 + text.len() + size) as u64)
    }

    /// The token that fills up batches. Transformers takes the score at the last token that is not this one, even where
    /// the conversation itself ends with it.
    pub(crate) fn pad(&self) -> Option<u32> {
        self.pad
    }
}

/// Returns whether a configuration is that of a model that gives numbers instead of text.
pub(crate) fn is_of_a_classifier(config: &Map<String, Value>) -> bool {
    classifier(config).is_some()
}

/// The architecture, where it is a classifier's.
fn classifier(config: &Map<String, Value>) -> Option<&str> {
    const ENDS: [&str; 3] = ["ForSequenceClassification", "ForTokenClassification", "RewardModel"];
    let architecture = config.get("architectures")?.get(0)?.as_str()?;
    ENDS.iter().any(|end| architecture.ends_with(end)).then_some(architecture)
}

/// The files that mistral.rs would read.
fn weights(model: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let failed = |source| ModelError::File { action: "listing", path: model.display().to_string(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(model).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Where the data begins, and what there is of it.
fn header(file: &mut File) -> io::Result<(u64, Metadata)> {
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > LARGEST_HEADER {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "this is no file of safetensors: its header is too long",
        ));
    }
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text)?;
    Ok((8 + length, serde_json::from_slice(&text)?))
}

fn row(file: &mut File, start: u64, info: &TensorInfo, hidden: usize) -> Result<Vec<u8>, String> {
    match info.shape.as_slice() {
        [1, columns] if *columns == hidden => {}
        [labels, columns] if *columns == hidden => {
            return Err(format!(
                "`{SCORE}` has {labels} labels, and a model that scores has one: a policy would have to say what each is \
                 worth"
            ));
        }
        other => return Err(format!("`{SCORE}` has the shape {other:?}, expected [1, {hidden}]")),
    }
    if !matches!(info.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
        return Err(format!("`{SCORE}` is of type {:?}, expected F32, F16 or BF16", info.dtype));
    }
    let (from, to) = info.data_offsets;
    let mut row = vec![0; to - from];
    file.seek(SeekFrom::Start(start + from as u64)).map_err(|error| error.to_string())?;
    file.read_exact(&mut row).map_err(|error| format!("`{SCORE}` cannot be read: {error}"))?;
    Ok(row)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A directory whose only tensor is this one, of zeros but for a first 1.
    fn model(architecture: &str, tensor: &str, shape: &[usize]) -> (tempfile::TempDir, Map<String, Value>) {
        let directory = tempfile::tempdir().unwrap();
        let mut data = vec![0u8; shape.iter().product::<usize>() * 4];
        data[..4].copy_from_slice(&1f32.to_le_bytes());
        let view = safetensors::tensor::TensorView::new(Dtype::F32, shape.to_vec(), &data).unwrap();
        safetensors::serialize_to_file([(tensor, view)], None, &directory.path().join("model.safetensors")).unwrap();
        let config = json!({"architectures": [architecture], "hidden_size": 4, "vocab_size": 10, "pad_token_id": 9});
        let Value::Object(config) = config else { unreachable!() };
        (directory, config)
    }

    fn refusal((directory, config): &(tempfile::TempDir, Map<String, Value>)) -> String {
        ScoreHead::of(directory.path(), config).unwrap_err().to_string()
    }

    #[test]
    fn the_head_becomes_the_first_row_of_an_output_matrix() {
        let (directory, mut config) = model("LlamaForSequenceClassification", SCORE, &[1, 4]);
        let head = ScoreHead::of(directory.path(), &config).unwrap().unwrap();
        assert_eq!(head.pad(), Some(9));
        head.adapt(&mut config);
        assert_eq!(config["architectures"], json!(["LlamaForCausalLM"]));
        assert_eq!(config["tie_word_embeddings"], json!(false));
        let twin = tempfile::tempdir().unwrap();
        head.write(twin.path()).unwrap();
        let written = fs::read(twin.path().join(FILE)).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&written).unwrap();
        let output = tensors.tensor(OUTPUT).unwrap();
        assert_eq!((output.shape(), output.dtype()), ([10, 4].as_slice(), Dtype::F32));
        assert_eq!(output.data()[..4], 1f32.to_le_bytes());
        assert!(output.data()[4..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn models_that_write_text_have_none() {
        let (directory, config) = model("LlamaForCausalLM", OUTPUT, &[10, 4]);
        assert_eq!(ScoreHead::of(directory.path(), &config).unwrap(), None);
        assert_eq!(ScoreHead::of(directory.path(), &Map::new()).unwrap(), None);
    }

    #[test]
    fn classifiers_that_cannot_run_are_refused_with_the_reason() {
        let llama = "LlamaForSequenceClassification";
        let labels = refusal(&model(llama, SCORE, &[3, 4]));
        assert!(labels.contains("model.safetensors") && labels.contains("3 labels"), "{labels}");
        assert!(refusal(&model(llama, SCORE, &[1, 5])).contains("expected [1, 4]"));
        assert!(
            refusal(&model(llama, "model.norm.weight", &[4])).contains("none of its *.safetensors has `score.weight`")
        );
        assert!(refusal(&model(llama, OUTPUT, &[10, 4])).contains("save the model anew"));
        let other = refusal(&model("Qwen2ForRewardModel", SCORE, &[1, 4]));
        assert!(other.contains("`Qwen2ForRewardModel`") && other.contains("--meta-kind classify"), "{other}");
        let (directory, mut config) = model(llama, SCORE, &[1, 4]);
        config.insert("quantization_config".into(), json!({"quant_method": "gptq"}));
        assert!(refusal(&(directory, config)).contains("quantised"));
        let (directory, config) = model(llama, SCORE, &[1, 4]);
        fs::write(directory.path().join("model.safetensors"), [255; 64]).unwrap();
        assert!(refusal(&(directory, config)).contains("no file of safetensors"));
    }
}
