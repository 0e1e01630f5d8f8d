//! Lines for the people who debug a plugin. Nothing that is logged changes a result.
//!
//! In a component they go to the host, which cuts long messages and drops those beyond the call's byte budget;
//! natively (in a plugin's own tests) they go to stderr.

/// For the plugin's author.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// For whoever reads a run's log.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Something that works and was probably not meant.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Something that does not work. An error that a call can return should be returned instead.
pub fn error(message: &str) {
    write(Level::Error, message);
}

use crate::bindings::shared::rewarden::plugin::log::Level;

#[cfg(target_arch = "wasm32")]
use crate::bindings::shared::rewarden::plugin::log::write;

#[cfg(not(target_arch = "wasm32"))]
fn write(level: Level, message: &str) {
    let level = match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    eprintln!("{level}: {message}");
}
