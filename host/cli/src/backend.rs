//! Opening the model that the options name.

use std::sync::Arc;

use anyhow::Result;
use rewarden_inference::Model;
use rewarden_inference::openai::{ConstraintDialect, OpenAiModel, OpenAiOptions};

use crate::args::{ConstraintServer, ModelOptions, Places};

/// The model behind `--endpoint`, or the one to run in this process.
pub async fn open(options: &ModelOptions, places: &Places, quiet: bool) -> Result<Arc<dyn Model>> {
    match (&options.endpoint, &options.model) {
        (Some(endpoint), Some(model)) => Ok(Arc::new(remote(endpoint, model, options)?)),
        (Some(_), None) => anyhow::bail!("--endpoint needs --model: the name by which the server knows the model"),
        (None, model) => local(model.as_deref(), options, places, quiet).await,
    }
}

#[cfg(not(feature = "mistralrs"))]
async fn local(_: Option<&str>, _: &ModelOptions, _: &Places, _: bool) -> Result<Arc<dyn Model>> {
    anyhow::bail!("this binary was built without mistral.rs; name a server with --endpoint and --model")
}
