//! A look at a component's bytes before anything is compiled: what it imports, exports and how large it is.
//!
//! Compiling is not metered and not covered by wasmtime's security policy, so what is refused is refused here.

use rewarden_types::{listed, shown};
use wasmparser::{
    BinaryReaderError, CanonicalFunction, ComponentDefinedType, ComponentInstance, ComponentType, Encoding,
    FunctionBody, Instance, Operator, Parser, Payload, TypeRef,
};

use crate::contract::names::{self, Name};
use crate::contract::versions::PACKAGE;
use crate::error::LoadFailure;
use crate::interface::Interface;
use crate::limits::{self, Limits};

/// Bytes of a page of WebAssembly memory.
const PAGE: usize = 65_536;

/// What a component shows from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Outline {
    /// Full names of the imported interfaces that hold functions; at most the log.
    pub(crate) imports: Vec<String>,
    /// Full names of all exports.
    pub(crate) exports: Vec<String>,
    /// The interfaces of the contract among the exports.
    pub(crate) interfaces: Vec<Interface>,
    /// Functions with a body, over all core modules.
    pub(crate) functions: usize,
    /// Bytes of their bodies.
    pub(crate) code_bytes: usize,
    /// The version of the contract that it is called by.
    pub(crate) contract: String,
}

/// Reads the outline, and refuses what may not be loaded.
pub(crate) fn outline(bytes: &[u8], limits: &Limits) -> Result<Outline, LoadFailure> {
    at_most("bytes", bytes.len(), limits.component_bytes)?;
    let malformed = |error: BinaryReaderError| LoadFailure::Malformed { message: shown(&error.to_string()) };

    let mut outline = Outline::default();
    let mut of_contract = Vec::new();
    // One entry for each module or component around, with the memories that it has.
    let mut around: Vec<usize> = Vec::new();
    let (mut memories, mut tables, mut instances) = (0_usize, 0_usize, 0_usize);
    let (mut nested, mut inner) = (0_usize, 0_usize);
    let (mut named, mut canonical, mut lowered, mut definitions) = (0_usize, 0_usize, 0_usize, 0_usize);
    let mut define = |more: usize| {
        definitions = definitions.saturating_add(more);
        at_most("types, aliases and items of instances", definitions, limits::DEFINITIONS)
    };
    let (mut memory_bytes, mut table_elements, mut globals) = (0_usize, 0_usize, 0_usize);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::Version { encoding: Encoding::Module, .. } if around.is_empty() => {
                return Err(LoadFailure::CoreModule);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                around.push(0);
                at_most("levels of nested components", around.len(), limits::NESTING)?;
            }
            Payload::End(_) => drop(around.pop()),
            Payload::ComponentImportSection(section) if around.is_empty() => {
                named = named.saturating_add(section.count() as usize);
                at_most("imports and exports", named, limits::NAMES)?;
                for import in section {
                    check_import(import.map_err(malformed)?.name.name, &mut outline, &mut of_contract)?;
                }
            }
            Payload::ComponentExportSection(section) if around.is_empty() => {
                named = named.saturating_add(section.count() as usize);
                at_most("imports and exports", named, limits::NAMES)?;
                for export in section {
                    check_export(export.map_err(malformed)?.name.name, &mut outline, &mut of_contract)?;
                }
            }
            Payload::CodeSectionStart { count, .. } => {
                outline.functions = outline.functions.saturating_add(count as usize);
                at_most("functions", outline.functions, limits.component_functions)?;
            }
            Payload::CodeSectionEntry(body) => {
                at_most("bytes in one function", body.range().len(), limits.function_bytes)?;
                outline.code_bytes = outline.code_bytes.saturating_add(body.range().len());
                at_most("bytes of functions", outline.code_bytes, limits.code_bytes)?;
                at_most("nested blocks in one function", nesting(&body).map_err(malformed)?, limits::BLOCKS)?;
            }
            Payload::GlobalSection(section) => {
                globals = globals.saturating_add(section.count() as usize);
                at_most("globals", globals, limits::GLOBALS)?;
            }
            Payload::MemorySection(section) => {
                memories = memories.saturating_add(section.count() as usize);
                at_most("memories", memories, limits::MEMORIES as usize)?;
                one_memory(&mut around, section.count() as usize)?;
                for memory in section {
                    let pages = usize::try_from(memory.map_err(malformed)?.initial).unwrap_or(usize::MAX);
                    memory_bytes = memory_bytes.saturating_add(pages.saturating_mul(PAGE));
                    at_most("bytes of memory from the start", memory_bytes, limits.memory_bytes)?;
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let TypeRef::Memory(_) = import.map_err(malformed)?.ty {
                        one_memory(&mut around, 1)?;
                    }
                }
            }
            Payload::TableSection(section) => {
                tables = tables.saturating_add(section.count() as usize);
                at_most("tables", tables, limits::TABLES as usize)?;
                for table in section {
                    let elements = usize::try_from(table.map_err(malformed)?.ty.initial).unwrap_or(usize::MAX);
                    table_elements = table_elements.saturating_add(elements);
                    at_most("table elements from the start", table_elements, limits.table_elements)?;
                }
            }
            // What is compiled is every instance of every nested component, and ten lines can ask for billions:
            // a component that holds ten of one that holds ten of one, and so on.
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    match instance.map_err(malformed)? {
                        ComponentInstance::Instantiate { args, .. } => {
                            nested = nested.saturating_add(1);
                            at_most("instances of nested components", nested, limits::COMPONENT_INSTANCES)?;
                            inner = inner.saturating_add(usize::from(!around.is_empty()));
                            at_most("instances inside of nested components", inner, limits::INNER_INSTANCES)?;
                            define(args.len())?;
                        }
                        ComponentInstance::FromExports(items) => define(items.len())?,
                    }
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    match instance.map_err(malformed)? {
                        Instance::Instantiate { args, .. } => {
                            instances = instances.saturating_add(1);
                            at_most("core instances", instances, limits::CORE_INSTANCES as usize)?;
                            define(args.len())?;
                        }
                        // A name for what is there already: nothing when the component runs.
                        Instance::FromExports(items) => define(items.len())?,
                    }
                }
            }
            Payload::TypeSection(section) => define(section.count() as usize)?,
            Payload::CoreTypeSection(section) => define(section.count() as usize)?,
            Payload::ComponentTypeSection(section) => {
                define(section.count() as usize)?;
                for kind in section {
                    define(parts(&kind.map_err(malformed)?))?;
                }
            }
            Payload::ComponentAliasSection(section) => define(section.count() as usize)?,
            Payload::ComponentCanonicalSection(section) => {
                canonical = canonical.saturating_add(section.count() as usize);
                at_most("functions lifted, lowered or built in", canonical, limits::CANONICAL)?;
                for function in section {
                    if let CanonicalFunction::Lower { .. } = function.map_err(malformed)? {
                        lowered = lowered.saturating_add(1);
                        at_most("functions lowered", lowered, limits::LOWERED)?;
                    }
                }
            }
            _ => {}
        }
    }
    if !outline.interfaces.contains(&Interface::Describe) {
        return Err(LoadFailure::MissingExport { missing: Interface::Describe, exports: listed(&outline.exports) });
    }
    outline.contract = names::choose(&of_contract)?.to_owned();
    Ok(outline)
}

pub(crate) fn at_most(what: &'static str, found: usize, allowed: usize) -> Result<(), LoadFailure> {
    if found > allowed { Err(LoadFailure::TooLarge { what: what.into(), allowed, found }) } else { Ok(()) }
}

/// What a type is made of, not counting what those are made of in turn.
fn parts(kind: &ComponentType<'_>) -> usize {
    match kind {
        ComponentType::Defined(ComponentDefinedType::Record(fields)) => fields.len(),
        ComponentType::Defined(ComponentDefinedType::Variant(cases)) => cases.len(),
        ComponentType::Defined(ComponentDefinedType::Tuple(elements)) => elements.len(),
        ComponentType::Defined(ComponentDefinedType::Flags(names) | ComponentDefinedType::Enum(names)) => names.len(),
        ComponentType::Defined(_) | ComponentType::Resource { .. } => 1,
        ComponentType::Func(function) => function.params.len(),
        ComponentType::Component(declarations) => declarations.len(),
        ComponentType::Instance(declarations) => declarations.len(),
    }
}

/// Counts memories of the innermost module. The proposal for several is switched on for wasmtime's own adapters alone.
fn one_memory(around: &mut [usize], more: usize) -> Result<(), LoadFailure> {
    let Some(memories) = around.last_mut() else { return Ok(()) };
    *memories = memories.saturating_add(more);
    at_most("memories in one module", *memories, limits::MODULE_MEMORIES)
}

/// How deep blocks, loops and conditions are nested.
fn nesting(body: &FunctionBody<'_>) -> Result<usize, BinaryReaderError> {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        match operators.read()? {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => depth += 1,
            Operator::End => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    Ok(deepest)
}

/// `of_contract` collects the names by which the version of the contract is found.
fn check_import(name: &str, outline: &mut Outline, of_contract: &mut Vec<String>) -> Result<(), LoadFailure> {
    at_most("bytes in the name of an import", name.len(), limits::NAME_BYTES)?;
    names::known(name)?;
    let parsed = Name::parse(name).filter(|parsed| parsed.package == PACKAGE);
    match parsed.map(|parsed| parsed.interface) {
        // Types alone are no capability. That there is nothing but types in it is checked at pre-instantiation, since
        // the linker provides nothing under this name.
        Some("types") => {}
        Some("log") => outline.imports.push(name.to_owned()),
        // The types of another interface of ours, used by one that is exported, arrive as an import as well.
        Some(interface) if Interface::from_name(interface).is_some() => {}
        _ => return Err(LoadFailure::ForbiddenImport { import: shown(name) }),
    }
    of_contract.push(name.to_owned());
    Ok(())
}

/// As [`check_import`].
fn check_export(name: &str, outline: &mut Outline, of_contract: &mut Vec<String>) -> Result<(), LoadFailure> {
    at_most("bytes in the name of an export", name.len(), limits::NAME_BYTES)?;
    outline.exports.push(name.to_owned());
    let parsed = Name::parse(name).filter(|parsed| parsed.package == PACKAGE);
    let Some(interface) = parsed.and_then(|parsed| Interface::from_name(parsed.interface)) else { return Ok(()) };
    names::known(name)?;
    if outline.interfaces.contains(&interface) {
        let message = "the interface is exported in two versions".to_owned();
        return Err(LoadFailure::Mismatch { what: format!("exports under `{interface}`"), message });
    }
    outline.interfaces.push(interface);
    of_contract.push(name.to_owned());
    Ok(())
}
