//! Opening the model that the options name.

use std::sync::Arc;

use anyhow::Result;
use rewarden_inference::Model;

use crate::args::{ModelOptions, Places};

/// The model behind `--endpoint`, or the one to run in this process.
pub async fn open(options: &ModelOptions, places: &Places, quiet: bool) -> Result<Arc<dyn Model>> {
    match (&options.endpoint, &options.model) {
        (Some(_), _) => anyhow::bail!("--endpoint is not there yet"),
        (None, model) => local(model.as_deref(), options, places, quiet).await,
    }
}

#[cfg(feature = "mistralrs")]
async fn local(model: Option<&str>, options: &ModelOptions, places: &Places, quiet: bool) -> Result<Arc<dyn Model>> {
    use rewarden_inference::mistral::{LoadEvent, MistralModel, MistralOptions, Source};

    let source = match model {
        Some(model) => Source::resolve(model)?,
        None => Source::Gguf(crate::model::obtain(&crate::model::cache(places)?).await?),
    };
    let settings =
        MistralOptions { device: options.device.parse()?, max_batch: usize::from(options.concurrency) };
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
