//! An interface of the contract as one text, by which two versions of it are the same or not.

use wit_parser::{Function, InterfaceId, Resolve, Type, TypeDefKind, TypeId};

/// Returns the types and functions of an interface, every type written out with what it is made of, wherever that is
/// declared. Documentation, layout and the split into files do not count; names, types and their order do.
pub(crate) fn interface(resolve: &Resolve, id: InterfaceId) -> String {
    let Some(interface) = resolve.interfaces.get(id) else { return String::new() };
    let types = interface.types.iter().map(|(name, id)| format!("type {name} = {}\n", definition(resolve, *id)));
    let functions = interface.functions.values().map(|function| signature(resolve, function));
    types.chain(functions).collect()
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let parameters = function.params.iter().map(|param| field(resolve, &param.name, &param.ty));
    let result = function.result.as_ref().map_or_else(|| "nothing".to_owned(), |result| written(resolve, result));
    format!("func {}({}) -> {result}\n", function.name, list(parameters))
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

fn field(resolve: &Resolve, name: &str, kind: &Type) -> String {
    format!("{name}: {}", written(resolve, kind))
}

fn optional(resolve: &Resolve, kind: Option<&Type>) -> String {
    kind.map_or_else(|| "_".to_owned(), |kind| written(resolve, kind))
}

fn written(resolve: &Resolve, kind: &Type) -> String {
    match kind {
        Type::Id(id) => definition(resolve, *id),
        // The names of the simple types are those of the enum's cases.
        simple => format!("{simple:?}").to_lowercase(),
    }
}

fn definition(resolve: &Resolve, id: TypeId) -> String {
    let cases = |(name, payload): (&String, Option<&Type>)| match payload {
        Some(payload) => format!("{name}({})", written(resolve, payload)),
        None => name.clone(),
    };
    let Some(declared) = resolve.types.get(id) else { return "unknown".to_owned() };
    match &declared.kind {
        TypeDefKind::Type(kind) => written(resolve, kind),
        TypeDefKind::Record(record) => {
            format!("record {{{}}}", list(record.fields.iter().map(|f| field(resolve, &f.name, &f.ty))))
        }
        TypeDefKind::Variant(variant) => {
            format!("variant {{{}}}", list(variant.cases.iter().map(|case| cases((&case.name, case.ty.as_ref())))))
        }
        TypeDefKind::Enum(names) => {
            format!("enum {{{}}}", list(names.cases.iter().map(|case| case.name.clone())))
        }
        TypeDefKind::Flags(names) => {
            format!("flags {{{}}}", list(names.flags.iter().map(|flag| flag.name.clone())))
        }
        TypeDefKind::Tuple(tuple) => format!("tuple<{}>", list(tuple.types.iter().map(|kind| written(resolve, kind)))),
        TypeDefKind::Option(kind) => format!("option<{}>", written(resolve, kind)),
        TypeDefKind::Result(result) => {
            format!("result<{}, {}>", optional(resolve, result.ok.as_ref()), optional(resolve, result.err.as_ref()))
        }
        TypeDefKind::List(kind) => format!("list<{}>", written(resolve, kind)),
        // The contract has none of these; by name they count as what they are.
        other => format!("{} {other:?}", other.as_str()),
    }
}
