//! The parts of a pack: components with their configurations, and what a command changes in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rewarden_manifest::ModelHints;
use rewarden_record::JudgeSampling;
use rewarden_runtime::{About, CallError, Interface, Plugin, Preparation};
use rewarden_types::Scale;
use serde_json::{Map, Value};

use crate::configuration::{self, Setting};
use crate::pack_error::PackError;
use crate::part_name::PartName;
use crate::program::OPTIONS;

/// What a command changes in a pack.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// A component or program to use as template instead of the pack's, with its own default configuration.
    pub template: Option<PathBuf>,
    /// As `template`, as parser.
    pub parser: Option<PathBuf>,
    /// As `template`, as policy.
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
    /// The effective configuration, defaults included: of an interpreter, its program with the program's options.
    pub config: Map<String, Value>,
    /// What the component's instances are configured with: `config`, or what the component prepared of it.
    pub(crate) config_text: Arc<str>,
    /// What the program is, of an interpreter.
    program: Option<Arc<About>>,
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
    /// Configures a component that plays `name`: with `base`, changed by the settings that are for it. `origin` says where
    /// `base` stands.
    ///
    /// # Errors
    /// If the component does not take the configuration, or cannot play the part with it.
    pub(crate) fn configured(
        name: &PartName,
        plugin: Arc<Plugin>,
        mut base: Map<String, Value>,
        settings: &[Setting],
        origin: &str,
    ) -> Result<Self, PackError> {
        let failed = |error: CallError| PackError::Configure { part: name.clone(), error };
        let about = plugin.about();
        if !plugin.interfaces().contains(&Interface::Prepare) {
            let config = configuration::effective(name, base, settings, &about.configuration, origin)?;
            let config_text: Arc<str> = Value::Object(config.clone()).to_string().into();
            plugin.check_config(&config_text).map_err(failed)?;
            return Ok(Self { plugin, config, config_text, program: None });
        }
        // Settings are of the program, which knows its options; the interpreter has none that anybody would change.
        let options = base.entry(OPTIONS).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(options) = options {
            for setting in settings.iter().filter(|setting| setting.part == *name) {
                options.insert(setting.key.clone(), setting.value.clone());
            }
        }
        let config = configuration::effective(name, base, &[], &about.configuration, origin)?;
        let Preparation { json, about, interfaces } =
            plugin.prepare(&Value::Object(config.clone()).to_string()).map_err(failed)?;
        if !interfaces.contains(&name.interface()) {
            let exports = interfaces.iter().map(|interface| interface.name()).collect::<Vec<_>>().join(", ");
            return Err(PackError::WrongPart { part: name.clone(), component: about.name, exports });
        }
        let config_text: Arc<str> = json.into();
        plugin.check_config(&config_text).map_err(failed)?;
        Ok(Self { plugin, config, config_text, program: Some(Arc::new(about)) })
    }

    /// What plays the part: the component, or the program that it runs.
    pub fn about(&self) -> &About {
        self.program.as_deref().unwrap_or_else(|| self.plugin.about())
    }

    /// The options that whoever wrote the pack has set, and defaults: the configuration, or a program's own.
    pub fn options(&self) -> &Map<String, Value> {
        match self.config.get(OPTIONS) {
            Some(Value::Object(options)) if self.program.is_some() => options,
            _ => &self.config,
        }
    }

    /// Returns what an instance is configured with where these options have other values. An interpreter prepares it in every
    /// instance.
    pub fn config_with(&self, changes: &Map<String, Value>) -> Arc<str> {
        if changes.is_empty() {
            return self.config_text.clone();
        }
        let mut config = self.config.clone();
        match config.get_mut(OPTIONS) {
            Some(Value::Object(options)) if self.program.is_some() => options.extend(changes.clone()),
            _ => config.extend(changes.clone()),
        }
        Value::Object(config).to_string().into()
    }

    /// What the component's instances are configured with.
    pub fn config_text(&self) -> &str {
        &self.config_text
    }

    /// The same part with `k` set, where its configuration has a `k`; itself otherwise. For asking what a policy makes
    /// of fewer samples.
    pub(crate) fn with_k(&self, k: usize) -> Arc<str> {
        let changes = self.options().contains_key("k").then(|| ("k".to_owned(), k.into()));
        self.config_with(&changes.into_iter().collect())
    }
}
