//! Loading packs and making them live.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rewarden_judge::{Overrides, Pack, PartName, Setting};
use rewarden_runtime::Runtime;

use crate::ask::{PackLabel, SamplingWishes};
use crate::loads::Loads;
use crate::metrics::{Metrics, SwapResult};
use crate::models::Models;
use crate::order::ChangeOrder;
use crate::problem::{Problem, ProblemKind};
use crate::registry::{Change, Registry};
use crate::settings::Defaults;
use crate::version::Version;

/// Why a pack did not become live; what was live before still is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PackRefused(pub(crate) String);

/// What loading needs, and where packs are kept.
pub(crate) struct Packs {
    pub(crate) runtime: Runtime,
    pub(crate) registry: Arc<Registry>,
    pub(crate) models: Models,
    pub(crate) defaults: Defaults,
    pub(crate) metrics: Arc<Metrics>,
    /// The directory that is watched, and to which uploads go.
    pub(crate) directory: Option<PathBuf>,
    /// Held while the directory and the live packs are brought into line, never while a pack is loaded.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// Where packs are loaded.
    pub(crate) loads: Loads,
    /// In which order uploads and removals take effect.
    pub(crate) order: ChangeOrder,
    /// Packs that may be live at once.
    pub(crate) most: usize,
}

impl Packs {
    /// Loads, checks and tries out the pack in `directory`, which must be called `name` where a name is given. Blocks while
    /// components compile.
    pub(crate) fn load(&self, directory: &Path, name: Option<&str>) -> Result<Version, PackRefused> {
        let refused = |error: rewarden_judge::PackError| PackRefused(error.to_string());
        let mut pack = Pack::load(&self.runtime, directory, &Overrides::default()).map_err(refused)?;
        if let Some(k) = self.defaults.k
            && pack.policy.config.contains_key("k")
        {
            let k = Setting { part: PartName::Policy, key: "k".to_owned(), value: k.into() };
            pack = pack.varied(&[k]).map_err(refused)?;
        }
        pack.try_out().map_err(refused)?;
        let version =
            Version::new(pack, &self.models, &self.defaults, &SamplingWishes::default()).map_err(PackRefused)?;
        match name {
            Some(wanted) if wanted != version.label.name => {
                Err(PackRefused(format!("pack.toml says `name = \"{}\"`, expected \"{wanted}\"", version.label.name)))
            }
            _ => Ok(version),
        }
    }

    /// Loads the pack in `directory` without holding anything that others wait for.
    pub(crate) async fn prepare(
        self: &Arc<Self>,
        directory: PathBuf,
        name: Option<String>,
    ) -> Result<Version, PackRefused> {
        let packs = self.clone();
        let (shown, wanted) = (directory.display().to_string(), name.clone());
        let loaded = self.loads.run(move || packs.load(&directory, wanted.as_deref())).await;
        let loaded = loaded.unwrap_or_else(|lost| Err(PackRefused(lost.to_string())));
        loaded.inspect_err(|error| self.refused(&shown, name.as_deref(), error))
    }

    /// Makes a loaded pack live.
    ///
    /// # Errors
    /// When it would be one more than may be live.
    pub(crate) async fn publish(&self, version: Version) -> Result<(PackLabel, Change), PackRefused> {
        let label = version.label.clone();
        if self.is_full(&label.name) {
            return Err(PackRefused(format!(
                "{} packs are live, which is the most that may be (--max-packs); take one out first",
                self.most
            )));
        }
        let change = self.registry.put(Arc::new(version)).await;
        let result = match &change {
            Change::Added => Some(SwapResult::Added),
            Change::Swapped(_) => Some(SwapResult::Swapped),
            Change::Same => None,
        };
        if let Some(result) = result {
            self.metrics.swap(&label.name, result);
            tracing::info!(pack = label.name, version = label.version, digest = label.digest, "live");
        }
        Ok((label, change))
    }

    /// Whether a pack called `name` would be one too many.
    pub(crate) fn is_full(&self, name: &str) -> bool {
        let roster = self.registry.roster();
        roster.packs.len() >= self.most && !roster.packs.contains_key(name)
    }

    /// Counts and logs that what is at `shown` did not become live.
    pub(crate) fn refused(&self, shown: &str, name: Option<&str>, error: &dyn std::fmt::Display) {
        self.metrics.swap(name.unwrap_or("unknown"), SwapResult::Refused);
        tracing::error!("{shown} was refused, and what was live stays so: {error}");
    }

    /// Loads the pack in `directory`, which must be called `name` where a name is given, and makes it live.
    pub(crate) async fn go_live(
        self: &Arc<Self>,
        directory: PathBuf,
        name: Option<String>,
    ) -> Result<(PackLabel, Change), PackRefused> {
        let shown = directory.display().to_string();
        let version = self.prepare(directory, name.clone()).await?;
        let published = self.publish(version).await;
        published.inspect_err(|error| self.refused(&shown, name.as_deref(), error))
    }

    /// Takes a pack out of service.
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
