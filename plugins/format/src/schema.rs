//! JSON Schema, the part of it that describes the form of an answer: `type`, `enum`, `const`, `properties`, `required`,
//! `additionalProperties`, `minProperties`, `maxProperties`, `items`, `minItems`, `maxItems`, `minimum`, `maximum`,
//! `exclusiveMinimum`, `exclusiveMaximum`, `minLength`, `maxLength`, `pattern`, `allOf`, `anyOf`, `oneOf`, `not`, and the
//! notes `title`, `description`, `default`, `examples`, `$schema`, `$id` and `$comment`. Meanings are those of draft
//! 2020-12; `pattern` has the syntax of this plugin's `regex`.

use reading::json::Json;
use regex_lite::Regex;
use serde_json::Value;

/// A checked schema.
#[derive(Debug)]
pub(crate) enum Schema {
    /// `true` or `false`.
    Always(bool),
    /// All of these.
    Rules(Vec<Rule>),
}

/// One keyword.
#[derive(Debug)]
pub(crate) enum Rule {
    Types(Vec<Type>),
    OneOfValues(Vec<Value>),
    /// `properties` with `additionalProperties` for all others.
    Fields(Vec<(String, Schema)>, Box<Schema>),
    Required(Vec<String>),
    Items(Box<Schema>),
    /// From and to, inclusive.
    FieldCount(usize, usize),
    ItemCount(usize, usize),
    CharCount(usize, usize),
    Least(f64),
    Most(f64),
    Above(f64),
    Below(f64),
    Pattern(Regex),
    All(Vec<Schema>),
    Any(Vec<Schema>),
    One(Vec<Schema>),
    Not(Box<Schema>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Schema {
    /// # Errors
    /// What is wrong with the schema, or which keyword is not known.
    pub(crate) fn new(schema: &Value) -> Result<Self, String> {
        let keywords = match schema {
            Value::Bool(always) => return Ok(Schema::Always(*always)),
            Value::Object(keywords) => keywords,
            other => return Err(format!("expected a schema, found {other}")),
        };
        let mut rules = Vec::new();
        for (keyword, value) in keywords {
            match keyword.as_str() {
                "title" | "description" | "default" | "examples" | "$schema" | "$id" | "$comment" => {}
                "properties" => {
                    let fields = value.as_object().ok_or_else(|| wrong(keyword, "an object of schemas", value))?;
                    let fields = fields.iter().map(|(name, schema)| Ok((name.clone(), Schema::new(schema)?)));
                    let others = keywords.get("additionalProperties").unwrap_or(&Value::Bool(true));
                    rules.push(Rule::Fields(fields.collect::<Result<_, String>>()?, Box::new(Schema::new(others)?)));
                }
                "additionalProperties" if keywords.contains_key("properties") => {}
                "additionalProperties" => rules.push(Rule::Fields(Vec::new(), Box::new(Schema::new(value)?))),
                _ => rules.push(rule(keyword, value)?),
            }
        }
        Ok(Schema::Rules(rules))
    }

    /// Whether the value fits.
    pub(crate) fn fits(&self, value: &Json) -> bool {
        match self {
            Schema::Always(always) => *always,
            Schema::Rules(rules) => rules.iter().all(|rule| rule.fits(value)),
        }
    }
}

fn wrong(keyword: &str, expected: &str, found: &Value) -> String {
    format!("expected {expected} in `{keyword}`, found {found}")
}

fn rule(keyword: &str, value: &Value) -> Result<Rule, String> {
    let number = || value.as_f64().ok_or_else(|| wrong(keyword, "a number", value));
    let count = || {
        let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| wrong(keyword, "a whole number from 0", value))
    };
    let array = || value.as_array().ok_or_else(|| wrong(keyword, "an array", value));
    let schemas = || match array()?.as_slice() {
        [] => Err(wrong(keyword, "at least one schema", value)),
        schemas => schemas.iter().map(Schema::new).collect::<Result<Vec<_>, _>>(),
    };
    Ok(match keyword {
        "type" => Rule::Types(match value {
            Value::Array(names) => names.iter().map(type_named).collect::<Result<_, _>>()?,
            name => vec![type_named(name)?],
        }),
        "enum" => Rule::OneOfValues(array()?.clone()),
        "const" => Rule::OneOfValues(vec![value.clone()]),
        "required" => {
            let names = array()?.iter().map(|name| name.as_str().map(str::to_owned));
            Rule::Required(names.collect::<Option<_>>().ok_or_else(|| wrong(keyword, "names", value))?)
        }
        "items" => Rule::Items(Box::new(Schema::new(value)?)),
        "minProperties" => Rule::FieldCount(count()?, usize::MAX),
        "maxProperties" => Rule::FieldCount(0, count()?),
        "minItems" => Rule::ItemCount(count()?, usize::MAX),
        "maxItems" => Rule::ItemCount(0, count()?),
        "minLength" => Rule::CharCount(count()?, usize::MAX),
        "maxLength" => Rule::CharCount(0, count()?),
        "minimum" => Rule::Least(number()?),
        "maximum" => Rule::Most(number()?),
        "exclusiveMinimum" => Rule::Above(number()?),
        "exclusiveMaximum" => Rule::Below(number()?),
        "pattern" => {
            let pattern = value.as_str().ok_or_else(|| wrong(keyword, "a regular expression", value))?;
            Rule::Pattern(Regex::new(pattern).map_err(|error| format!("expected a regular expression: {error}"))?)
        }
        "allOf" => Rule::All(schemas()?),
        "anyOf" => Rule::Any(schemas()?),
        "oneOf" => Rule::One(schemas()?),
        "not" => Rule::Not(Box::new(Schema::new(value)?)),
        other => return Err(format!("the keyword `{other}` is not known here: see the plugin's documentation")),
    })
}

fn type_named(name: &Value) -> Result<Type, String> {
    Ok(match name.as_str() {
        Some("null") => Type::Null,
        Some("boolean") => Type::Boolean,
        Some("integer") => Type::Integer,
        Some("number") => Type::Number,
        Some("string") => Type::String,
        Some("array") => Type::Array,
        Some("object") => Type::Object,
        _ => return Err(wrong("type", "the name of a type", name)),
    })
}

impl Rule {
    /// Rules on another type of value hold.
    fn fits(&self, value: &Json) -> bool {
        let number = |holds: &dyn Fn(f64) -> bool| match value {
            Json::Number(text) => text.parse().is_ok_and(holds),
            _ => true,
        };
        match (self, value) {
            (Rule::Types(types), _) => types.iter().any(|name| name.is_of(value)),
            (Rule::OneOfValues(values), _) => values.iter().any(|other| same(value, other)),
            (Rule::Fields(known, others), Json::Object(fields)) => fields.iter().all(|(name, value)| {
                known.iter().find(|(other, _)| other == name).map_or(&**others, |(_, schema)| schema).fits(value)
            }),
            (Rule::Required(names), Json::Object(_)) => names.iter().all(|name| value.field(name).is_some()),
            (Rule::FieldCount(from, to), Json::Object(fields)) => (*from..=*to).contains(&fields.len()),
            (Rule::Items(schema), Json::Array(items)) => items.iter().all(|item| schema.fits(item)),
            (Rule::ItemCount(from, to), Json::Array(items)) => (*from..=*to).contains(&items.len()),
            (Rule::CharCount(from, to), Json::String(text)) => (*from..=*to).contains(&text.chars().count()),
            (Rule::Pattern(regex), Json::String(text)) => regex.is_match(text),
            (Rule::Least(least), _) => number(&|number| number >= *least),
            (Rule::Most(most), _) => number(&|number| number <= *most),
            (Rule::Above(least), _) => number(&|number| number > *least),
            (Rule::Below(most), _) => number(&|number| number < *most),
            (Rule::All(schemas), _) => schemas.iter().all(|schema| schema.fits(value)),
            (Rule::Any(schemas), _) => schemas.iter().any(|schema| schema.fits(value)),
            (Rule::One(schemas), _) => schemas.iter().filter(|schema| schema.fits(value)).count() == 1,
            (Rule::Not(schema), _) => !schema.fits(value),
            _ => true,
        }
    }
}

impl Type {
    fn is_of(self, value: &Json) -> bool {
        match (self, value) {
            (Type::Null, Json::Null)
            | (Type::Boolean, Json::Bool(_))
            | (Type::Number, Json::Number(_))
            | (Type::String, Json::String(_))
            | (Type::Array, Json::Array(_))
            | (Type::Object, Json::Object(_)) => true,
            (Type::Integer, Json::Number(text)) => text.parse::<f64>().is_ok_and(|number| number.fract() == 0.0),
            _ => false,
        }
    }
}

/// Equality as JSON Schema has it: 1 and 1.0 are the same, and the order of fields says nothing.
fn same(value: &Json, other: &Value) -> bool {
    match (value, other) {
        (Json::Null, Value::Null) => true,
        (Json::Bool(value), Value::Bool(other)) => value == other,
        (Json::Number(value), Value::Number(other)) => value.parse().ok() == other.as_f64(),
        (Json::String(value), Value::String(other)) => value == other,
        (Json::Array(values), Value::Array(others)) => {
            values.len() == others.len() && values.iter().zip(others).all(|(value, other)| same(value, other))
        }
        (Json::Object(fields), Value::Object(others)) => {
            let is_there = |(name, value): &(String, Json)| others.get(name).is_some_and(|other| same(value, other));
            fields.len() == others.len() && fields.iter().all(is_there)
        }
        _ => false,
    }
}
