//! `rewarden serve` and the trainers that ask it, in one process as `scoring.rs` is; what it does under load is tested
//! in `serve_load.rs`, alone.

mod dialects;
mod serve;
mod serve_auth;
mod serve_input;
mod serve_page;
mod serve_swap;
