//! Lines of a plugin's log, and where they go.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift};

/// How much a line matters; the same in every version of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum Level {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

/// A line of a plugin's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogLine {
    pub(crate) level: Level,
    pub(crate) text: String,
}

impl LogLine {
    /// Hands it to the host's own log.
    pub(crate) fn emit(&self, component: &str) {
        let text = &*self.text;
        match self.level {
            Level::Debug => tracing::debug!(component, "{text}"),
            Level::Info => tracing::info!(component, "{text}"),
            Level::Warn => tracing::warn!(component, "{text}"),
            Level::Error => tracing::error!(component, "{text}"),
        }
    }
}

/// Where the lines go.
#[derive(Clone, Default)]
pub(crate) enum LogSink {
    /// To the host's own log, at once.
    #[default]
    Host,
    /// Nowhere yet: a child process hands them over with the call's result.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "there are no child processes"))]
    Kept(Arc<Mutex<Vec<LogLine>>>),
}

impl LogSink {
    pub(crate) fn write(&self, component: &str, line: LogLine) {
        match self {
            Self::Host => line.emit(component),
            Self::Kept(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).push(line),
        }
    }
}
