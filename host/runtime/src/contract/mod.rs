//! The contract between host and plugins: which versions of it this host speaks, and how.
//!
//! Each version is a module with the types that wasmtime generates from that version's WIT, an adapter, and the conversions
//! between those types and the host's own ([`rewarden_types`]). Nothing outside of that module names a generated type, so a
//! new version is a new module and a line here and in [`versions`], and components of earlier versions keep working.

pub(crate) mod adapter;
pub(crate) mod description;
mod exported;
pub(crate) mod functions;
pub(crate) mod names;
mod v0_2;
mod v0_3;
pub(crate) mod versions;

use wasmtime::component::InstancePre;

pub use versions::{PACKAGE, SPOKEN, VERSION, age};

use crate::contract::adapter::Adapter;
use crate::error::LoadFailure;
use crate::outline::Outline;
use crate::store::CallState;

/// Finds the functions of the contract in a component of one version.
type Bind = fn(&Outline, &InstancePre<CallState>) -> Result<Box<dyn Adapter>, LoadFailure>;

/// A version of the contract that this host speaks.
#[derive(Clone, Copy)]
pub(crate) struct Version {
    name: &'static str,
    bind: Bind,
}

/// Every version that this host speaks: as many as [`versions::SPOKEN`] names.
const VERSIONS: [Version; versions::SPOKEN.len()] =
    [Version { name: versions::V0_2, bind: v0_2::bind }, Version { name: versions::V0_3, bind: v0_3::bind }];

impl Version {
    /// Returns the version of this name, or `None` if the host does not speak it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        VERSIONS.into_iter().find(|version| version.name == name)
    }

    /// Finds the functions of the contract in a component of this version.
    pub(crate) fn bind(
        &self,
        outline: &Outline,
        component: &InstancePre<CallState>,
    ) -> Result<Box<dyn Adapter>, LoadFailure> {
        (self.bind)(outline, component)
    }
}
