//! Opening the model that the options name.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rewarden_inference::Model;
use rewarden_inference::openai::{ConstraintDialect, OpenAiModel, OpenAiOptions};

use crate::args::{ConstraintServer, ModelOptions, Places};

/// The model behind `--endpoint`, or the one to run in this process.
pub(crate) async fn open(options: &ModelOptions, places: &Places, quiet: bool) -> Result<Arc<dyn Model>> {
    match (&options.endpoint, &options.model) {
        (Some(endpoint), Some(model)) => Ok(Arc::new(remote(endpoint, model, options)?)),
        (Some(_), None) => anyhow::bail!("--endpoint needs --model: the name by which the server knows the model"),
        (None, model) => local(model.as_deref(), options, places, quiet).await,
    }
}

fn remote(endpoint: &str, model: &str, options: &ModelOptions) -> Result<OpenAiModel> {
    let key = |name| std::env::var(name).ok().filter(|key| !key.is_empty());
    let try_timeout = Duration::from_secs(options.timeout.into());
    let defaults = OpenAiOptions::default();
    let options = OpenAiOptions {
        api_key: key("REWARDEN_API_KEY").or_else(|| key("OPENAI_API_KEY")),
        concurrency: options.concurrency.into(),
        try_timeout,
        // Room for a try that timed out, and for one more after it.
        total_timeout: defaults.total_timeout.max(try_timeout * 3),
        constraints: match options.constraints {
            ConstraintServer::None => ConstraintDialect::None,
            ConstraintServer::Openai => ConstraintDialect::OpenAi,
            ConstraintServer::Vllm => ConstraintDialect::Vllm,
            ConstraintServer::Sglang => ConstraintDialect::Sglang,
            ConstraintServer::LlamaCpp => ConstraintDialect::LlamaCpp,
        },
        ..defaults
    };
    Ok(OpenAiModel::new(endpoint, model, options)?)
}

#[cfg(feature = "mistralrs")]
async fn local(model: Option<&str>, options: &ModelOptions, places: &Places, quiet: bool) -> Result<Arc<dyn Model>> {
    use rewarden_inference::mistral::{LoadEvent, MistralModel, MistralOptions, Source};

    let source = match model {
        Some(model) => Source::resolve(model)?,
        None => Source::Gguf(crate::model::obtain(&crate::model::cache(places)?).await?),
    };
    let settings = MistralOptions { device: options.device.parse()?, max_batch: usize::from(options.concurrency) };
    let tell = |event| {
        if !quiet && crate::terminal::is_watched() {
            match event {
                LoadEvent::Loading { model, device } => eprintln!("loading {model} on {device}"),
                LoadEvent::SelfCheck => eprintln!("checking that batching does not change what the model writes"),
            }
        }
    };
    Ok(Arc::new(MistralModel::load(&source, &settings, &tell).await?))
}

#[cfg(not(feature = "mistralrs"))]
async fn local(_: Option<&str>, _: &ModelOptions, _: &Places, _: bool) -> Result<Arc<dyn Model>> {
    anyhow::bail!("this binary was built without mistral.rs; name a server with --endpoint and --model")
}
