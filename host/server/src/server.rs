//! A server, from its configuration to its end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use rewarden_runtime::Runtime;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use utoipa::openapi::OpenApi as Document;

use crate::app::{self, App};
use crate::ask::{PackLabel, Rewards};
use crate::bench::Bench;
use crate::cohorts::Cohorts;
use crate::cors::Origins;
use crate::desk::Desk;
use crate::gate::Hosts;
use crate::idempotency::Idempotency;
use crate::keys::Keys;
use crate::listen;
use crate::loads::Loads;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::order::ChangeOrder;
use crate::packs::{PackRefused, Packs};
use crate::rate::Rate;
use crate::registry::{Change, Registry};
use crate::runs::RunStore;
use crate::settings::{Defaults, Limits};
use crate::shadow::Shadows;
use crate::upload;
use crate::variants::Variants;
use crate::watch::PackDirectory;

/// How long closing runs may take after the last request.
const CLOSING: Duration = Duration::from_secs(30);

/// What a server is made of.
pub struct ServerConfig {
    /// Runs the packs' components.
    pub runtime: Runtime,
    /// What packs run on.
    pub models: Models,
    /// How packs are sampled where a request does not say.
    pub defaults: Defaults,
    /// What requests may cost and change.
    pub limits: Limits,
    /// Where runs go.
    pub runs: PathBuf,
    /// Directories of packs; the first is the default one.
    pub packs: Vec<PathBuf>,
    /// A directory of packs that is watched, and to which uploads go.
    pub watched: Option<PathBuf>,
    /// Who may ask.
    pub keys: Option<Keys>,
    /// Whether any host name is answered without keys; without it loopback names only.
    pub any_host: bool,
    /// Origins whose web pages may ask, such as `https://notebook.example`.
    pub origins: Vec<String>,
    /// The shadow of a live pack, by name.
    pub shadows: BTreeMap<String, String>,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A pack that it was told to serve cannot be.
    #[error("{pack}: {error}")]
    Pack {
        /// Its directory.
        pack: String,
        /// Why.
        error: PackRefused,
    },
    /// The directory for runs or packs.
    #[error("{path}: {error}")]
    Directory {
        /// Which.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// Nothing would be served.
    #[error("no pack is live: {0}")]
    NoPacks(String),
    /// A shadow of, or by, a pack that is not there.
    #[error("--shadow {live}={shadow}: no pack `{missing}` is live; live packs: {known}")]
    Shadow {
        /// The live pack.
        live: String,
        /// Its shadow.
        shadow: String,
        /// The one that is not there.
        missing: String,
        /// Those that are.
        known: String,
    },
    /// Threads or watches that the system does not give.
    #[error("{0}")]
    System(String),
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Whether everything in flight was finished within the grace; the rest was dropped, its samples so far are in the runs.
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
            keys,
            any_host,
            origins,
            shadows,
        } = config;
        let system = |error: &dyn std::fmt::Display| StartError::System(error.to_string());
        let metrics = Arc::new(Metrics::new());
        let registry = Arc::new(Registry::default());
        let store =
            RunStore::new(&runs).map_err(|error| StartError::Directory { path: runs.display().to_string(), error })?;
        let packs = Arc::new(Packs {
            runtime,
            registry: registry.clone(),
            models: models.clone(),
            defaults: defaults.clone(),
            metrics: metrics.clone(),
            directory: watched.clone(),
            changing: tokio::sync::Mutex::new(()),
            loads: Loads::new(limits.load_time),
            order: ChangeOrder::default(),
            most: limits.packs,
        });
        for directory in &given {
            let pack = directory.display().to_string();
            match packs.go_live(directory.clone(), None).await {
                Ok((_, Change::Added)) => {}
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
                upload::sweep(&directory).map_err(failed)?;
                let mut looking = PackDirectory::new(packs.clone(), directory);
                looking.look().await.map_err(failed)?;
                Some(looking.watch().map_err(|error| system(&format!("{path} cannot be watched: {error}")))?)
            }
        };
        check(&registry, &shadows, packs.directory.is_some() && keys.is_some())?;
        let shadow =
            Shadows::new(shadows.clone(), registry.clone(), metrics.clone()).map_err(|error| system(&error))?;
        let bench = Bench::new(store, metrics.clone(), shadow, &limits).map_err(|error| system(&error))?;
        let bench = Arc::new(bench);
        let desk = Arc::new(Desk {
            registry,
            variants: Variants::new(models.clone(), defaults, limits.variants),
            cohorts: Cohorts::new(bench.clone(), &limits),
            bench,
            limits: limits.clone(),
        });
        let rate = if keys.is_none() { limits.rate.map(Rate::new) } else { None };
        let hosts = if keys.is_some() || any_host { Hosts::Any } else { Hosts::Loopback };
        let idempotency = Idempotency::new(limits.idempotency);
        let stopping = AtomicBool::new(false);
        let app = Arc::new(App {
            desk,
            packs,
            models,
            metrics,
            limits,
            keys,
            rate,
            hosts,
            origins: Origins(origins),
            shadows,
            idempotency,
            stopping,
        });
        Ok(Self { app, _watcher: watcher })
    }

    /// What answers asks: for dialects.
    pub fn rewards(&self) -> Arc<dyn Rewards> {
        self.app.desk.clone()
    }

    /// The live packs, by name.
    pub fn live(&self) -> Vec<PackLabel> {
        self.app.desk.registry.roster().packs.values().map(|version| version.label.clone()).collect()
    }

    /// Serves until `stop` ends; then no connection is taken any more, requests in flight have the grace of the limits to finish,
    /// and runs are closed. `more` routes stand beside the native ones behind the same gate, described by `documents`.
    pub async fn serve(
        self,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        more: Router,
        documents: Vec<Document>,
        stop: impl Future<Output = ()>,
    ) -> Ended {
        let app = self.app;
        let router = app::router(app.clone(), more, documents);
        let stopping = async {
            stop.await;
            app.stopping.store(true, Ordering::Relaxed);
        };
        let (connections, grace) = (app.limits.connections, app.limits.grace);
        let finished = listen::serve(listener, tls, router, connections, stopping, grace).await;
        drop(self._watcher);
        app.desk.variants.clear(None);
        app.desk.registry.clear();
        let runs = app.desk.bench.runs.clone();
        let closed = tokio::task::spawn_blocking(move || runs.wait_closed(CLOSING)).await.unwrap_or(false);
        Ended { finished, closed }
    }
}

fn check(registry: &Registry, shadows: &BTreeMap<String, String>, may_come: bool) -> Result<(), StartError> {
    let roster = registry.roster();
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
