//! Systems without the sandbox: nothing of it can be made.

use std::convert::Infallible;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use super::{Isolation, IsolationError, Landlock};
use crate::cache::CompileCache;
use crate::contract::functions::Call;
use crate::error::{CallError, LoadFailure};
use crate::limits::Limits;
use crate::metered::Metered;
use crate::plugin::Loaded;
use rewarden_types::Sha256Digest;

/// Fails: there are no plugin processes here.
pub fn serve(_: impl IntoIterator<Item = OsString>) -> ExitCode {
    eprintln!("error: {}", unsupported());
    ExitCode::FAILURE
}

fn unsupported() -> IsolationError {
    IsolationError::Unsupported { system: std::env::consts::OS }
}

pub(crate) struct Supervisor(Infallible);

impl Supervisor {
    pub(crate) fn start(_: Arc<Limits>, _: Option<CompileCache>, _: Isolation) -> Result<Arc<Self>, IsolationError> {
        Err(unsupported())
    }

    pub(crate) fn landlock(&self) -> Landlock {
        match self.0 {}
    }

    pub(crate) fn load(
        self: &Arc<Self>,
        _: &str,
        _: Sha256Digest,
        _: &[u8],
        _: &Arc<Limits>,
    ) -> Result<Arc<Loaded>, LoadFailure> {
        match self.0 {}
    }
}

pub(crate) struct Pool(Infallible);

impl Pool {
    pub(crate) fn limits(&self) -> &Limits {
        match self.0 {}
    }

    pub(crate) fn processes(&self) -> Vec<u32> {
        match self.0 {}
    }

    pub(crate) fn call<T>(&self, _: &Arc<str>, _: &'static str, _: &str, _: Call<'_>) -> Result<Metered<T>, CallError> {
        match self.0 {}
    }
}
