//! Rewards over HTTP: the native API and the dialects of trainers.
//!
//! Every endpoint turns its body into [`Ask`](rewarden_dialects::Ask)s, has [`Rewards`] answer them, and writes the
//! [`Answer`](rewarden_dialects::Answer)s in its own format. The native endpoints are in `http::api`, the dialects in the crate
//! `rewarden-dialects`.
//!
//! A [`Server`] holds the live packs. Each is an immutable version that is replaced as a whole, and a request is always
//! answered by the version that it started with. On its way a request passes these folders, each of which uses only what comes
//! after it:
//!
//! - `http` checks id, key and rate, limits time and size, reads the body and writes the answer.
//! - `judging` checks the asks against the operator's limits, lets them in or refuses them, judges identical tasks in flight
//!   once, and records every reward: one of a model before it is answered, one by rule, which can be computed again, soon after.
//! - `live` loads, swaps and retires packs, and opens the runs that their rewards go to.

mod http;
mod judging;
mod live;
mod metrics;
mod off_thread;
mod server;
mod settings;

pub use http::{KeyRole, Keys, KeysError, NewKey, TlsError, acceptor, dialect_routes};
pub use judging::{Caller, Rewards};
#[doc(hidden)] // For the fuzz target of archives.
pub use live::unpack_archive;
pub use live::{Models, PackAdmission, PackRefused};
pub use rewarden_dialects::{DialectConfig, SamplingWishes, document as dialect_document};
pub use server::{Server, ServerConfig, ServerEnd, StartError};
pub use settings::{Defaults, PartialGroups, SamplingField, ServerLimits};
pub use tokio_rustls::TlsAcceptor;
