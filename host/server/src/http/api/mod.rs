//! The native endpoints.

pub(crate) mod admin;
pub(crate) mod health;
pub(crate) mod packs;
pub(crate) mod reward;
pub(crate) mod stream;
