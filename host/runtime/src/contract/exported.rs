//! Where a component has the functions of the contract.

use rewarden_types::shown;
use wasmtime::component::Component;

pub(super) use wasmtime::component::ComponentExportIndex as FunctionIndex;

use super::names::Name;
use super::versions::PACKAGE;
use crate::error::LoadFailure;
use crate::interface::Interface;
use crate::outline::Outline;

/// The exports of a component.
pub(super) struct Exports<'a> {
    outline: &'a Outline,
    component: &'a Component,
}

impl<'a> Exports<'a> {
    pub(super) fn new(outline: &'a Outline, component: &'a Component) -> Self {
        Self { outline, component }
    }

    /// Finds a function of an interface that the component exports, by whatever version it has in its name.
    pub(super) fn required(&self, interface: Interface, function: &str) -> Result<FunctionIndex, LoadFailure> {
        let missing = |message: String| mismatch(interface, &wasmtime::Error::msg(message));
        let is_it = |name: &&String| {
            Name::parse(name).is_some_and(|name| name.package == PACKAGE && name.interface == interface.name())
        };
        let exported = self.outline.exports.iter().find(is_it).map_or("", String::as_str);
        let instance = self
            .component
            .get_export_index(None, exported)
            .ok_or_else(|| missing(format!("no exported instance named `{exported}`")))?;
        self.component
            .get_export_index(Some(&instance), function)
            .ok_or_else(|| missing(format!("instance export `{exported}` does not have export `{function}`")))
    }

    /// As [`Exports::required`], or `None` if the component does not export the interface.
    pub(super) fn optional(&self, interface: Interface, function: &str) -> Result<Option<FunctionIndex>, LoadFailure> {
        if !self.outline.interfaces.contains(&interface) {
            return Ok(None);
        }
        self.required(interface, function).map(Some)
    }
}

pub(super) fn mismatch(interface: Interface, error: &wasmtime::Error) -> LoadFailure {
    LoadFailure::Mismatch { what: format!("exports under `{interface}`"), message: shown(&format!("{error:#}")) }
}
