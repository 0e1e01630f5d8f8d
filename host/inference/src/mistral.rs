//! A model in this process, run by mistral.rs.
//!
//! Every sample is a function of its own request alone, whatever else runs: tokens are chosen by [`gumbel`] noise
//! derived from the request's seed, and batching and prefix caching are used only where they were seen not to change
//! the text (on the CPU they do, and so are off).

mod control_tokens;
mod device;
mod engine;
mod gumbel;
mod load;
mod sampler;
mod self_check;
mod source;

use async_trait::async_trait;
use tokio::sync::Semaphore;

pub use device::DeviceChoice;
pub use source::ModelSource;

use crate::digest;
use engine::Engine;
use load::LoadedModel;
use rewarden_types::Constraint;
use rewarden_types::ModelError;
use rewarden_types::{Completion, GenerateProgress, GenerateRequest, Identity, Model, PromptInput, Sampling};
use self_check::Greedy;

/// How a model is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MistralOptions {
    /// Where it runs.
    pub device: DeviceChoice,
    /// Most sequences at once where batching is safe, at least 1. On the CPU it is always one.
    pub max_batch: usize,
}

impl Default for MistralOptions {
    fn default() -> Self {
        MistralOptions { device: DeviceChoice::Auto, max_batch: 16 }
    }
}

/// News of a model that is being loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadEvent {
    /// The weights are being read, onto this device.
    Loading {
        /// The model's name.
        model: String,
        /// Such as `cuda:0`.
        device: String,
    },
    /// The self-check of batching and prefix caching runs.
    SelfCheck,
}

/// A model in this process.
pub struct MistralModel {
    identity: Identity,
    engine: Engine,
    concurrency: usize,
    turns: Semaphore,
}

impl MistralModel {
    /// Loads a model. Blocks neither the caller's thread nor its runtime, which must be a multi-threaded one.
    pub async fn load(
        source: &ModelSource,
        options: &MistralOptions,
        on_event: &(dyn Fn(LoadEvent) + Send + Sync),
    ) -> Result<MistralModel, ModelError> {
        if options.max_batch == 0 {
            return Err(ModelError::InvalidOption {
                option: "max_batch",
                found: "0".into(),
                expected: "at least 1".into(),
            });
        }
        let (choice, device) = options.device.open()?;
        let batch = if device.is_cpu() { 1 } else { options.max_batch };
        on_event(LoadEvent::Loading { model: source.name(), device: choice.to_string() });
        let (digest, loaded) =
            tokio::try_join!(digest_of(source.clone()), LoadedModel::load(source, choice, device, batch))?;
        let (engine, concurrency) = if batch > 1 && loaded.is_paged() {
            on_event(LoadEvent::SelfCheck);
            checked_engine(&loaded, batch).await?
        } else {
            (loaded.start(false).await?, 1)
        };
        let identity = Identity {
            backend: "mistral.rs".into(),
            model: source.name(),
            digest,
            device: Some(choice.to_string()),
            endpoint: None,
        };
        Ok(MistralModel { identity, engine, concurrency, turns: Semaphore::new(concurrency) })
    }
}

/// Starts the fastest engine whose text does not depend on what else it does.
async fn checked_engine(loaded: &LoadedModel, batch: usize) -> Result<(Engine, usize), ModelError> {
    let mut engine = loaded.start(true).await?;
    if !self_check::prefix_hits_are_harmless(&engine).await? {
        tracing::warn!(
            "the prefix cache changes what the model writes on this device; going on without it, more slowly"
        );
        drop(engine);
        engine = loaded.start(false).await?;
    }
    if self_check::batches_are_harmless(&engine).await? {
        return Ok((engine, batch));
    }
    tracing::warn!(
        "batching changes what the model writes on this device; going on with one sample at a time, more slowly"
    );
    Ok((engine, 1))
}

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
        self.concurrency
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, ModelError> {
        crate::request::validate(request)?;
        let _turn = self
            .turns
            .acquire()
            .await
            .map_err(|closed| ModelError::Engine { model: self.identity.model.clone(), message: closed.to_string() })?;
        self.engine.generate(request, progress).await
    }
}

#[async_trait]
impl Greedy for Engine {
    async fn greedy(&self, prompt: &str) -> Result<String, ModelError> {
        let sampling = Sampling { temperature: 0.0, top_p: None, max_tokens: 24, seed: 0 };
        let request = GenerateRequest {
            constraint: Some(Constraint::Regex(self_check::FORM.to_owned())),
            ..GenerateRequest::new(PromptInput::user(prompt), sampling)
        };
        // Thinking counts too: for a model that thinks, it is all that 24 tokens hold.
        let completion = self.generate(&request, &|_| ()).await?;
        Ok(format!("{}\n{}", completion.thinking.unwrap_or_default(), completion.text))
    }
}
