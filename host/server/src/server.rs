//! The server, from its configuration to its end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use rewarden_dialects::PackLabel;
use rewarden_runtime::Runtime;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use utoipa::openapi::OpenApi as Document;

use crate::http;
use crate::http::{Access, App, Hosts, Keys, Origins, Rate, router};
use crate::judging::{Executor, RewardService, Rewards, Shadows};
use crate::live::{
    Models, PackAdmission, PackChange, PackManager, PackRefused, PackSettings, PackVersion, PackWatcher, Registry,
    RunStore, Variants, sweep,
};
use crate::metrics::Metrics;
use crate::settings::{Defaults, ServerLimits};

/// How long closing runs may take after the last request.
const CLOSING: Duration = Duration::from_secs(30);

/// The configuration of a server.
pub struct ServerConfig {
    /// Runs the packs' components.
    pub runtime: Runtime,
    /// The models that packs run on.
    pub models: Models,
    /// How packs are sampled unless a request says otherwise.
    pub defaults: Defaults,
    /// What requests may cost and change.
    pub limits: ServerLimits,
    /// Where runs go.
    pub runs: PathBuf,
    /// Directories of packs. The first pack is the default.
    pub packs: Vec<PathBuf>,
    /// A directory of packs that is watched, and to which uploads go.
    pub watched: Option<PathBuf>,
    /// Refuses packs before anything of them is compiled, wherever they come from. `None` lets all in.
    pub admission: Option<PackAdmission>,
    /// The API keys. `None` if everybody may ask.
    pub keys: Option<Keys>,
    /// Whether requests to any host name are answered without keys, instead of those to loopback names only.
    pub any_host: bool,
    /// Origins whose web pages may ask, such as `https://notebook.example`.
    pub origins: Vec<String>,
    /// The names of shadows, by the name of their live pack.
    pub shadows: BTreeMap<String, String>,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A pack that it must serve cannot be used.
    #[error("{pack}: {error}")]
    Pack {
        /// The pack's directory.
        pack: String,
        /// What is wrong.
        error: PackRefused,
    },
    /// The directory for runs or packs cannot be used.
    #[error("{path}: {error}")]
    Directory {
        /// The directory.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// No pack is live, and none can be uploaded.
    #[error("no pack is live: {0}")]
    NoPacks(String),
    /// A shadow or its live pack is missing.
    #[error("--shadow {live}={shadow}: no pack `{missing}` is live; live packs: {known}")]
    Shadow {
        /// The live pack.
        live: String,
        /// Its shadow.
        shadow: String,
        /// The option that is missing.
        missing: String,
        /// The packs that are live.
        known: String,
    },
    /// The operating system gives no threads or watches.
    #[error("{0}")]
    System(String),
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerEnd {
    /// Whether all requests in flight finished within the grace. The rest was dropped; its samples so far are in the
    /// runs.
    pub finished: bool,
    /// Whether every run was closed.
    pub closed: bool,
}

/// A server whose packs are loaded.
pub struct Server {
    app: Arc<App>,
    _watcher: Option<notify::RecommendedWatcher>,
}

impl Server {
    /// Loads the packs and makes everything ready. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// See [`StartError`]. A pack in the watched directory that cannot be used is logged and left out.
    pub async fn start(config: ServerConfig) -> Result<Self, StartError> {
        let ServerConfig {
            runtime,
            models,
            defaults,
            limits,
            runs,
            packs: given,
            watched,
            admission,
            keys,
            any_host,
            origins,
            shadows,
        } = config;
        let system = |error: &dyn std::fmt::Display| StartError::System(error.to_string());
        let metrics = Arc::new(Metrics::new());
        let registry = Arc::new(Registry::default());
        let store = RunStore::new(&runs, limits.runs_per_pack)
            .map_err(|error| StartError::Directory { path: runs.display().to_string(), error })?;
        let settings = PackSettings {
            runtime,
            models: models.clone(),
            defaults: defaults.clone(),
            directory: watched.clone(),
            admission,
        };
        let packs = Arc::new(PackManager::new(settings, registry.clone(), metrics.clone(), &limits));
        for directory in &given {
            let pack = directory.display().to_string();
            match packs.load_and_publish(directory.clone()).await {
                Ok((_, PackChange::Added)) => {}
                Ok((label, _)) => {
                    let error = PackRefused(format!("a pack of the name `{}` is live already", label.name));
                    return Err(StartError::Pack { pack, error });
                }
                Err(error) => return Err(StartError::Pack { pack, error }),
            }
        }
        let watcher = match watched {
            None => None,
            Some(directory) => {
                let path = directory.display().to_string();
                let failed = |error| StartError::Directory { path: path.clone(), error };
                std::fs::create_dir_all(&directory).map_err(failed)?;
                let directory = directory.canonicalize().map_err(failed)?;
                sweep(&directory).map_err(failed)?;
                let mut watcher = PackWatcher::new(packs.clone(), directory);
                watcher.scan().await.map_err(failed)?;
                Some(watcher.watch().map_err(|error| system(&format!("{path} cannot be watched: {error}")))?)
            }
        };
        check(&registry, &shadows, packs.directory.is_some() && keys.is_some())?;
        let shadow =
            Shadows::new(shadows.clone(), registry.clone(), metrics.clone()).map_err(|error| system(&error))?;
        let executor = Executor::new(store, metrics.clone(), shadow, &limits).map_err(|error| system(&error))?;
        let executor = Arc::new(executor);
        let variants = Variants::new(models.clone(), defaults, limits.variants);
        let service = Arc::new(RewardService::new(registry, variants, executor, &limits));
        let rate = if keys.is_none() { limits.rate.map(Rate::new) } else { None };
        let hosts = if keys.is_some() || any_host { Hosts::Any } else { Hosts::Loopback };
        let stopping = AtomicBool::new(false);
        let app = Arc::new(App {
            service,
            packs,
            models,
            metrics,
            limits,
            access: Access { hosts, keys, rate },
            origins: Origins(origins),
            shadows,
            stopping,
        });
        Ok(Self { app, _watcher: watcher })
    }

    /// Returns the judging of this server, which dialects ask.
    pub fn rewards(&self) -> Arc<dyn Rewards> {
        self.app.service.clone()
    }

    /// The live packs, by name.
    pub fn live(&self) -> Vec<PackLabel> {
        self.app.service.registry.snapshot().packs.values().map(|version| version.label.clone()).collect()
    }

    /// Serves until `stop` ends. Then no connection is accepted any more, requests in flight have the grace of the
    /// limits to finish, and runs are closed. `more` routes, described by `documents`, are served beside the native
    /// ones.
    pub async fn serve(
        self,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        more: Router,
        documents: Vec<Document>,
        stop: impl Future<Output = ()>,
    ) -> ServerEnd {
        let app = self.app;
        let router = router(app.clone(), more, documents);
        let stopping = async {
            stop.await;
            app.stopping.store(true, Ordering::Relaxed);
        };
        let (connections, grace) = (app.limits.connections, app.limits.grace);
        let finished = http::serve(listener, tls, router, connections, stopping, grace).await;
        drop(self._watcher);
        app.service.variants.clear(None);
        app.service.registry.clear();
        let runs = app.service.executor.runs.clone();
        let closed = tokio::task::spawn_blocking(move || runs.wait_closed(CLOSING)).await.unwrap_or(false);
        ServerEnd { finished, closed }
    }
}

fn check(
    registry: &Registry<PackVersion>,
    shadows: &BTreeMap<String, String>,
    may_come: bool,
) -> Result<(), StartError> {
    let roster = registry.snapshot();
    if roster.packs.is_empty() && !may_come {
        return Err(StartError::NoPacks("name one with --pack, or put one into the directory of --packs".to_owned()));
    }
    for (live, shadow) in shadows {
        if let Some(missing) = [live, shadow].into_iter().find(|name| !roster.packs.contains_key(*name)) {
            let known = roster.packs.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(StartError::Shadow {
                live: live.clone(),
                shadow: shadow.clone(),
                missing: missing.clone(),
                known,
            });
        }
    }
    Ok(())
}
