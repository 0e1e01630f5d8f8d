//! Makes a component of a plugin's crate: what `cargo build` needs to be told, what its messages say, and the encoding of a
//! core module.
//!
//! `rewarden pack build` and `cargo xtask plugins` share it. It starts no process and needs no engine, because the build
//! of a new clone waits for it.

mod cargo;
mod component;

pub use cargo::{BuiltModule, ManifestProblem, built_modules, cargo_home, crate_name, remap_config};
pub use component::{EncodeError, component_file_name, encode, exports_anything};

/// The target of every plugin.
pub const TARGET: &str = "wasm32-unknown-unknown";
