//! One small module for each consumer.

mod classify;
mod graders;
mod llama_factory;
mod nemo_gym;
mod openrlhf;
mod rerank;
mod score;
mod slime;
mod systemone;
mod verl;

use crate::endpoint::{DialectEndpoint, ErrorForm};

/// Every dialect's routes.
pub fn endpoints() -> impl Iterator<Item = &'static DialectEndpoint> {
    let all = [
        openrlhf::ENDPOINTS,
        slime::ENDPOINTS,
        verl::ENDPOINTS,
        classify::ENDPOINTS,
        llama_factory::ENDPOINTS,
        nemo_gym::ENDPOINTS,
        graders::ENDPOINTS,
        score::ENDPOINTS,
        rerank::ENDPOINTS,
        systemone::ENDPOINTS,
    ];
    all.into_iter().flatten()
}

/// Returns the form of errors at a path: that of the dialect whose path it is, else RFC 9457's.
pub fn error_form(path: &str) -> ErrorForm {
    endpoints().find(|endpoint| endpoint.paths.contains(&path)).map(|endpoint| endpoint.errors).unwrap_or_default()
}
