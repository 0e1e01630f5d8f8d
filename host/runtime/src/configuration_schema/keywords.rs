//! The words of JSON Schema that the host knows, and what to write instead of the others.

/// What the host does with a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    /// It says what fits.
    Checked,
    /// It says something to people, or to other tools.
    Note,
    /// It is of the root alone.
    Root,
    /// It is refused; what to write instead.
    Refused(&'static str),
}

/// Those that say what fits, as they are listed for authors.
pub(super) const CHECKED: [&str; 21] = [
    "type",
    "enum",
    "const",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "items",
    "prefixItems",
    "properties",
    "required",
    "additionalProperties",
    "oneOf",
    "anyOf",
    "$ref",
    "default",
];

/// Those of which nothing follows. `format` is one: the standard has it say nothing of what fits, and schemars writes it
/// for every number.
pub(super) const NOTES: [&str; 11] = [
    "title",
    "description",
    "examples",
    "format",
    "$comment",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
];

const ROOT: [&str; 3] = ["$schema", "$id", "$defs"];

const IN_CONFIGURE: &str = "leave it out and check this in `configure`, whose error names the key";

pub(super) fn keyword(name: &str) -> Keyword {
    if CHECKED.contains(&name) {
        return Keyword::Checked;
    }
    if NOTES.contains(&name) || name.starts_with("x-") {
        return Keyword::Note;
    }
    if ROOT.contains(&name) {
        return Keyword::Root;
    }
    Keyword::Refused(match name {
        "allOf" => "write its keywords into the one schema, or use `$ref` without it",
        "pattern" => "list the texts in `enum`, or leave it out and check the text in `configure`",
        "patternProperties" => {
            "give all other keys one schema by `additionalProperties`, and check their names in `configure`"
        }
        "multipleOf" => "write \"type\": \"integer\", or leave it out and check the number in `configure`",
        "not"
        | "if"
        | "then"
        | "else"
        | "dependentSchemas"
        | "dependentRequired"
        | "dependencies"
        | "unevaluatedProperties"
        | "unevaluatedItems"
        | "propertyNames"
        | "contains"
        | "minContains"
        | "maxContains"
        | "minProperties"
        | "maxProperties" => IN_CONFIGURE,
        "additionalItems" => "write `prefixItems` for the first items and `items` for all others",
        "definitions" => "write \"$defs\" at the root",
        "$dynamicRef" | "$recursiveRef" | "$anchor" | "$dynamicAnchor" | "$recursiveAnchor" | "$vocabulary" | "id" => {
            "write the schema in its place, or under \"$defs\" at the root and \"$ref\": \"#/$defs/NAME\""
        }
        _ => "leave it out; a note for other tools is a keyword that begins with `x-`",
    })
}
