//! Rewards over HTTP: the native API, and the dialects of trainers on top of it.
//!
//! Every endpoint turns its body into [`Ask`]s, has a [`Rewards`] answer them, and writes the [`Answer`]s in its own
//! format. What a consumer needs to see for a failure is decided in its dialect and nowhere else.
//!
//! A [`Server`] holds the live packs, each an immutable version that is replaced as a whole; whatever was asked of a version is
//! answered by it. An ask passes a gate (id, key, rate, time), is checked against the operator's limits, waits its turn, is
//! judged once however many ask the same at the same time, and is in a run before it is answered, or, where it can be
//! computed again, soon after.

mod admission;
mod api;
mod app;
mod ask;
mod bench;
mod bodies;
mod body;
mod calendar;
mod cohorts;
mod cors;
mod desk;
mod dialects;
mod feed;
mod fingerprint;
mod flights;
mod gate;
mod idempotency;
mod judged;
mod keys;
mod listen;
mod loads;
mod metrics;
mod models;
mod openapi;
mod order;
mod packs;
mod page;
mod prepared;
mod problem;
mod rate;
mod recent;
mod registry;
mod rules;
mod runs;
mod server;
mod settings;
mod shadow;
mod tls;
mod untemplate;
mod upload;
mod variants;
mod version;
mod watch;
mod wire;

pub use ask::{Answer, AnswerError, Ask, Caller, Cohort, PackLabel, Rewards, SamplingWishes, Turn};
pub use body::JsonBody;
pub use dialects::{
    Dialect, DialectConfig, DialectConfigError, Floors, SlimeReply, document as dialect_document,
    routes as dialect_routes,
};
pub use keys::{Keys, KeysError, NewKey, Role};
pub use models::Models;
pub use packs::PackRefused;
pub use problem::{Problem, ProblemKind};
pub use server::{Ended, Server, ServerConfig, StartError};
pub use settings::{Defaults, Limits, PartialGroups, SamplingField};
pub use tls::{TlsError, acceptor};
pub use tokio_rustls::TlsAcceptor;
pub use untemplate::{ChatFormat, ChatFormatConfig, ChatFormatError, Exchange, MOST_EXCHANGES, Untemplatable};
#[doc(hidden)] // For the fuzz target of archives.
pub use upload::unpack as unpack_archive;
