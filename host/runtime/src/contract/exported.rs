//! Where a component has the functions of the contract.

use rewarden_types::shown;
use wasmtime::component::{Component, ComponentNamedList, Instance, Lift, Lower};
use wasmtime::{AsContextMut, Store};

pub(super) use wasmtime::component::ComponentExportIndex as FunctionIndex;

use super::names::Name;
use super::versions::PACKAGE;
use crate::error::LoadFailure;
use crate::interface::Interface;
use crate::outline::Outline;
use crate::store::CallState;

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

/// Compares the types of a function, if the component exports it, with the contract's.
pub(super) fn check<P, R>(
    store: &mut Store<CallState>,
    instance: &Instance,
    interface: Interface,
    function: Option<&FunctionIndex>,
) -> Result<(), LoadFailure>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let Some(function) = function else { return Ok(()) };
    let found = instance.get_typed_func::<P, R>(store, function);
    found.map(|_| ()).map_err(|error| mismatch(interface, &error))
}

/// Calls one function. Its types were compared when the component was loaded and are compared again here, which takes a
/// fraction of a microsecond.
pub(super) fn call<P, R>(
    mut store: &mut Store<CallState>,
    instance: &Instance,
    function: Option<&FunctionIndex>,
    arguments: P,
) -> wasmtime::Result<R>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    // The caller looks at the outline first, so this is not met.
    let function = function.ok_or_else(|| wasmtime::format_err!("the component does not export this function"))?;
    instance.get_typed_func::<P, R>(&mut store, function)?.call(store.as_context_mut(), arguments)
}
