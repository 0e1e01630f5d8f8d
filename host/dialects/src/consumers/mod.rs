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

use crate::endpoint::DialectEndpoint;

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
