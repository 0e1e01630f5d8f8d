//! From a source and a device to a running engine.

use std::sync::Arc;

use candle_core::Device;
use mistralrs::core::{AddModelConfig, Pipeline};
use mistralrs::model_builder_trait::build_model_from_pipeline;
use mistralrs::{
    AnyModelBuilder, GgufModelBuilder, MemoryGpuConfig, ModelDType, PagedAttentionConfig, PagedAttentionMetaBuilder,
    SchedulerConfig, TextModelBuilder, paged_attn_supported,
};
use tokio::sync::Mutex;

use super::admission::{SequenceGate, Sharing};
use super::control_tokens::ControlTokens;
use super::device::{self, DeviceChoice};
use super::engine::{Engine, Vocabulary};
use super::score_head::ScoreHead;
use super::source::ModelSource;
use super::twin::Twin;
use crate::backtrace;
use crate::gguf;
use rewarden_types::ModelError;

/// Share of a GPU's memory for weights and key-value blocks together. The rest is for activations and other programs.
const GPU_MEMORY_SHARE: f32 = 0.85;

/// Weights in memory, from which engines can be started.
pub(crate) struct LoadedModel {
    name: String,
    pipeline: Arc<Mutex<dyn Pipeline>>,
    scheduler: SchedulerConfig,
    config: AddModelConfig,
    vocabulary: Arc<Vocabulary>,
    context: usize,
    sharing: Sharing,
}

impl LoadedModel {
    /// Loads the weights. `sequences` is the most that may ever run at once; `head` is the model's, if it scores.
    pub(crate) async fn load(
        source: &ModelSource,
        choice: DeviceChoice,
        device: Device,
        sequences: usize,
        head: Option<&ScoreHead>,
    ) -> Result<Self, ModelError> {
        let name = source.name();
        let failed = |message: String| ModelError::Load {
            model: name.clone(),
            message: device::explained(&backtrace::cut(&message)),
        };
        device::check_tools(choice, &device)?;
        let on_cpu = device.is_cpu();
        // Removed when the model is loaded.
        let twin = match source {
            ModelSource::Directory(path) => Twin::of(path, head)?,
            ModelSource::Gguf(_) | ModelSource::Hub(_) => None,
        };
        let from = twin.as_ref().map_or_else(|| source.clone(), |twin| ModelSource::Directory(twin.path().to_owned()));
        // A score is one number out of one pass: halves would save little time there, and cost it most of its digits.
        let dtype = if head.is_some() && on_cpu { ModelDType::F32 } else { ModelDType::Auto };
        let builder = builder(&from, &name, choice, device, sequences, dtype)?;
        // Loading blocks for as long as it takes to read the file, and it may panic on files that it does not expect.
        let runtime = tokio::runtime::Handle::current();
        let (pipeline, scheduler, config) =
            tokio::task::spawn_blocking(move || runtime.block_on(builder.build_pipeline()))
                .await
                .map_err(|panic| failed(format!("mistral.rs gave up: {panic}")))?
                .map_err(|error| failed(format!("{error:#}")))?;
        let (vocabulary, context, sharing) = {
            let pipeline = pipeline.lock().await;
            let metadata = pipeline.get_metadata();
            let trie =
                metadata.tok_env().ok_or_else(|| failed("it has no tokenizer, so it cannot write text".into()))?;
            let Some(template) = pipeline.get_chat_template().filter(|t| t.has_chat_template()) else {
                return Err(failed("it has no chat template; use a chat (instruct) model".into()));
            };
            let control = pipeline.tokenizer().map(|tokenizer| {
                let added = tokenizer.get_added_tokens_decoder();
                ControlTokens::new(added.into_values().filter(|t| t.special).map(|t| t.content))
            });
            // The engine's own list can lack the token by which a grammar ends (SmolLM2: `<|endoftext|>` beside
            // `<|im_end|>`); without it a constrained text goes on to its token limit, invisibly.
            let mut end_of_turn = metadata.eos_tok.clone();
            let grammar_end = trie.tok_trie().eos_token();
            // Some tokenizers have none, and then the number is an ordinary token's.
            let is_control = trie.tok_trie().decode_ext(&[grammar_end], false).is_empty();
            if is_control && !end_of_turn.contains(&grammar_end) {
                end_of_turn.push(grammar_end);
            }
            let vocabulary = Vocabulary {
                trie,
                end_of_turn,
                grammar_end,
                control: control.unwrap_or_else(|| ControlTokens::new([])),
                engine_sets_thinking_apart: template.is_harmony_format() || template.uses_channel_tags(),
            };
            let (sharing, context) = match (&scheduler, &metadata.cache_config) {
                (SchedulerConfig::PagedAttentionMeta { .. }, Some(cache)) => {
                    // One block is never given out.
                    let blocks = cache.num_gpu_blocks.saturating_sub(1);
                    let paged = Sharing::Paged { sequences, blocks, block_size: cache.block_size };
                    (paged, metadata.max_seq_len.min(blocks * cache.block_size))
                }
                // As published, batches on the CPU are corrupt.
                _ if cfg!(feature = "edited") && on_cpu && sequences > 1 => {
                    (Sharing::OnePrompt { sequences }, metadata.max_seq_len)
                }
                _ => (Sharing::Alone, metadata.max_seq_len),
            };
            (vocabulary, context, sharing)
        };
        Ok(LoadedModel { name, pipeline, scheduler, config, vocabulary: Arc::new(vocabulary), context, sharing })
    }

    /// How sequences may share the engine, if it proves sound.
    pub(crate) fn sharing(&self) -> Sharing {
        self.sharing
    }

    /// Starts an engine. Only one may run at a time.
    pub(crate) async fn start(&self, sharing: Sharing) -> Result<Engine, ModelError> {
        let mut config = self.config.clone();
        // Never on: blocks that were not computed yet get into it, and others that are read at the wrong length.
        config.engine_config.no_prefix_cache = true;
        let (pipeline, scheduler) = (Arc::clone(&self.pipeline), self.scheduler.clone());
        let runtime = tokio::runtime::Handle::current();
        // The engine starts with a blocking test run of one token.
        let model = tokio::task::spawn_blocking(move || {
            runtime.block_on(build_model_from_pipeline(pipeline, scheduler, config))
        })
        .await
        .map_err(|panic| ModelError::Load {
            model: self.name.clone(),
            message: format!("the engine did not start: {panic}"),
        })?;
        let (pipeline, vocabulary) = (Arc::clone(&self.pipeline), Arc::clone(&self.vocabulary));
        Ok(Engine::new(self.name.clone(), model, pipeline, vocabulary, self.context, SequenceGate::new(sharing)))
    }
}

fn builder(
    source: &ModelSource,
    name: &str,
    choice: DeviceChoice,
    device: Device,
    sequences: usize,
    dtype: ModelDType,
) -> Result<AnyModelBuilder, ModelError> {
    let failed = |message: String| ModelError::Load { model: name.to_owned(), message };
    let on_cpu = device.is_cpu();
    if !matches!(choice, DeviceChoice::Cpu | DeviceChoice::Cuda(0) | DeviceChoice::Metal(0)) {
        return Err(ModelError::Device {
            device: choice.to_string(),
            message: "mistral.rs uses the first GPU; make another one the first, for CUDA by setting \
                      CUDA_VISIBLE_DEVICES"
                .into(),
        });
    }
    let paged = paged_attention(on_cpu).map_err(failed)?;
    match source {
        ModelSource::Gguf(path) => {
            let path = path.canonicalize().map_err(|source| ModelError::File {
                action: "resolving",
                path: path.display().to_string(),
                source,
            })?;
            gguf::check(&path).map_err(|error| failed(error.to_string()))?;
            let (Some(directory), Some(file)) = (path.parent(), path.file_name()) else {
                return Err(failed("the path has no file name".into()));
            };
            // With a directory for an id and no tokenizer id, everything comes from the file and nothing from the hub.
            let mut builder = GgufModelBuilder::new(directory.display(), vec![file.to_string_lossy()])
                .with_max_num_seqs(sequences)
                .with_prefix_cache_n(None)
                .with_device(device);
            if on_cpu {
                // In a build for a GPU the device by itself is not enough.
                builder = builder.with_force_cpu();
            }
            if let Some(paged) = paged {
                builder = builder.with_paged_attn(paged);
            }
            Ok(builder.into())
        }
        ModelSource::Directory(_) | ModelSource::Hub(_) => {
            let id = match source {
                ModelSource::Directory(path) | ModelSource::Gguf(path) => path.display().to_string(),
                ModelSource::Hub(id) => id.clone(),
            };
            let mut builder =
                TextModelBuilder::new(id).with_max_num_seqs(sequences).with_prefix_cache_n(None).with_dtype(dtype);
            if on_cpu {
                builder = builder.with_force_cpu();
            }
            if let Some(paged) = paged {
                builder = builder.with_paged_attn(paged);
            }
            Ok(builder.into())
        }
    }
}

fn paged_attention(on_cpu: bool) -> Result<Option<PagedAttentionConfig>, String> {
    if on_cpu || !paged_attn_supported() {
        return Ok(None);
    }
    PagedAttentionMetaBuilder::default()
        .with_gpu_memory(MemoryGpuConfig::Utilization(GPU_MEMORY_SHARE))
        .build()
        .map(Some)
        .map_err(|error| format!("{error:#}"))
}
