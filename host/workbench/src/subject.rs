//! What is tested or checked: the parts of a pack, or a component alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail};
use rewarden_judge::{Overrides, Pack, Part, PartName};
use rewarden_plugin_build::crate_name;
use rewarden_runtime::{Interface, Limits, Plugin, Runtime};
use rewarden_types::Scale;
use serde_json::{Map, Value};

/// The scale for a component that no pack has given one; a case may name another.
const DEFAULT_SCALE: Scale = Scale { min: 1.0, max: 10.0, integer: true };

/// Something to call, and where its cases are.
pub struct Subject {
    /// For headings.
    pub(crate) name: String,
    /// What may have a `tests` directory.
    pub(crate) directory: PathBuf,
    /// In the pack's order, or the component's.
    pub(crate) parts: Vec<TestedPart>,
    /// Whether a policy may ask for ratings. A component alone may: there is no pack yet to say no.
    pub(crate) rates: bool,
    /// Whether it has a judge of its own that draws may leave unnamed. A component alone may have one.
    pub(crate) asks: bool,
    /// The judges that draws may name.
    pub(crate) judges: Vec<String>,
    /// The limits in force.
    pub(crate) limits: Limits,
}

/// A component in one part, configured.
pub(crate) struct TestedPart {
    /// As in the manifest, such as `meta.parser`; for a component alone the interface's name.
    pub(crate) name: String,
    pub(crate) interface: Interface,
    pub(crate) plugin: Arc<Plugin>,
    /// As the pack configures it; `None` of a component alone, which has its defaults.
    configured: Option<Part>,
    /// What it scores on.
    pub(crate) scale: Scale,
    /// Whether it asks or reads a meta RM.
    pub(crate) is_meta: bool,
}

impl TestedPart {
    /// The configuration, with `changes`, as the text that the component gets.
    pub(crate) fn config_text(&self, changes: &Map<String, Value>) -> String {
        match &self.configured {
            Some(part) => part.config_with(changes).to_string(),
            None => Value::Object(changes.clone()).to_string(),
        }
    }

    /// One line for headings.
    pub(crate) fn heading(&self) -> String {
        let about = self.configured.as_ref().map_or_else(|| self.plugin.about(), Part::about);
        format!("{}: {} ({} {})", self.name, self.plugin.name(), about.name, about.version)
    }
}

impl Subject {
    /// Loads what `what` names: a component, the directory of a plugin that was built, the directory of a pack, or anything
    /// else in which `find_pack` finds the directory of a pack.
    ///
    /// # Errors
    /// Fails if there is no such pack or component, or if it does not load.
    pub fn load(runtime: &Runtime, what: &str, find_pack: impl FnOnce(&str) -> Result<PathBuf>) -> Result<Self> {
        let path = Path::new(what);
        if path.is_file() {
            let directory = match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
                _ => PathBuf::from("."),
            };
            return Self::component(runtime, path, directory);
        }
        if path.is_dir() && !path.join("pack.toml").is_file() {
            return Self::component(runtime, &built(path)?, path.to_owned());
        }
        let directory = find_pack(what)?;
        let pack = Pack::load(runtime, &directory, &Overrides::default())?;
        Ok(Self::pack(&pack, directory))
    }

    fn pack(pack: &Pack, directory: PathBuf) -> Self {
        let meta_scale = pack.meta.as_ref().map_or(pack.scale, |meta| meta.scale);
        let parts = pack.parts().into_iter().map(|(name, part)| {
            let is_meta = matches!(name, PartName::MetaTemplate | PartName::MetaParser);
            TestedPart {
                interface: name.interface(),
                name: name.to_string(),
                plugin: part.plugin.clone(),
                configured: Some(part.clone()),
                scale: if is_meta { meta_scale } else { pack.scale },
                is_meta,
            }
        });
        Self {
            name: format!("pack {} {}", pack.name, pack.version),
            directory,
            parts: parts.collect(),
            rates: pack.meta.is_some(),
            asks: pack.asking.is_some(),
            judges: pack.judges.iter().map(|judge| judge.name.to_string()).collect(),
            limits: pack.limits.clone(),
        }
    }

    fn component(runtime: &Runtime, file: &Path, directory: PathBuf) -> Result<Self> {
        let plugin = Arc::new(runtime.load_file(file)?);
        plugin.check_config("{}")?;
        let called = |interface: &&Interface| !matches!(interface, Interface::Describe | Interface::Prepare);
        let parts = plugin.interfaces().iter().filter(called).map(|interface| TestedPart {
            name: interface.name().to_owned(),
            interface: *interface,
            plugin: plugin.clone(),
            configured: None,
            scale: DEFAULT_SCALE,
            is_meta: false,
        });
        Ok(Self {
            name: format!("component {}", file.display()),
            directory,
            parts: parts.collect(),
            rates: true,
            asks: true,
            judges: Vec::new(),
            limits: runtime.limits().clone(),
        })
    }

    /// The parts that export `interface`.
    pub(crate) fn parts_of(&self, interface: Interface) -> impl Iterator<Item = &TestedPart> {
        self.parts.iter().filter(move |part| part.interface == interface)
    }
}

/// The component that `pack build` wrote into the directory of a crate.
fn built(directory: &Path) -> Result<PathBuf> {
    let manifest = directory.join("Cargo.toml");
    if !manifest.is_file() {
        bail!(
            "{} holds neither a pack.toml nor a Cargo.toml; expected the directory of a pack or of a plugin",
            directory.display()
        );
    }
    let component = directory.join(format!("{}.wasm", crate_name(&manifest)?));
    if !component.is_file() {
        bail!("{} is not there yet; run `rewarden pack build {}`", component.display(), directory.display());
    }
    Ok(component)
}
