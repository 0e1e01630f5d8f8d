//! Every dialect answers the requests that its consumer sends, recorded from the consumers' own code and documents.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod any_body;
mod classify;
mod cohorts;
mod graders;
mod llama_factory;
mod nemo_gym;
mod openrlhf;
mod refusals;
mod score_and_rerank;
mod server;
mod slime;
mod verl;
mod versions;
