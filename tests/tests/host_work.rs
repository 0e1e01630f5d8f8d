//! The evil table of data: everything that the host itself works on, from a plugin, a pack, a run, a row, a request or a
//! model server, ends typed, in bounded time and memory. One module for each kind of sender; docs/security.md lists them all.

#[path = "host_work/inference.rs"]
mod inference;
#[path = "host_work/outputs.rs"]
mod outputs;
#[path = "host_work/rows.rs"]
mod rows;
#[path = "host_work/runs.rs"]
mod runs;
#[path = "host_work/runtime.rs"]
mod runtime;
#[path = "host_work/schemas.rs"]
mod schemas;
#[path = "host_work/server.rs"]
mod server;
#[path = "host_work/system.rs"]
mod system;
