//! Packs: a directory with a manifest and the components that it names.

use std::fmt;
use std::path::{Component as PathComponent, Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rewarden_record::{PackProvenance, PartProvenance, RecordedComponent, Strategy};
use rewarden_runtime::contract::{self, Scale};
use rewarden_runtime::{CallError, Interface, LoadError, Plugin, Runtime, Sha256Digest};
use serde_json::{Map, Value};

use crate::configuration::{self, ConfigurationError, Setting};
use crate::manifest::{Manifest, ManifestError, PartSection, nearest};

/// The parts of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartName {
    /// Renders the prompt.
    Template,
    /// Reads the completion.
    Parser,
    /// Draws samples and aggregates them.
    Policy,
}

impl PartName {
    const ALL: [Self; 3] = [Self::Template, Self::Parser, Self::Policy];

    /// The part's name in the manifest.
    pub fn name(self) -> &'static str {
        self.interface().name()
    }

    /// What the part's component must export.
    pub fn interface(self) -> Interface {
        match self {
            Self::Template => Interface::Template,
            Self::Parser => Interface::Parser,
            Self::Policy => Interface::Policy,
        }
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PartName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|part| part.name() == name).ok_or_else(|| {
            let meant = nearest(name, Self::ALL.map(Self::name)).map(|meant| format!("; did you mean `{meant}`?"));
            format!("unknown part `{name}`, expected template, parser or policy{}", meant.unwrap_or_default())
        })
    }
}

/// Why a pack cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The directory or its manifest cannot be read.
    #[error("cannot read {path}: {message}; expected the directory of a pack, with a pack.toml in it")]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// What the system said.
        message: String,
    },
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A component's path leaves the pack.
    #[error(
        "{file}: `{part}.component` is {component:?}, which is not inside the pack; copy the component beside pack.toml"
    )]
    Outside {
        /// The manifest.
        file: PathBuf,
        /// The part that names it.
        part: PartName,
        /// The path as written.
        component: PathBuf,
    },
    /// A component was refused.
    #[error("{part}: {error}")]
    Load {
        /// The part that names it.
        part: PartName,
        /// Why.
        error: LoadError,
    },
    /// A component does not have the interface that its part needs.
    #[error("{part}: component `{component}` does not export `{part}`; it exports {exports}")]
    WrongPart {
        /// The part that names it.
        part: PartName,
        /// The component.
        component: String,
        /// What it exports.
        exports: String,
    },
    /// A configuration does not fit its plugin.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// A run does not hold the component that it was made with.
    #[error(
        "{part}: the run does not hold the component {name} ({digest}) that it was made with; give --pack or --{part}"
    )]
    NotRecorded {
        /// The part that it plays.
        part: PartName,
        /// What it calls itself.
        name: String,
        /// Its digest.
        digest: String,
    },
    /// A plugin failed while being configured.
    #[error("{part}: {error}")]
    Configure {
        /// The part.
        part: PartName,
        /// How it failed.
        error: CallError,
    },
}

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
    fn component(&self, part: PartName) -> Option<&Path> {
        match part {
            PartName::Template => self.template.as_deref(),
            PartName::Parser => self.parser.as_deref(),
            PartName::Policy => self.policy.as_deref(),
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
    /// Renders the prompt.
    pub template: Part,
    /// Reads the completion.
    pub parser: Part,
    /// Draws and aggregates.
    pub policy: Part,
}

impl Pack {
    /// Loads the pack in `directory` with `overrides` applied.
    ///
    /// Blocks while components compile: call it from a blocking thread.
    pub fn load(runtime: &Runtime, directory: &Path, overrides: &Overrides) -> Result<Self, PackError> {
        let file = directory.join("pack.toml");
        let text = std::fs::read_to_string(&file)
            .map_err(|error| PackError::Read { path: file.clone(), message: error.to_string() })?;
        let manifest = Manifest::parse(&text, &file)?;
        let origin = file.display().to_string();
        let mut loader = Loader { runtime, origin: &origin, overrides, loaded: Vec::new() };
        let mut part = |part, section: PartSection| {
            let table = serde_json::to_value(section.config).ok();
            let config = table.and_then(|value| value.as_object().cloned()).unwrap_or_default();
            loader.part(part, config, || inside(directory, &file, part, section.component).map(Source::File))
        };
        Ok(Self {
            template: part(PartName::Template, manifest.template)?,
            parser: part(PartName::Parser, manifest.parser)?,
            policy: part(PartName::Policy, manifest.policy)?,
            name: manifest.name,
            version: manifest.version,
            description: manifest.description,
            scale: Scale { min: manifest.scale.min, max: manifest.scale.max, integer: manifest.scale.integer },
            sampling: SamplingDefaults {
                temperature: manifest.sampling.temperature,
                top_p: manifest.sampling.top_p,
                max_tokens: manifest.sampling.max_tokens,
            },
        })
    }

    /// Loads the strategy that a run was made with, with `overrides` applied: its components as `find` gives them, its
    /// configurations and its scale. `run` names the run in errors.
    pub fn recorded<E: From<PackError>>(
        runtime: &Runtime,
        strategy: &Strategy,
        overrides: &Overrides,
        run: &str,
        find: impl Fn(&PartProvenance) -> Result<Option<RecordedComponent>, E>,
    ) -> Result<Self, E> {
        let mut loader = Loader { runtime, origin: run, overrides, loaded: Vec::new() };
        let mut part = |part: PartName, recorded: &PartProvenance| {
            loader.part(part, recorded.config.clone(), || {
                let component = find(recorded)?.ok_or_else(|| PackError::NotRecorded {
                    part,
                    name: recorded.name.clone(),
                    digest: recorded.digest.to_string(),
                })?;
                Ok::<_, E>(Source::Bytes(component))
            })
        };
        Ok(Self {
            template: part(PartName::Template, &strategy.template)?,
            parser: part(PartName::Parser, &strategy.parser)?,
            policy: part(PartName::Policy, &strategy.policy)?,
            name: strategy.pack.name.clone(),
            version: strategy.pack.version.clone(),
            description: String::new(),
            scale: strategy.scale.into(),
            sampling: SamplingDefaults::default(),
        })
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
            template: part(&self.template),
            parser: part(&self.parser),
            policy: part(&self.policy),
            scale: self.scale.into(),
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
    pub fn parts(&self) -> [(PartName, &Part); 3] {
        [(PartName::Template, &self.template), (PartName::Parser, &self.parser), (PartName::Policy, &self.policy)]
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

/// Where a component comes from.
enum Source {
    File(PathBuf),
    Bytes(RecordedComponent),
}

/// A pack is self-contained: what it names lies in its own directory.
fn inside(directory: &Path, file: &Path, part: PartName, component: PathBuf) -> Result<PathBuf, PackError> {
    let plain = component.components().all(|piece| matches!(piece, PathComponent::Normal(_) | PathComponent::CurDir));
    if plain {
        Ok(directory.join(component))
    } else {
        Err(PackError::Outside { file: file.to_owned(), part, component })
    }
}

struct Loader<'a> {
    runtime: &'a Runtime,
    /// Where configurations come from, for errors.
    origin: &'a str,
    overrides: &'a Overrides,
    /// One file can play several parts; it is loaded once.
    loaded: Vec<(LoadedAs, Arc<Plugin>)>,
}

#[derive(PartialEq)]
enum LoadedAs {
    File(PathBuf),
    Digest(Sha256Digest),
}

impl Loader<'_> {
    fn part<E: From<PackError>>(
        &mut self,
        part: PartName,
        config: Map<String, Value>,
        find: impl FnOnce() -> Result<Source, E>,
    ) -> Result<Part, E> {
        let (source, base) = match self.overrides.component(part) {
            Some(path) => (Source::File(path.to_owned()), Map::new()),
            None => (find()?, config),
        };
        Ok(self.configured(part, source, base)?)
    }

    fn configured(&mut self, part: PartName, source: Source, base: Map<String, Value>) -> Result<Part, PackError> {
        let plugin = self.plugin(part, source)?;
        if !plugin.interfaces().contains(&part.interface()) {
            let exports = plugin.interfaces().iter().map(|interface| interface.name()).collect::<Vec<_>>().join(", ");
            return Err(PackError::WrongPart { part, component: plugin.name().to_owned(), exports });
        }
        let schema = &plugin.about().config_schema;
        let config = configuration::effective(part, base, &self.overrides.settings, schema, self.origin)?;
        let config_text: Arc<str> = Value::Object(config.clone()).to_string().into();
        plugin.check_config(&config_text).map_err(|error| PackError::Configure { part, error })?;
        Ok(Part { plugin, config, config_text })
    }

    fn plugin(&mut self, part: PartName, source: Source) -> Result<Arc<Plugin>, PackError> {
        let key = match &source {
            Source::File(path) => LoadedAs::File(path.clone()),
            Source::Bytes(component) => LoadedAs::Digest(component.digest),
        };
        if let Some((_, plugin)) = self.loaded.iter().find(|(known, _)| *known == key) {
            return Ok(plugin.clone());
        }
        let loaded = match source {
            Source::File(path) => self.runtime.load_file(&path),
            Source::Bytes(component) => self.runtime.load(&component.name, &component.wasm),
        };
        let plugin = Arc::new(loaded.map_err(|error| PackError::Load { part, error })?);
        self.loaded.push((key, plugin.clone()));
        Ok(plugin)
    }
}
