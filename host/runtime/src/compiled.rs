//! A component that is ready to be instantiated.

use std::sync::Arc;

use wasmtime::component::InstancePre;

use crate::held::HeldBytes;
use crate::store::CallState;

/// A component that is compiled and linked into this process, whatever limits its calls are under.
pub(crate) struct Compiled {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) pre: InstancePre<CallState>,
    /// Counts it as held; `None` in a process that holds one component only.
    pub(crate) _held: Option<HeldBytes>,
}
