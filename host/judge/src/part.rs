//! The parts of a pack: components with their configurations, and what a command changes in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rewarden_manifest::ModelHints;
use rewarden_record::JudgeSampling;
use rewarden_runtime::Plugin;
use rewarden_types::Scale;
use serde_json::{Map, Value};

use crate::configuration::Setting;
use crate::part_name::PartName;

/// What a command changes in a pack.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// A template to use instead of the pack's, with its own default configuration.
    pub template: Option<PathBuf>,
    /// A parser to use instead of the pack's, with its own default configuration.
    pub parser: Option<PathBuf>,
    /// A policy to use instead of the pack's, with its own default configuration.
    pub policy: Option<PathBuf>,
    /// Changes to configurations, applied in order.
    pub settings: Vec<Setting>,
}

impl Overrides {
    pub(crate) fn component(&self, part: &PartName) -> Option<&Path> {
        match part {
            PartName::Template => self.template.as_deref(),
            PartName::Parser => self.parser.as_deref(),
            PartName::Policy => self.policy.as_deref(),
            PartName::Principles
            | PartName::JudgeTemplate(_)
            | PartName::JudgeParser(_)
            | PartName::MetaTemplate
            | PartName::MetaParser
            | PartName::Scorer(_) => None,
        }
    }
}

/// A component with its configuration.
#[derive(Clone)]
pub struct Part {
    /// The component.
    pub plugin: Arc<Plugin>,
    /// The effective configuration, defaults included.
    pub config: Map<String, Value>,
    /// `config` as the text that the component gets.
    pub(crate) config_text: Arc<str>,
}

/// A template and the parser of the answers to it.
#[derive(Clone)]
pub struct Asking {
    /// Renders the prompt.
    pub template: Part,
    /// Reads the completion.
    pub parser: Part,
    /// What both score on: the pack's own scale, or that of the meta RM's ratings.
    pub scale: Scale,
}

/// A judge beside the pack's own, which policies ask by name.
#[derive(Clone)]
pub struct PackJudge {
    /// The name.
    pub name: Arc<str>,
    /// Asks and reads its model.
    pub asking: Asking,
    /// What replaces the run's sampling parameters.
    pub sampling: JudgeSampling,
    /// What the pack says of the model to ask.
    pub model: ModelHints,
}

impl Part {
    /// The effective configuration as the text that the component gets.
    pub(crate) fn config_text(&self) -> &str {
        &self.config_text
    }

    /// The same part with `k` set, where its configuration has a `k`; itself otherwise. For asking what a policy makes
    /// of fewer samples.
    pub(crate) fn with_k(&self, k: usize) -> Arc<str> {
        if !self.config.contains_key("k") {
            return self.config_text.clone();
        }
        let mut config = self.config.clone();
        config.insert("k".to_owned(), k.into());
        Value::Object(config).to_string().into()
    }
}
