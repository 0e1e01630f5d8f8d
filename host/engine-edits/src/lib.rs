//! What Rewarden changes in mistral.rs before it builds it.
//!
//! `edits.toml` is the table, [`tensors`] the part of it that is code by itself, which is compiled here, too, so that
//! it can be tested; `hooks.rs` is compiled within mistralrs-core only. `cargo xtask build` puts it all together.

#[cfg(feature = "mistralrs")]
pub mod tensors;

#[cfg(all(test, feature = "mistralrs"))]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests;
