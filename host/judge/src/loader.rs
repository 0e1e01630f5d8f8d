//! Components of a pack: found, loaded once each, configured.

use std::collections::BTreeMap;
use std::path::{Component as PathComponent, Path, PathBuf};
use std::sync::Arc;

use rewarden_manifest::{Lock, ProgramSection};
use rewarden_record::RecordedComponent;
use rewarden_runtime::{LimitChange, Plugin, Runtime};
use rewarden_types::Sha256Digest;
use serde_json::{Map, Value};

use crate::pack_error::PackError;
use crate::part::{Overrides, Part};
use crate::part_name::PartName;
use crate::program::{Program, interpreter};

/// Where a component comes from.
pub(crate) enum Source {
    /// A file that a command names.
    File(PathBuf),
    /// A file of the pack's own, by its path there and in full.
    Own { component: PathBuf, path: PathBuf },
    /// An interpreter, by name and place.
    Interpreter { runtime: String, path: PathBuf },
    /// One that a run holds.
    Bytes(RecordedComponent),
}

/// What plays a part.
pub(crate) enum Playing {
    /// A component.
    Component(Source),
    /// A program of the pack's own, or one that a command names.
    Program(ProgramSection, Option<PackFiles>),
}

/// Where a pack's files lie.
#[derive(Clone)]
pub(crate) struct PackFiles {
    pub(crate) directory: PathBuf,
    /// The manifest, for errors.
    pub(crate) manifest: PathBuf,
}

impl Playing {
    /// What a command names: a component by `.wasm` at its end, and otherwise a program.
    pub(crate) fn named(path: &Path) -> Self {
        if path.extension().is_none_or(|extension| extension.eq_ignore_ascii_case("wasm")) {
            return Self::Component(Source::File(path.to_owned()));
        }
        let source = path.to_owned();
        Self::Program(ProgramSection { source, runtime: None, function: None, files: Vec::new() }, None)
    }
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
        find: impl FnOnce() -> Result<Playing, E>,
    ) -> Result<Part, E> {
        let (playing, base) = match self.overrides.component(&part) {
            Some(path) => (Playing::named(path), Map::new()),
            None => (find()?, config),
        };
        Ok(self.configured(part, playing, base)?)
    }

    fn configured(&mut self, part: PartName, playing: Playing, base: Map<String, Value>) -> Result<Part, PackError> {
        let (source, base) = match playing {
            Playing::Component(source) => (source, base),
            Playing::Program(section, pack) => self.program(&part, &section, pack.as_ref(), base)?,
        };
        let plugin = self.plugin(part.clone(), source)?;
        if !plugin.interfaces().contains(&part.interface()) {
            let exports = plugin.interfaces().iter().map(|interface| interface.name()).collect::<Vec<_>>().join(", ");
            return Err(PackError::WrongPart { part, component: plugin.name().to_owned(), exports });
        }
        Part::configured(&part, plugin, base, &self.overrides.settings, self.origin)
    }

    /// The interpreter of a program, and what it is configured with. `pack` is the directory in which its files lie; `None` if
    /// a command names them.
    fn program(
        &self,
        part: &PartName,
        section: &ProgramSection,
        pack: Option<&PackFiles>,
        options: Map<String, Value>,
    ) -> Result<(Source, Map<String, Value>), PackError> {
        let program = Program::read(section, part, options, |name| match pack {
            Some(PackFiles { directory, manifest }) => inside(directory, manifest, part.clone(), name.to_owned()),
            None => Ok(name.to_owned()),
        })?;
        if let (Some(lock), Some(_)) = (self.lock, pack) {
            for (file, digest) in program.digests() {
                lock.check_file(file, digest)?;
            }
        }
        let Some(path) = interpreter(self.runtime, &program.runtime) else {
            let directories = self.runtime.interpreters();
            return Err(PackError::NoInterpreter {
                part: part.clone(),
                program: section.source.clone(),
                runtime: program.runtime,
                searched: directories.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "),
            });
        };
        let runtime = program.runtime.clone();
        Ok((Source::Interpreter { runtime, path }, program.into_config()))
    }

    fn plugin(&mut self, part: PartName, source: Source) -> Result<Arc<Plugin>, PackError> {
        let key = match &source {
            Source::File(path) | Source::Own { path, .. } | Source::Interpreter { path, .. } => {
                LoadedAs::File(path.clone())
            }
            Source::Bytes(component) => LoadedAs::Digest(component.digest),
        };
        if let Some((_, plugin)) = self.loaded.iter().find(|(known, _)| *known == key) {
            return Ok(plugin.clone());
        }
        let loaded = match &source {
            Source::File(path) | Source::Own { path, .. } | Source::Interpreter { path, .. } => {
                self.runtime.load_file(path)
            }
            Source::Bytes(component) => self.runtime.load(&component.name, &component.wasm),
        };
        let plugin = Arc::new(loaded.map_err(|error| PackError::Load { part, error })?);
        match (self.lock, &source) {
            (Some(lock), Source::Own { component, .. }) => lock.check(component, plugin.digest())?,
            (Some(lock), Source::Interpreter { runtime, .. }) => lock.check_runtime(runtime, plugin.digest())?,
            _ => {}
        }
        self.loaded.push((key, plugin.clone()));
        Ok(plugin)
    }
}
