//! One version of a pack, ready to judge.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rewarden_dialects::{PackLabel, Problem, ProblemKind, SamplingWishes};
use rewarden_judge::{Judge, JudgeModels, JudgeSettings, Pack};
use rewarden_record::SamplingProvenance;
use rewarden_store::{Header, RunSource};
use rewarden_types::Sha256Digest;
use tokio::sync::Mutex;

use crate::live::models::Models;
use crate::live::registry::Live;
use crate::live::runs::{OpenRun, RunError, RunStore};
use crate::settings::Defaults;

const DEFAULT_TEMPERATURE: f64 = 0.5;
const DEFAULT_MAX_TOKENS: u32 = 1024;

/// A pack with everything that decides its rewards. Immutable: other settings or another seed make another version.
pub(crate) struct PackVersion {
    pub(crate) label: PackLabel,
    pub(crate) judge: Judge,
    /// SHA-256 over everything that decides its rewards: the pack's digest, the model, the sampling, the seed.
    pub(crate) identity: [u8; 32],
    run: ArcSwapOption<OpenRun>,
    opening: Mutex<()>,
}

impl PackVersion {
    /// Combines a pack with the operator's defaults and a request's own sampling, which takes precedence.
    pub(crate) fn new(
        pack: Pack,
        models: &Models,
        defaults: &Defaults,
        wishes: &SamplingWishes,
    ) -> Result<Self, String> {
        if pack.asks_model() && models.judge.is_none() {
            return Err(format!(
                "the pack `{}` asks a model, and this server was started without one; start it with --model or --endpoint",
                pack.name
            ));
        }
        let own = pack.sampling;
        let standing = defaults.sampling;
        let sampling = SamplingProvenance {
            temperature: wishes.temperature.or(standing.temperature).or(own.temperature).unwrap_or(DEFAULT_TEMPERATURE),
            top_p: wishes.top_p.or(standing.top_p).or(own.top_p),
            max_tokens: Some(
                wishes.max_tokens.or(standing.max_tokens).or(own.max_tokens).unwrap_or(DEFAULT_MAX_TOKENS),
            ),
        };
        let settings = JudgeSettings {
            sampling,
            seed: wishes.seed.or(standing.seed).unwrap_or_default(),
            budget: defaults.budget,
        };
        let model = match &models.judge {
            Some(model) if pack.asks_model() => model.clone(),
            _ => models.none.clone(),
        };
        let judges = JudgeModels::of_pack(&pack, model, models.meta.clone(), &*models.opener)
            .map_err(|message| format!("the pack `{}`: {message}", pack.name))?;
        let judges = held(judges, &pack)?;
        let (name, version) = (pack.name.clone(), pack.version.clone());
        let judge = Judge::new(pack, judges, settings);
        let undescribed = |error: serde_json::Error| format!("the pack `{name}` cannot be described: {error}");
        let provenance = judge.provenance();
        let digest = Sha256Digest::of(&serde_json::to_vec(&provenance.strategy).map_err(undescribed)?);
        let mut identity = digest.bytes().to_vec();
        identity.extend(serde_json::to_vec(&provenance.drawn).map_err(undescribed)?);
        let identity = *Sha256Digest::of(&identity).bytes();
        Ok(Self {
            label: PackLabel { name, version, digest: digest.to_string() },
            judge,
            identity,
            run: ArcSwapOption::empty(),
            opening: Mutex::new(()),
        })
    }

    /// The pack itself.
    pub(crate) fn pack(&self) -> &Pack {
        self.judge.pack()
    }

    /// The run that its rewards go to. Opened when it is first needed, and again after it could not be written or is no longer where
    /// it was.
    pub(crate) async fn run(&self, runs: &Arc<RunStore>) -> Result<Arc<OpenRun>, Problem> {
        if let Some(run) = self.run.load_full() {
            if run.is_in_place() {
                return Ok(run);
            }
            tracing::error!(
                "{} was moved away, deleted or cut while it was written: what was recorded in the last second or more is not in it; \
                 another is begun",
                run.path().display()
            );
            self.give_up(&run);
        }
        let _opening = self.opening.lock().await;
        if let Some(run) = self.run.load_full() {
            return Ok(run);
        }
        let provenance = self.judge.provenance();
        let header = Header::new(RunSource::Score, None, provenance.drawn.clone(), Some(provenance.strategy.clone()));
        let components = self.pack().components();
        let (runs, label) = (runs.clone(), self.label.clone());
        let run = tokio::task::spawn_blocking(move || runs.open(&label, &header, &components))
            .await
            .map_err(|error| Problem::new(ProblemKind::Internal, format!("opening the run was lost: {error}")))?
            .map_err(|error| {
                let kind = match error {
                    RunError::TooMany { .. } => ProblemKind::InvalidRequest,
                    RunError::Store(_) => ProblemKind::Unavailable,
                };
                Problem::new(kind, format!("the reward cannot be recorded: {error}"))
            })?;
        self.run.store(Some(run.clone()));
        Ok(run)
    }

    /// Forgets a run that could not be written, so that the next request tries again.
    pub(crate) fn give_up(&self, run: &Arc<OpenRun>) {
        let current = self.run.load();
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, run)) {
            self.run.store(None);
        }
    }
}

/// How long a model's server may take to say what its answers can be held to, one token included. A pack is loaded without
/// knowing it if the server takes longer.
const ASKING: Duration = Duration::from_secs(20);

/// The models as the pack asks them. Called on threads that may block.
fn held(models: JudgeModels, pack: &Pack) -> Result<JudgeModels, String> {
    let Ok(handle) = tokio::runtime::Handle::try_current() else { return Ok(models) };
    if !pack.asks_model() {
        return Ok(models);
    }
    let asked = async { tokio::time::timeout(ASKING, models.clone().held(pack)).await };
    match handle.block_on(asked) {
        Ok(held) => {
            let held = held?;
            for line in held.found {
                tracing::info!("{line}");
            }
            for line in held.dropped.iter().chain(&held.unreached) {
                tracing::warn!("the pack `{}`: {line}", pack.name);
            }
            Ok(held.models)
        }
        Err(_) => {
            let seconds = ASKING.as_secs();
            tracing::warn!(
                "the pack `{}`: its model's server did not say within {seconds} s what it can be held to",
                pack.name
            );
            Ok(models)
        }
    }
}

impl Live for PackVersion {
    fn label(&self) -> &PackLabel {
        &self.label
    }

    /// Lets go of its run. What is still being judged keeps it open.
    fn retire(&self) {
        self.run.store(None);
    }
}
