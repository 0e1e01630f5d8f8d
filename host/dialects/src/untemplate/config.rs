//! How a chat format is configured, and how it fails.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::problem::{Problem, ProblemKind};

/// How one model's texts are written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatFormatConfig {
    /// A built-in template: `chatml`, `deepseek`, `gemma`, `llama-3`, `mistral`, `phi-3` or `zephyr`. Either this or
    /// `tokenizer_config`.
    #[serde(default)]
    pub builtin: Option<String>,
    /// A model's `tokenizer_config.json`, whose `chat_template` is used, or else the `chat_template.jinja` beside it.
    #[serde(default)]
    pub tokenizer_config: Option<PathBuf>,
    /// Whether texts of several exchanges are accepted. Safe only if the texts' tokenizer never writes markers for
    /// content; otherwise a response that spells them could pose as further turns.
    #[serde(default)]
    pub multi_turn: bool,
    /// What the trainer hands to the template beside the messages, such as `enable_thinking`.
    #[serde(default)]
    pub variables: Map<String, Value>,
}

/// Why a chat format cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ChatFormatError {
    /// Neither or both sources are given.
    #[error("chat format {format:?}: expected either `builtin` or `tokenizer_config`, found {found}; give exactly one")]
    Source {
        /// The format's name in the configuration.
        format: String,
        /// `neither` or `both`.
        found: &'static str,
    },
    /// No built-in template has this name.
    #[error("no built-in chat template is called {name:?}; there are {known}, or give the model's tokenizer_config")]
    UnknownBuiltin {
        /// The name that was asked for.
        name: String,
        /// The templates that exist.
        known: String,
    },
    /// The file cannot be read.
    #[error("cannot read the tokenizer configuration {path}: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not JSON.
    #[error("{path} is not JSON: {message}", path = path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// Where and why.
        message: String,
    },
    /// The file has no template.
    #[error(
        "{path} has no `chat_template` (nor one named `default`), and there is no chat_template.jinja beside it; name a built-in one",
        path = path.display()
    )]
    NoTemplate {
        /// The file.
        path: PathBuf,
    },
    /// The template cannot be parsed or rendered.
    #[error("the chat template fails: {message}; it must be Jinja as Hugging Face's tokenizers read it")]
    Template {
        /// The engine's message, with the line.
        message: String,
    },
    /// The template renders a user turn and an assistant turn without a marker between them.
    #[error(
        "chat format {format:?}: the template writes no marker between a user turn and the answer; such texts cannot be taken apart"
    )]
    NoMarkers {
        /// The format's name in the configuration.
        format: String,
    },
    /// The configuration lacks a format that is used.
    #[error("{user} names the chat format {format:?}, which is not configured; there are: {known}")]
    Unknown {
        /// What uses it.
        user: String,
        /// The name.
        format: String,
        /// The formats that are configured.
        known: String,
    },
}

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a text of the chat format {format:?}: {reason} (at byte {offset}); nothing was guessed")]
pub struct Untemplatable {
    /// The format's name.
    pub format: String,
    /// The first byte of the text that does not fit.
    pub offset: usize,
    /// What was expected there.
    pub reason: String,
}

impl From<Untemplatable> for Problem {
    fn from(error: Untemplatable) -> Self {
        Self::new(ProblemKind::Untemplatable, error.to_string())
    }
}
