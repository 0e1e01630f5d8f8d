//! Loading packs, making them live and taking them out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rewarden_dialects::{PackLabel, Problem, ProblemKind, SamplingWishes};
use rewarden_judge::{Overrides, Pack, PartName, Setting};
use rewarden_runtime::Runtime;

use crate::live::change_order::ChangeOrder;
use crate::live::load_queue::LoadQueue;
use crate::live::models::Models;
use crate::live::refused::PackRefused;
use crate::live::registry::{PackChange, Registry};
use crate::live::version::PackVersion;
use crate::live::watcher::PackTarget;
use crate::metrics::{Metrics, SwapResult};
use crate::settings::{Defaults, ServerLimits};

/// Says why the pack in a directory may not be loaded: called before anything of it is compiled, on a thread that may block.
pub type PackAdmission = Arc<dyn Fn(&Path) -> Result<(), String> + Send + Sync>;

/// Loads packs, makes them live and takes them out.
pub(crate) struct PackManager {
    runtime: Runtime,
    pub(crate) registry: Arc<Registry<PackVersion>>,
    models: Models,
    defaults: Defaults,
    metrics: Arc<Metrics>,
    /// The directory that is watched, and to which uploads go.
    pub(crate) directory: Option<PathBuf>,
    /// Held while the directory and the live packs are brought into line, never while a pack is loaded.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// Where packs are loaded.
    pub(crate) loads: LoadQueue,
    /// The order in which uploads and removals take effect.
    pub(crate) order: ChangeOrder,
    /// Refuses packs before anything of them is compiled.
    admission: Option<PackAdmission>,
    /// The most packs that may be live at once.
    most: usize,
}

/// What decides how packs are loaded and where they are kept.
pub(crate) struct PackSettings {
    pub(crate) runtime: Runtime,
    pub(crate) models: Models,
    pub(crate) defaults: Defaults,
    /// The directory that is watched, and to which uploads go.
    pub(crate) directory: Option<PathBuf>,
    /// Refuses packs before anything of them is compiled.
    pub(crate) admission: Option<PackAdmission>,
}

impl PackManager {
    pub(crate) fn new(
        settings: PackSettings,
        registry: Arc<Registry<PackVersion>>,
        metrics: Arc<Metrics>,
        limits: &ServerLimits,
    ) -> Self {
        let PackSettings { runtime, models, defaults, directory, admission } = settings;
        Self {
            runtime,
            registry,
            models,
            defaults,
            metrics,
            directory,
            changing: tokio::sync::Mutex::new(()),
            loads: LoadQueue::new(limits.load_time),
            admission,
            order: ChangeOrder::default(),
            most: limits.packs,
        }
    }

    /// Loads, checks and tries out the pack in `directory`. Its name must be `name` if one is given. Blocks while components
    /// compile.
    pub(crate) fn load_blocking(&self, directory: &Path, name: Option<&str>) -> Result<PackVersion, PackRefused> {
        let refused = |error: rewarden_judge::PackError| PackRefused(error.to_string());
        if let Some(admission) = &self.admission {
            admission(directory).map_err(PackRefused)?;
        }
        let mut pack = Pack::load(&self.runtime, directory, &Overrides::default()).map_err(refused)?;
        if let Some(k) = self.defaults.k
            && pack.policy.options().contains_key("k")
        {
            let k = Setting { part: PartName::Policy, key: "k".to_owned(), value: k.into() };
            pack = pack.varied(&[k]).map_err(refused)?;
        }
        pack.try_out().map_err(refused)?;
        let version =
            PackVersion::new(pack, &self.models, &self.defaults, &SamplingWishes::default()).map_err(PackRefused)?;
        match name {
            Some(wanted) if wanted != version.label.name => {
                Err(PackRefused(format!("pack.toml says `name = \"{}\"`, expected \"{wanted}\"", version.label.name)))
            }
            _ => Ok(version),
        }
    }

    /// Like [`load_blocking`](PackManager::load_blocking) on a thread for loads, without holding anything that others wait for.
    pub(crate) async fn prepare(
        self: &Arc<Self>,
        directory: PathBuf,
        name: Option<String>,
    ) -> Result<PackVersion, PackRefused> {
        let packs = self.clone();
        let (shown, wanted) = (directory.display().to_string(), name.clone());
        let loaded = self.loads.run(move || packs.load_blocking(&directory, wanted.as_deref())).await;
        let loaded = loaded.unwrap_or_else(|lost| Err(PackRefused(lost.to_string())));
        loaded.inspect_err(|error| self.refused(&shown, name.as_deref(), error))
    }

    /// Makes a loaded pack live.
    ///
    /// # Errors
    ///
    /// The most packs that may be live already are.
    pub(crate) async fn publish(&self, version: PackVersion) -> Result<(PackLabel, PackChange), PackRefused> {
        let label = version.label.clone();
        if self.is_full(&label.name) {
            return Err(PackRefused(format!(
                "{} packs are live, which is the most that may be (--max-packs); take one out first",
                self.most
            )));
        }
        let change = self.registry.put(Arc::new(version)).await;
        let result = match &change {
            PackChange::Added => Some(SwapResult::Added),
            PackChange::Swapped(_) => Some(SwapResult::Swapped),
            PackChange::Same => None,
        };
        if let Some(result) = result {
            self.metrics.swap(&label.name, result);
            tracing::info!(pack = label.name, version = label.version, digest = label.digest, "live");
        }
        Ok((label, change))
    }

    /// Returns whether making a pack called `name` live would exceed the most that may be.
    pub(crate) fn is_full(&self, name: &str) -> bool {
        let roster = self.registry.snapshot();
        roster.packs.len() >= self.most && !roster.packs.contains_key(name)
    }

    /// Counts and logs that the pack at `shown` did not become live.
    pub(crate) fn refused(&self, shown: &str, name: Option<&str>, error: &dyn std::fmt::Display) {
        self.metrics.swap(name.unwrap_or("unknown"), SwapResult::Refused);
        tracing::error!("{shown} was refused, and what was live stays so: {error}");
    }

    /// Loads the pack in `directory` and makes it live.
    pub(crate) async fn load_and_publish(
        self: &Arc<Self>,
        directory: PathBuf,
    ) -> Result<(PackLabel, PackChange), PackRefused> {
        let shown = directory.display().to_string();
        let version = self.prepare(directory, None).await?;
        let published = self.publish(version).await;
        published.inspect_err(|error| self.refused(&shown, None, error))
    }

    /// Takes a pack out of service.
    ///
    /// # Errors
    ///
    /// It is not live.
    pub(crate) async fn retire(&self, name: &str) -> Result<PackLabel, Problem> {
        match self.registry.remove(name).await {
            Some(label) => {
                self.metrics.swap(name, SwapResult::Removed);
                tracing::info!(pack = name, digest = label.digest, "no longer live");
                Ok(label)
            }
            None => Err(Problem::new(ProblemKind::NotFound, format!("no pack `{name}` is live"))),
        }
    }
}

#[async_trait]
impl PackTarget for Arc<PackManager> {
    type Loaded = PackVersion;

    fn changing(&self) -> &tokio::sync::Mutex<()> {
        &self.changing
    }

    fn most(&self) -> usize {
        self.most
    }

    fn has_no_room(&self) -> bool {
        self.registry.snapshot().packs.len() >= self.most
    }

    async fn load_from(&self, directory: PathBuf, name: Option<String>) -> Result<PackVersion, PackRefused> {
        self.prepare(directory, name).await
    }

    async fn make_live(&self, loaded: PackVersion) -> Result<String, PackRefused> {
        self.publish(loaded).await.map(|(label, _)| label.name)
    }

    async fn take_out(&self, name: &str) {
        // An admin may have taken it out already.
        let _ = self.retire(name).await;
    }

    fn report_refused(&self, directory: &Path, name: Option<&str>, error: &PackRefused) {
        self.refused(&directory.display().to_string(), name, error);
    }
}
