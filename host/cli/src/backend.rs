//! Opening the model that the options name.

use std::sync::Arc;
use std::time::Duration;

use crate::judges::JudgeOpener;
use crate::options::{ConstraintServer, MetaInput, MetaKind, ModelOptions, Places};
use anyhow::Result;
use async_trait::async_trait;
use rewarden_inference::{
    ServerTerms,
    openai::{ConstraintDialect, OpenAiModel, OpenAiOptions},
    scalar::{ScalarInput, ScalarModel, ScalarOptions, ScalarRoute},
};
use rewarden_types::{Completion, GenerateProgress, GenerateRequest, Identity, Model, ModelError};

/// The model behind `--endpoint`, or the one to run in this process.
pub(crate) async fn open(options: &ModelOptions, places: &Places, quiet: bool) -> Result<Arc<dyn Model>> {
    match (&options.endpoint, &options.model) {
        (Some(endpoint), Some(model)) => Ok(Arc::new(remote(endpoint, model, options, judge_key())?)),
        (Some(_), None) => anyhow::bail!("--endpoint needs --model: the name by which the server knows the model"),
        (None, model) => local(model.as_deref(), options, places, quiet).await,
    }
}

/// The model that the meta RM runs on, if it is not the judge's own.
pub(crate) async fn open_meta(options: &ModelOptions, places: &Places, quiet: bool) -> Result<Option<Arc<dyn Model>>> {
    match (&options.meta_endpoint, &options.meta_model) {
        (None, None) => Ok(None),
        (None, Some(model)) => local(Some(model), options, places, quiet).await.map(Some),
        (Some(_), None) => {
            anyhow::bail!("--meta-endpoint needs --meta-model: the name by which the server knows the meta RM")
        }
        (Some(endpoint), Some(model)) => {
            let key = key("REWARDEN_META_API_KEY").or_else(judge_key);
            let route = match options.meta_kind {
                MetaKind::Chat => {
                    if options.meta_input.is_some() {
                        anyhow::bail!(
                            "--meta-input is for --meta-kind classify or pooling; a chat model always gets messages"
                        );
                    }
                    return Ok(Some(Arc::new(remote(endpoint, model, options, key)?)));
                }
                MetaKind::Classify => ScalarRoute::Classify,
                MetaKind::Pooling => ScalarRoute::Pooling,
            };
            let input = match options.meta_input {
                None | Some(MetaInput::Messages) => ScalarInput::Messages,
                Some(MetaInput::Text) => ScalarInput::Text,
            };
            let scalar = ScalarOptions { route, input, terms: terms(options, key) };
            Ok(Some(Arc::new(ScalarModel::new(endpoint, model, scalar)?)))
        }
    }
}

/// One try may take as long as the options say, and all of them together have room for one that timed out, and for one
/// more after it.
fn terms(options: &ModelOptions, api_key: Option<String>) -> ServerTerms {
    let usual = ServerTerms::default();
    let try_timeout = Duration::from_secs(options.timeout.into());
    ServerTerms {
        api_key,
        concurrency: options.concurrency.into(),
        try_timeout,
        total_timeout: usual.total_timeout.max(try_timeout * 3),
        ..usual
    }
}

fn key(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|key| !key.is_empty())
}

fn judge_key() -> Option<String> {
    key("REWARDEN_API_KEY").or_else(|| key("OPENAI_API_KEY"))
}

/// For packs that ask no model.
pub(crate) fn none() -> Arc<dyn Model> {
    Arc::new(NoModel(Identity::new("none", "none")))
}

struct NoModel(Identity);

#[async_trait]
impl Model for NoModel {
    fn identity(&self) -> &Identity {
        &self.0
    }

    /// Tasks are judged side by side all the same.
    fn concurrency(&self) -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }

    async fn generate(
        &self,
        _: &GenerateRequest,
        _: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, ModelError> {
        Err(ModelError::InvalidRequest {
            field: "model",
            found: "none".into(),
            expected: "a model; the pack has only scorers",
        })
    }
}

/// Opens the models of judges that do not run on the usual one.
pub(crate) fn judges(options: &ModelOptions) -> JudgeOpener {
    JudgeOpener {
        options: options.judges.clone(),
        endpoint: options.endpoint.clone(),
        model: options.model.clone(),
        scores_here: options.endpoint.is_none() && options.model.as_deref().is_some_and(scores),
        openai: openai(options, judge_key()),
    }
}

fn remote(endpoint: &str, model: &str, options: &ModelOptions, api_key: Option<String>) -> Result<OpenAiModel> {
    Ok(OpenAiModel::new(endpoint, model, openai(options, api_key))?)
}

fn openai(options: &ModelOptions, api_key: Option<String>) -> OpenAiOptions {
    OpenAiOptions {
        terms: terms(options, api_key),
        constraints: match options.constraints {
            ConstraintServer::Auto => ConstraintDialect::Auto,
            ConstraintServer::None => ConstraintDialect::None,
            ConstraintServer::Openai => ConstraintDialect::OpenAi,
            ConstraintServer::Vllm => ConstraintDialect::Vllm,
            ConstraintServer::Sglang => ConstraintDialect::Sglang,
            ConstraintServer::LlamaCpp => ConstraintDialect::LlamaCpp,
            ConstraintServer::Tgi => ConstraintDialect::Tgi,
            ConstraintServer::Ollama => ConstraintDialect::Ollama,
            ConstraintServer::LmStudio => ConstraintDialect::LmStudio,
        },
    }
}

#[cfg(feature = "mistralrs")]
async fn local(model: Option<&str>, options: &ModelOptions, places: &Places, quiet: bool) -> Result<Arc<dyn Model>> {
    use rewarden_inference::mistral::{LoadEvent, MistralModel, MistralOptions, ModelSource};

    let source = match model {
        Some(model) => ModelSource::resolve(model)?,
        None => ModelSource::Gguf(crate::model::obtain(&crate::model::cache(places)?).await?),
    };
    let max_sequences = options.max_num_seqs.map(usize::from);
    let settings = MistralOptions { device: options.device.parse()?, max_sequences };
    let tell = |event| {
        if !quiet && crate::terminal::is_watched() {
            match event {
                LoadEvent::Loading { model, device } => crate::console::err!("loading {model} on {device}"),
                LoadEvent::SelfCheck => crate::console::err!("checking what batches do to the model"),
                LoadEvent::Checked { effect, sequences } => {
                    crate::console::err!("batches: {effect}; at once: {sequences}");
                }
            }
        }
    };
    Ok(Arc::new(MistralModel::load(&source, &settings, &tell).await?))
}

/// Whether it is a directory with a model that scores; what is wrong with one is said when it is loaded.
#[cfg(feature = "mistralrs")]
fn scores(model: &str) -> bool {
    use rewarden_inference::mistral::ModelSource;
    ModelSource::resolve(model).is_ok_and(|source| source.scores())
}

#[cfg(not(feature = "mistralrs"))]
fn scores(_: &str) -> bool {
    false
}

#[cfg(not(feature = "mistralrs"))]
async fn local(_: Option<&str>, _: &ModelOptions, _: &Places, _: bool) -> Result<Arc<dyn Model>> {
    anyhow::bail!("this binary was built without mistral.rs; name a server with --endpoint and --model")
}
