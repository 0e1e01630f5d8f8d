//! stderr, shared by log lines and the progress bar.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use anyhow::Result;
use indicatif::ProgressBar;
use tracing_subscriber::EnvFilter;
#[cfg(feature = "otlp")]
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

use crate::console::log_line;
use crate::json_log::JsonLines;

/// The bar on screen, if there is one: log lines go above it.
static BAR: OnceLock<ProgressBar> = OnceLock::new();

/// Returns whether a person looks at stderr.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Says which bar log lines must not overwrite. The first one stays.
pub(crate) fn share_with(bar: &ProgressBar) {
    let _ = BAR.set(bar.clone());
}

/// Logs go to stderr: warnings, and with -v what is done. `REWARDEN_LOG` holds a filter that overrides both.
/// `otlp` is where the spans of requests go too.
pub(crate) fn start_logging(verbose: u8, json: bool, otlp: Option<&str>) -> Result<()> {
    let filter = match verbose {
        0 => "warn,mistralrs=error,mistralrs_core=error",
        1 => {
            "warn,rewarden=info,rewarden_runtime=info,rewarden_inference=info,rewarden_judge=info,rewarden_server=info"
        }
        _ => {
            "info,rewarden=debug,rewarden_runtime=debug,rewarden_inference=debug,rewarden_judge=debug,rewarden_server=debug"
        }
    };
    let filter = EnvFilter::try_from_env("REWARDEN_LOG").unwrap_or_else(|_| EnvFilter::new(filter));
    // What the log leaves out is not sent either, and without requests there is nothing to send.
    let filter = if otlp.is_some() { filter.add_directive("rewarden_server=info".parse()?) } else { filter };
    let colours = is_watched() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| AboveTheBar);
    match (json, otlp) {
        (true, None) => log.with_ansi(false).event_format(JsonLines).init(),
        (false, None) => log.with_ansi(colours).without_time().init(),
        #[cfg(feature = "otlp")]
        (true, Some(endpoint)) => {
            log.with_ansi(false).event_format(JsonLines).finish().with(crate::otlp::layer(endpoint)?).init();
        }
        #[cfg(feature = "otlp")]
        (false, Some(endpoint)) => {
            log.with_ansi(colours).without_time().finish().with(crate::otlp::layer(endpoint)?).init();
        }
        #[cfg(not(feature = "otlp"))]
        (_, Some(_)) => anyhow::bail!("this binary was built without OpenTelemetry; build it with `--features otlp`"),
    }
    Ok(())
}

struct AboveTheBar;

impl Write for AboveTheBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match BAR.get() {
            Some(bar) => bar.suspend(|| io::stderr().write_all(&log_line(bytes)))?,
            None => io::stderr().write_all(&log_line(bytes))?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
