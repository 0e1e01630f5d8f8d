//! Everything that speaks HTTP: connections, the layers that every request passes through, and the endpoints.

mod access;
mod api;
mod body_room;
mod cors;
mod dialects;
mod extract;
mod headers;
mod idempotency;
mod keys;
mod listen;
mod openapi;
mod page;
mod rate;
mod refusal;
mod request_layer;
mod routes;
mod stalled_writes;
mod state;
mod tls;
mod wire;

pub(crate) use self::access::{Access, Hosts};
pub(crate) use self::cors::Origins;
pub use self::dialects::dialect_routes;
pub use self::keys::{KeyRole, Keys, KeysError, NewKey};
pub(crate) use self::listen::serve;
pub(crate) use self::rate::Rate;
pub(crate) use self::routes::router;
pub(crate) use self::state::App;
pub use self::tls::{TlsError, acceptor};
