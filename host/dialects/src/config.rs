//! The dialects' configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rewarden_input::read_regular_text;
use serde::{Deserialize, Serialize};

use crate::untemplate::ChatFormatConfig;

/// A consumer's wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `POST /get_reward`
    Openrlhf,
    /// `POST /slime` and `/slime/group`
    Slime,
    /// `POST /verl/compute_score`
    Verl,
    /// `POST /classify`, `/v1/classify` and `/v1/embeddings`
    Classify,
    /// `POST /v1/score/evaluation`
    LlamaFactory,
    /// `POST /verify` and `/compare`
    NemoGym,
    /// `POST /v1/fine_tuning/alpha/graders/run` and `/validate`
    Graders,
    /// `POST /score` and `/v1/score`
    Score,
    /// `POST /rerank`, `/v1/rerank` and `/v2/rerank`
    Rerank,
    /// `POST /v1/systemone` and `/v1/evaluations`
    Systemone,
}

impl Dialect {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Openrlhf => "openrlhf",
            Self::Slime => "slime",
            Self::Verl => "verl",
            Self::Classify => "classify",
            Self::LlamaFactory => "llama-factory",
            Self::NemoGym => "nemo-gym",
            Self::Graders => "graders",
            Self::Score => "score",
            Self::Rerank => "rerank",
            Self::Systemone => "systemone",
        }
    }
}

/// The form of slime's rewards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SlimeReply {
    /// The bare number.
    #[default]
    Number,
    /// An object with `score` and what is known about it; run slime with `--reward-key score`.
    Fields,
}

/// The numbers that stand for a missing reward if a consumer's format demands one. A flag always stands beside them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Floors {
    /// `score` of `/verl/compute_score`, beside `rewarden_failed: 1`. Default 0.
    pub verl: f64,
    /// `reward` of `/verify`, beside `_ng_failure_class`. Default 0.
    pub nemo_gym: f64,
    /// `reward` of `graders/run`, beside the error flags. Default 0.
    pub graders: f64,
    /// `score` of `/slime` with [`SlimeReply::Fields`], beside `failed: 1`. Default `None`: the request fails, and
    /// slime tries it up to ten times and then stops.
    pub slime: Option<f64>,
}

impl Default for Floors {
    fn default() -> Self {
        Self { verl: 0.0, nemo_gym: 0.0, graders: 0.0, slime: None }
    }
}

/// The configuration of all dialects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DialectConfig {
    /// The pack of each dialect, unless the URL (`?pack=`) or the model names another. A dialect that is missing here uses the
    /// server's default.
    pub packs: BTreeMap<Dialect, String>,
    /// Packs by the model that a request names.
    pub models: BTreeMap<String, String>,
    /// How templated texts are taken apart, by the model that a request names or by any name that `chat_format` or a URL
    /// (`?chat_format=`) uses.
    pub chat_formats: BTreeMap<String, ChatFormatConfig>,
    /// The chat format of a dialect's requests if the model that they name has none of its own.
    pub chat_format: BTreeMap<Dialect, String>,
    /// What `/slime` replies, unless the URL (`?reply=`) says otherwise.
    pub slime_reply: SlimeReply,
    /// The numbers that stand for a missing reward.
    pub floors: Floors,
    /// Whether `/verl/compute_score` takes samples whose `extra_info` has no question. The query is then empty, which suits
    /// only packs that look at response and reference alone. Default false.
    pub verl_without_question: bool,
}

/// Bytes of the file, which has a few lines for each dialect and model.
const FILE_BYTES: u64 = 1 << 20;

/// Why a file does not configure the dialects.
#[derive(Debug, thiserror::Error)]
pub enum DialectConfigError {
    /// The file cannot be read.
    #[error("cannot read the dialects' configuration {path}: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not what is expected.
    #[error("{path} does not configure dialects: {message}", path = path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where and why.
        message: String,
    },
}

impl DialectConfig {
    /// Reads a TOML file. Paths in it are relative to it.
    ///
    /// # Errors
    ///
    /// See [`DialectConfigError`].
    pub fn read(path: &Path) -> Result<Self, DialectConfigError> {
        let text = read_regular_text(path, FILE_BYTES)
            .map_err(|source| DialectConfigError::Unreadable { path: path.to_owned(), source })?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|error| DialectConfigError::Invalid { path: path.to_owned(), message: error.to_string() })?;
        let directory = path.parent().unwrap_or(Path::new("."));
        for format in config.chat_formats.values_mut() {
            if let Some(tokenizer_config) = &mut format.tokenizer_config {
                *tokenizer_config = directory.join(&*tokenizer_config);
            }
        }
        Ok(config)
    }
}
