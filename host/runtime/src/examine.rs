//! A look at a component that nothing of is compiled for.

use crate::error::LoadError;
use crate::interface::Interface;
use crate::limits::Limits;
use crate::outline::outline;

/// What a component shows before anything of it is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// The version of the contract that it is called by.
    pub contract: String,
    /// The interfaces of the contract that it exports.
    pub interfaces: Vec<Interface>,
}

/// Checks the bytes of a component as loading does first: its form, its imports, the contract and the limits. Nothing is compiled or
/// run. `component` is its name in errors.
///
/// # Errors
/// Returns why loading would refuse it. That there is none does not mean that it loads: compiling comes after this.
pub fn examine(component: &str, bytes: &[u8], limits: &Limits) -> Result<Examined, LoadError> {
    match outline(bytes, limits) {
        Ok(outline) => Ok(Examined { contract: outline.contract, interfaces: outline.interfaces }),
        Err(reason) => Err(LoadError { component: component.to_owned(), reason }),
    }
}
