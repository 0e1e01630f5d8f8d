//! Components of a pack: found, loaded once each, configured.

use std::collections::BTreeMap;
use std::path::{Component as PathComponent, Path, PathBuf};
use std::sync::Arc;

use rewarden_manifest::Lock;
use rewarden_record::RecordedComponent;
use rewarden_runtime::{LimitChange, Plugin, Runtime};
use rewarden_types::Sha256Digest;
use serde_json::{Map, Value};

use crate::configuration;
use crate::pack_error::PackError;
use crate::part::{Overrides, Part};
use crate::part_name::PartName;

/// Where a component comes from.
pub(crate) enum Source {
    /// A file that a command names.
    File(PathBuf),
    /// A file of the pack's own, by its path there and in full.
    Own { component: PathBuf, path: PathBuf },
    /// One that a run holds.
    Bytes(RecordedComponent),
}

/// The runtime under these limits, by key, each at most the runtime's own. `origin` says where they stand.
pub(crate) fn limited(runtime: &Runtime, limits: &BTreeMap<String, u64>, origin: &str) -> Result<Runtime, PackError> {
    let changes = limits.iter().map(|(key, value)| LimitChange::new(key, *value)).collect::<Result<Vec<_>, _>>();
    changes
        .and_then(|changes| runtime.tightened(&changes))
        .map_err(|error| PackError::Limits { origin: origin.to_owned(), error })
}

/// A pack is self-contained: what it names lies in its own directory, links followed.
pub(crate) fn inside(directory: &Path, file: &Path, part: PartName, component: PathBuf) -> Result<PathBuf, PackError> {
    let plain = component.components().all(|piece| matches!(piece, PathComponent::Normal(_) | PathComponent::CurDir));
    let path = directory.join(&component);
    // A file that is not there leads nowhere; that it cannot be read is said when it is.
    let leaves = || match (path.canonicalize(), directory.canonicalize()) {
        (Ok(path), Ok(directory)) => !path.starts_with(directory),
        _ => false,
    };
    if !plain || leaves() {
        return Err(PackError::Outside { file: file.to_owned(), part, component });
    }
    Ok(path)
}

pub(crate) struct Loader<'a> {
    pub(crate) runtime: &'a Runtime,
    /// Where configurations come from, for errors.
    pub(crate) origin: &'a str,
    pub(crate) overrides: &'a Overrides,
    /// What the pack's own components must be.
    pub(crate) lock: Option<&'a Lock>,
    /// One file can play several parts; it is loaded once.
    pub(crate) loaded: Vec<(LoadedAs, Arc<Plugin>)>,
}

#[derive(PartialEq)]
pub(crate) enum LoadedAs {
    File(PathBuf),
    Digest(Sha256Digest),
}

impl Loader<'_> {
    pub(crate) fn part<E: From<PackError>>(
        &mut self,
        part: PartName,
        config: Map<String, Value>,
        find: impl FnOnce() -> Result<Source, E>,
    ) -> Result<Part, E> {
        let (source, base) = match self.overrides.component(&part) {
            Some(path) => (Source::File(path.to_owned()), Map::new()),
            None => (find()?, config),
        };
        Ok(self.configured(part, source, base)?)
    }

    fn configured(&mut self, part: PartName, source: Source, base: Map<String, Value>) -> Result<Part, PackError> {
        let plugin = self.plugin(part.clone(), source)?;
        if !plugin.interfaces().contains(&part.interface()) {
            let exports = plugin.interfaces().iter().map(|interface| interface.name()).collect::<Vec<_>>().join(", ");
            return Err(PackError::WrongPart { part, component: plugin.name().to_owned(), exports });
        }
        let schema = &plugin.about().configuration;
        let config = configuration::effective(&part, base, &self.overrides.settings, schema, self.origin)?;
        let config_text: Arc<str> = Value::Object(config.clone()).to_string().into();
        plugin.check_config(&config_text).map_err(|error| PackError::Configure { part, error })?;
        Ok(Part { plugin, config, config_text })
    }

    fn plugin(&mut self, part: PartName, source: Source) -> Result<Arc<Plugin>, PackError> {
        let key = match &source {
            Source::File(path) | Source::Own { path, .. } => LoadedAs::File(path.clone()),
            Source::Bytes(component) => LoadedAs::Digest(component.digest),
        };
        if let Some((_, plugin)) = self.loaded.iter().find(|(known, _)| *known == key) {
            return Ok(plugin.clone());
        }
        let loaded = match &source {
            Source::File(path) | Source::Own { path, .. } => self.runtime.load_file(path),
            Source::Bytes(component) => self.runtime.load(&component.name, &component.wasm),
        };
        let plugin = Arc::new(loaded.map_err(|error| PackError::Load { part, error })?);
        if let (Some(lock), Source::Own { component, .. }) = (self.lock, &source) {
            lock.check(component, plugin.digest())?;
        }
        self.loaded.push((key, plugin.clone()));
        Ok(plugin)
    }
}
