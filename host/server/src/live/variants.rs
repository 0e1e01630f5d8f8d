//! Versions of live packs with a request's own settings.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::live::models::Models;
use crate::live::registry::Live;
use crate::live::version::PackVersion;
use crate::settings::Defaults;
use rewarden_dialects::{Problem, ProblemKind, SamplingWishes};
use rewarden_judge::Setting;

/// A request's own settings, which differ from those of the live pack.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Changes {
    pub(crate) sampling: SamplingWishes,
    pub(crate) set: Vec<Setting>,
}

impl Changes {
    /// Returns whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.sampling == SamplingWishes::default()
    }
}

/// The most recently used variants, ready to judge.
pub(crate) struct Variants {
    models: Models,
    defaults: Defaults,
    most: usize,
    /// The most recently used one is last.
    ready: Mutex<VecDeque<Variant>>,
}

struct Variant {
    of: [u8; 32],
    changes: Changes,
    version: Arc<PackVersion>,
}

impl Variants {
    pub(crate) fn new(models: Models, defaults: Defaults, most: usize) -> Self {
        Self { models, defaults, most: most.max(1), ready: Mutex::default() }
    }

    /// Returns `version` with these changes.
    pub(crate) async fn of(&self, version: Arc<PackVersion>, changes: &Changes) -> Result<Arc<PackVersion>, Problem> {
        if changes.is_empty() {
            return Ok(version);
        }
        if let Some(ready) = self.ready(&version, changes) {
            return Ok(ready);
        }
        let (base, wanted) = (version.clone(), changes.clone());
        let (models, defaults) = (self.models.clone(), self.defaults.clone());
        let made = tokio::task::spawn_blocking(move || {
            let pack = base.pack().varied(&wanted.set).map_err(|error| Problem::at("/set", error.to_string()))?;
            PackVersion::new(pack, &models, &defaults, &wanted.sampling)
                .map_err(|message| Problem::new(ProblemKind::Internal, message))
        });
        let made = made
            .await
            .map_err(|error| Problem::new(ProblemKind::Internal, format!("preparing the pack was lost: {error}")))??;
        let made = Arc::new(made);
        let variant = Variant { of: version.identity, changes: changes.clone(), version: made.clone() };
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.push_back(variant);
        while ready.len() > self.most {
            if let Some(oldest) = ready.pop_front() {
                oldest.version.retire();
            }
        }
        Ok(made)
    }

    fn ready(&self, version: &PackVersion, changes: &Changes) -> Option<Arc<PackVersion>> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let at = ready.iter().position(|known| known.of == version.identity && known.changes == *changes)?;
        let found = ready.remove(at)?;
        let version = found.version.clone();
        ready.push_back(found);
        Some(version)
    }

    /// Drops every variant, or those of one version.
    pub(crate) fn clear(&self, of: Option<[u8; 32]>) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.retain(|variant| {
            let stays = of.is_some_and(|of| of != variant.of);
            if !stays {
                variant.version.retire();
            }
            stays
        });
    }
}
