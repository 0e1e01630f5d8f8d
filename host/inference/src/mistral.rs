//! A model in this process, run by mistral.rs.
//!
//! Every sample is a function of its own request alone, whatever else runs: tokens are chosen by [`gumbel`] noise
//! derived from the request's seed, and what batches do to the probabilities is tried at load. Where they change them,
//! samples run one after another, or, where only the last bits change, every result says so.

mod admission;
mod control_tokens;
mod device;
mod engine;
mod forced;
pub mod gumbel;
mod load;
mod prompt;
mod sampler;
mod score;
mod score_head;
mod self_check;
mod source;
mod twin;

use async_trait::async_trait;

pub use device::DeviceChoice;
pub use self_check::BatchEffect;
pub use source::ModelSource;

use crate::digest;
use admission::Sharing;
use engine::Engine;
use load::LoadedModel;
use rewarden_types::ModelError;
use rewarden_types::{Completion, GenerateProgress, GenerateRequest, Identity, Model};
use score_head::ScoreHead;
use self_check::Probes;

/// Most sequences at once; the number of rows that every decode step on a CUDA GPU has.
pub const MAX_SEQUENCES: usize = 64;

/// Sequences at once on the CPU where nothing else is said: more than that gain little there.
const ON_CPU: usize = 8;

/// How a model is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MistralOptions {
    /// Where it runs.
    pub device: DeviceChoice,
    /// Most sequences at once, 1 to [`MAX_SEQUENCES`]. None is as many as there is memory for, and 8 on the CPU.
    pub max_sequences: Option<usize>,
}

impl Default for MistralOptions {
    fn default() -> Self {
        MistralOptions { device: DeviceChoice::Auto, max_sequences: None }
    }
}

/// News of a model that is being loaded.
#[derive(Clone, Debug, PartialEq)]
pub enum LoadEvent {
    /// The weights are being read, onto this device.
    Loading {
        /// The model's name.
        model: String,
        /// Such as `cuda:0`.
        device: String,
    },
    /// The self-check of batches runs.
    SelfCheck,
    /// What it found.
    Checked {
        /// What batches do.
        effect: BatchEffect,
        /// Sequences that run at once from now on.
        sequences: usize,
    },
}

/// A model in this process.
///
/// A directory with a sequence classifier of one label (`Qwen2`, `Qwen3`, `Llama` or `Gemma2ForSequenceClassification`)
/// is a model that scores: like a [`ScalarModel`](crate::scalar::ScalarModel) it answers a conversation with one number,
/// which is the completion's text.
pub struct MistralModel {
    identity: Identity,
    engine: Engine,
    /// Of a model that scores.
    head: Option<ScoreHead>,
}

impl MistralModel {
    /// Loads a model. Blocks neither the caller's thread nor its runtime, which must be a multi-threaded one.
    pub async fn load(
        source: &ModelSource,
        options: &MistralOptions,
        on_event: &(dyn Fn(LoadEvent) + Send + Sync),
    ) -> Result<MistralModel, ModelError> {
        if let Some(found) = options.max_sequences.filter(|most| !(1..=MAX_SEQUENCES).contains(most)) {
            return Err(ModelError::InvalidOption {
                option: "max_sequences",
                found: found.to_string(),
                expected: format!("1 to {MAX_SEQUENCES}"),
            });
        }
        let (choice, device) = options.device.open()?;
        let head = head_of(source)?;
        let sequences = match (&head, options.max_sequences) {
            // A score is all prompt, and prompts are computed one by one.
            (Some(_), _) => 1,
            (None, Some(most)) => most,
            (None, None) => {
                if device.is_cpu() {
                    ON_CPU
                } else {
                    MAX_SEQUENCES
                }
            }
        };
        if device.is_cuda() {
            set_rows_of_decode_steps(MAX_SEQUENCES);
        }
        on_event(LoadEvent::Loading { model: source.name(), device: choice.to_string() });
        let (digest, loaded) = tokio::try_join!(
            digest_of(source.clone()),
            LoadedModel::load(source, choice, device, sequences, head.as_ref())
        )?;
        let (engine, batch_invariant) = checked_engine(&loaded, on_event).await?;
        let identity = Identity {
            digest,
            device: Some(choice.to_string()),
            batch_invariant: Some(batch_invariant),
            ..Identity::new(if head.is_some() { "mistral.rs-scalar" } else { "mistral.rs" }, source.name())
        };
        Ok(MistralModel { identity, engine, head })
    }
}

fn head_of(source: &ModelSource) -> Result<Option<ScoreHead>, ModelError> {
    match source {
        ModelSource::Directory(path) => match twin::configuration(path)? {
            Some(config) => ScoreHead::of(path, &config),
            None => Ok(None),
        },
        ModelSource::Gguf(_) | ModelSource::Hub(_) => Ok(None),
    }
}

/// Starts the fastest engine that does not confuse its sequences; also says whether its results are the same bit for bit
/// whatever else runs.
async fn checked_engine(
    loaded: &LoadedModel,
    on_event: &(dyn Fn(LoadEvent) + Send + Sync),
) -> Result<(Engine, bool), ModelError> {
    let sharing = loaded.sharing();
    if sharing.sequences() == 1 {
        return Ok((loaded.start(Sharing::Alone).await?, true));
    }
    on_event(LoadEvent::SelfCheck);
    let engine = loaded.start(sharing).await?;
    let effect = self_check::effect_of_batches(&engine, &probes(&engine, sharing)).await?;
    let alone = match (effect, sharing) {
        (BatchEffect::None, _) => false,
        // On a GPU batches are most of its speed. The CPU gains less from them than results that come out the same are
        // worth; and as published, the engine goes through contortions for unlike lengths that only cost time.
        (BatchEffect::Rounding { .. }, Sharing::Paged { .. }) => !cfg!(feature = "edited"),
        (BatchEffect::Rounding { .. } | BatchEffect::Corruption { .. }, _) => true,
    };
    let engine = if alone {
        drop(engine);
        loaded.start(Sharing::Alone).await?
    } else {
        engine
    };
    tracing::info!(%effect, sequences = engine.sequences(), "self-check of batches");
    if alone {
        tracing::warn!(
            "self-check of batches: {effect}; going on with one sample at a time, more slowly{}",
            if cfg!(feature = "edited") { "" } else { "; `cargo xtask build` makes a binary that runs many at once" }
        );
    }
    on_event(LoadEvent::Checked { effect, sequences: engine.sequences() });
    Ok((engine, alone || effect == BatchEffect::None))
}

fn probes(engine: &Engine, sharing: Sharing) -> Probes {
    // Not the same prompts everywhere and always.
    let nonce = u64::from(std::process::id());
    let tokens = engine.vocabulary().ordinary_tokens();
    match sharing {
        Sharing::Paged { sequences, .. } => {
            // As published it takes many times longer for more.
            let sequences = if cfg!(feature = "edited") { sequences } else { sequences.min(8) };
            Probes::of_unlike_prompts(&tokens, nonce, sequences)
        }
        Sharing::OnePrompt { .. } | Sharing::Alone => Probes::of_one_prompt(&tokens, nonce),
    }
}

/// Has every decode step computed with so many rows, so that a sequence's do not depend on how many run beside it.
#[cfg(feature = "edited")]
fn set_rows_of_decode_steps(rows: usize) {
    mistralrs::core::rewarden::set_decode_rows(rows);
}

#[cfg(not(feature = "edited"))]
fn set_rows_of_decode_steps(_: usize) {}

async fn digest_of(source: ModelSource) -> Result<Option<String>, ModelError> {
    let model = source.name();
    let digest = move || match &source {
        ModelSource::Gguf(path) => digest::of_file(path).map(Some),
        ModelSource::Directory(path) => digest::of_directory(path).map(Some),
        ModelSource::Hub(_) => Ok(None),
    };
    tokio::task::spawn_blocking(digest)
        .await
        .map_err(|panic| ModelError::Load { model, message: format!("its digest could not be computed: {panic}") })?
}

#[async_trait]
impl Model for MistralModel {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn concurrency(&self) -> usize {
        self.engine.sequences()
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, ModelError> {
        crate::request::validate(request)?;
        match &self.head {
            Some(head) => self.engine.score(request, head).await,
            None => self.engine.generate(request, progress).await,
        }
    }
}
