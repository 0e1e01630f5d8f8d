//! `rewarden model`, and where models are kept.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::options::Places;
use anyhow::{Context as _, Result};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Fetch the default model (SmolLM2-135M-Instruct, about 90 MB) unless it is there, and print its path.
    Pull(Places),
    /// Print the path of the default model; fails when it has not been fetched.
    Path(Places),
}

/// The directory for models and compiled components.
pub(crate) fn cache(places: &Places) -> Result<PathBuf> {
    if let Some(directory) = &places.cache_dir {
        return Ok(directory.clone());
    }
    let dirs = etcetera::base_strategy::choose_base_strategy()
        .context("there is no home directory to keep a cache in; name a directory with --cache-dir")?;
    Ok(etcetera::BaseStrategy::cache_dir(&dirs).join("rewarden"))
}

#[cfg(feature = "mistralrs")]
mod with_mistralrs {
    use std::io::Write as _;
    use std::path::Path;
    use std::sync::Arc;

    use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};
    use rewarden_inference::default_model::{self, FetchEvent};

    use super::*;
    use crate::terminal;

    fn print(path: &Path) -> Result<ExitCode> {
        writeln!(crate::console::data(), "{}", path.display())?;
        Ok(ExitCode::SUCCESS)
    }

    /// Fetches the default model unless it is there.
    pub(crate) fn pull(places: &Places) -> Result<ExitCode> {
        let runtime = crate::async_runtime::start()?;
        print(&runtime.block_on(obtain(&cache(places)?))?)
    }

    /// Says where the default model is.
    pub(crate) fn path(places: &Places) -> Result<ExitCode> {
        let path = default_model::path(&cache(places)?);
        if !path.is_file() {
            anyhow::bail!("{} is not there; fetch it with `rewarden model pull`", path.display());
        }
        print(&path)
    }

    /// The default model's path; fetches it if need be, and says so on stderr.
    pub(crate) async fn obtain(cache: &Path) -> Result<PathBuf> {
        let bar = ProgressBar::hidden();
        Ok(default_model::obtain(cache, Arc::new(move |event| tell(&bar, event))).await?)
    }

    fn tell(bar: &ProgressBar, event: FetchEvent) {
        match event {
            FetchEvent::Fetching { file, from, bytes } => {
                crate::console::err!("fetching {file} from {from} ({})", DecimalBytes(bytes));
                if terminal::is_watched() {
                    bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
                    bar.set_length(bytes);
                    if let Ok(style) =
                        ProgressStyle::with_template("{bar:24.cyan/dim} {bytes}/{total_bytes}  {eta} left")
                    {
                        bar.set_style(style);
                    }
                }
            }
            FetchEvent::Received { bytes } => bar.inc(bytes),
            FetchEvent::SourceFailed { from, message } => {
                bar.reset();
                crate::console::err!("{from}: {message}");
            }
            FetchEvent::Converting => {
                bar.finish_and_clear();
                crate::console::err!("converting it to Q8_0, which runs faster");
            }
            FetchEvent::Stored { path } => crate::console::err!("stored as {}", path.display()),
        }
    }
}

#[cfg(feature = "mistralrs")]
pub(crate) use with_mistralrs::{obtain, path, pull};

#[cfg(not(feature = "mistralrs"))]
mod without_mistralrs {
    use super::*;

    /// There is no default model without mistral.rs.
    pub(crate) fn pull(_places: &Places) -> Result<ExitCode> {
        anyhow::bail!("this binary was built without mistral.rs, so it has no default model; use --endpoint")
    }

    /// See [`pull`].
    pub(crate) fn path(places: &Places) -> Result<ExitCode> {
        pull(places)
    }
}

#[cfg(not(feature = "mistralrs"))]
pub(crate) use without_mistralrs::{path, pull};
