//! Packs: a directory with a manifest and the components that it names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rewarden_record::{
    MetaProvenance, PackProvenance, PartProvenance, PrinciplesProvenance, RecordedComponent, ScorerProvenance, Strategy,
};
use rewarden_runtime::contract::{self, Scale};
use rewarden_runtime::{Limit, Limits, Plugin, Runtime};
use serde_json::{Map, Value};

use crate::configuration::{self, Setting};
use crate::loader::{Loader, Source, inside, limited};
use crate::lock::Lock;
use crate::manifest::{Manifest, PartSection, PrinciplesSection, ScaleSection};
use crate::pack_error::PackError;
use crate::part_name::PartName;
use crate::principles::PrinciplesStage;
use crate::text_file;

/// What a command changes in a pack.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Another component in the place of the pack's, starting from its own default configuration.
    pub template: Option<PathBuf>,
    /// See `template`.
    pub parser: Option<PathBuf>,
    /// See `template`.
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
            PartName::Principles | PartName::MetaTemplate | PartName::MetaParser | PartName::Scorer(_) => None,
        }
    }

    /// A setting for a part that the pack does not have would do nothing.
    pub(crate) fn check_parts(&self, pack: &Pack) -> Result<(), PackError> {
        let parts = pack.parts();
        match self.settings.iter().find(|setting| parts.iter().all(|(part, _)| *part != setting.part)) {
            Some(setting) => Err(PackError::NoSuchPart {
                setting: setting.to_string(),
                parts: parts.iter().map(|(part, _)| part.to_string()).collect::<Vec<_>>().join(", "),
            }),
            None => Ok(()),
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

/// Sampling parameters that a pack proposes; a command may override each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SamplingDefaults {
    /// At least 0; 0 is greedy decoding.
    pub temperature: Option<f64>,
    /// Above 0, at most 1.
    pub top_p: Option<f64>,
    /// Upper bound on new tokens of one sample, at least 1.
    pub max_tokens: Option<u32>,
}

/// A loaded pack: every component checked, configured once, and ready to be called.
#[derive(Clone)]
pub struct Pack {
    /// The manifest's `name`.
    pub name: String,
    /// The manifest's `version`.
    pub version: String,
    /// The manifest's `description`; empty when it has none.
    pub description: String,
    /// The scale of the samples' scores.
    pub scale: Scale,
    /// What the pack proposes.
    pub sampling: SamplingDefaults,
    /// Writes principles from the query; none in a pack whose template needs none.
    pub principles: Option<PrinciplesStage>,
    /// Asks and reads the model; none in a pack that only has scorers.
    pub asking: Option<Asking>,
    /// Draws and aggregates.
    pub policy: Part,
    /// Rates samples.
    pub meta: Option<Asking>,
    /// Score by rule, by name.
    pub scorers: Vec<(Arc<str>, Part)>,
    /// What every call into its components may use: the host's limits, lowered where the pack says so.
    pub limits: Limits,
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

impl Pack {
    /// Loads the pack in `directory` with `overrides` applied.
    ///
    /// Blocks while components compile: call it from a blocking thread.
    pub fn load(runtime: &Runtime, directory: &Path, overrides: &Overrides) -> Result<Self, PackError> {
        let file = directory.join("pack.toml");
        let text = text_file::read(&file)
            .map_err(|error| PackError::Read { path: file.clone(), message: error.to_string() })?;
        let manifest = Manifest::parse(&text, &file)?;
        let origin = file.display().to_string();
        let lock = Lock::read(directory)?;
        let runtime = &limited(runtime, &manifest.limits, &origin)?;
        let mut loader = Loader { runtime, origin: &origin, overrides, lock: lock.as_ref(), loaded: Vec::new() };
        let mut part = |part: PartName, section: PartSection| {
            let config = configuration::of_toml(section.config, &part, &origin)?;
            loader.part(part.clone(), config, || {
                let component = section.component;
                let path = inside(directory, &file, part.clone(), component.clone())?;
                Ok::<_, PackError>(Source::Own { component, path })
            })
        };
        let scale = |scale: &ScaleSection| Scale { min: scale.min, max: scale.max, integer: scale.integer };
        let pack_scale = scale(&manifest.scale);
        let principles = match manifest.principles {
            Some(PrinciplesSection { component, config, metadata }) => {
                let writer = part(PartName::Principles, PartSection { component, config })?;
                Some(PrinciplesStage { writer, metadata })
            }
            None => None,
        };
        let asking = match (manifest.template, manifest.parser) {
            (Some(template), Some(parser)) => Some(Asking {
                template: part(PartName::Template, template)?,
                parser: part(PartName::Parser, parser)?,
                scale: pack_scale,
            }),
            _ => None,
        };
        let policy = part(PartName::Policy, manifest.policy)?;
        let meta = match manifest.meta {
            Some(meta) => Some(Asking {
                scale: scale(&meta.scale),
                template: part(PartName::MetaTemplate, meta.template)?,
                parser: part(PartName::MetaParser, meta.parser)?,
            }),
            None => None,
        };
        let mut scorers = Vec::new();
        for (name, section) in manifest.scorers {
            let name: Arc<str> = name.into();
            scorers.push((name.clone(), part(PartName::Scorer(name), section)?));
        }
        let pack = Self {
            name: manifest.name,
            version: manifest.version,
            description: manifest.description,
            scale: pack_scale,
            sampling: SamplingDefaults {
                temperature: manifest.sampling.temperature,
                top_p: manifest.sampling.top_p,
                max_tokens: manifest.sampling.max_tokens,
            },
            principles,
            asking,
            policy,
            meta,
            scorers,
            limits: runtime.limits().clone(),
        };
        overrides.check_parts(&pack)?;
        Ok(pack)
    }

    /// Loads the strategy that a run was made with, with `overrides` applied: its components as `find` gives them, its
    /// configurations, its scale and its limits. `run` names the run in errors.
    pub fn recorded<E: From<PackError>>(
        runtime: &Runtime,
        strategy: &Strategy,
        overrides: &Overrides,
        run: &str,
        find: impl Fn(&PartProvenance) -> Result<Option<RecordedComponent>, E>,
    ) -> Result<Self, E> {
        let runtime = &limited(runtime, &strategy.limits, run)?;
        let mut loader = Loader { runtime, origin: run, overrides, lock: None, loaded: Vec::new() };
        let mut part = |part: PartName, recorded: &PartProvenance| {
            loader.part(part.clone(), recorded.config.clone(), || {
                let component = find(recorded)?.ok_or_else(|| PackError::NotRecorded {
                    part: part.clone(),
                    name: recorded.name.clone(),
                    digest: recorded.digest.to_string(),
                })?;
                Ok::<_, E>(Source::Bytes(component))
            })
        };
        let principles = match &strategy.principles {
            Some(recorded) => Some(PrinciplesStage {
                writer: part(PartName::Principles, &recorded.part)?,
                metadata: recorded.metadata.clone(),
            }),
            None => None,
        };
        let asking = match (&strategy.template, &strategy.parser) {
            (Some(template), Some(parser)) => Some(Asking {
                template: part(PartName::Template, template)?,
                parser: part(PartName::Parser, parser)?,
                scale: strategy.scale.into(),
            }),
            _ => None,
        };
        let policy = part(PartName::Policy, &strategy.policy)?;
        let meta = match &strategy.meta {
            Some(meta) => Some(Asking {
                scale: meta.scale.into(),
                template: part(PartName::MetaTemplate, &meta.template)?,
                parser: part(PartName::MetaParser, &meta.parser)?,
            }),
            None => None,
        };
        let mut scorers = Vec::new();
        for recorded in &strategy.scorers {
            let name: Arc<str> = recorded.scorer.as_str().into();
            scorers.push((name.clone(), part(PartName::Scorer(name), &recorded.part)?));
        }
        let pack = Self {
            name: strategy.pack.name.clone(),
            version: strategy.pack.version.clone(),
            description: String::new(),
            scale: strategy.scale.into(),
            sampling: SamplingDefaults::default(),
            principles,
            asking,
            policy,
            meta,
            scorers,
            limits: runtime.limits().clone(),
        };
        overrides.check_parts(&pack)?;
        Ok(pack)
    }

    /// What it is, for provenance.
    pub fn strategy(&self) -> Strategy {
        let part = |part: &Part| PartProvenance {
            name: part.plugin.about().name.clone(),
            version: part.plugin.about().version.clone(),
            digest: part.plugin.digest(),
            config: part.config.clone(),
        };
        Strategy {
            pack: PackProvenance { name: self.name.clone(), version: self.version.clone() },
            principles: self
                .principles
                .as_ref()
                .map(|stage| PrinciplesProvenance { part: part(&stage.writer), metadata: stage.metadata.clone() }),
            template: self.asking.as_ref().map(|asking| part(&asking.template)),
            parser: self.asking.as_ref().map(|asking| part(&asking.parser)),
            policy: part(&self.policy),
            meta: self.meta.as_ref().map(|meta| MetaProvenance {
                template: part(&meta.template),
                parser: part(&meta.parser),
                scale: meta.scale.into(),
            }),
            scorers: self
                .scorers
                .iter()
                .map(|(name, scorer)| ScorerProvenance { scorer: name.to_string(), part: part(scorer) })
                .collect(),
            scale: self.scale.into(),
            limits: Limit::ALL
                .iter()
                .filter(|limit| limit.decides_results)
                .map(|limit| (limit.key.to_owned(), limit.value(&self.limits)))
                .collect(),
            contract: contract::VERSION.to_owned(),
        }
    }

    /// Its components, as a run keeps them.
    pub fn components(&self) -> Vec<RecordedComponent> {
        let mut components: Vec<RecordedComponent> = Vec::new();
        for (_, Part { plugin, .. }) in self.parts() {
            if components.iter().all(|known| known.digest != plugin.digest()) {
                let (name, digest) = (plugin.name().to_owned(), plugin.digest());
                components.push(RecordedComponent { name, digest, wasm: plugin.bytes().to_vec() });
            }
        }
        components
    }

    /// The parts, by name.
    pub fn parts(&self) -> Vec<(PartName, &Part)> {
        let mut parts = Vec::new();
        if let Some(stage) = &self.principles {
            parts.push((PartName::Principles, &stage.writer));
        }
        if let Some(asking) = &self.asking {
            parts.push((PartName::Template, &asking.template));
            parts.push((PartName::Parser, &asking.parser));
        }
        parts.push((PartName::Policy, &self.policy));
        if let Some(meta) = &self.meta {
            parts.push((PartName::MetaTemplate, &meta.template));
            parts.push((PartName::MetaParser, &meta.parser));
        }
        parts.extend(self.scorers.iter().map(|(name, scorer)| (PartName::Scorer(name.clone()), scorer)));
        parts
    }
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
