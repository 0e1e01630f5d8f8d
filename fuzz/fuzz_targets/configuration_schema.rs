//! Any bytes as a schema are read or refused in words; what is read checks any configuration, at a cost in proportion.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rewarden_fuzz::{Choices, processor_time};
use rewarden_runtime::configuration_schema::{ConfigurationSchema, SCHEMA_BYTES};
use serde_json::{Map, Value, json};

/// Far above what the largest schema and configuration of this target take, instrumented.
const LONG: Duration = Duration::from_secs(1);

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices(data);
    let (text, more) = match data.first() {
        // A schema on the first line, a configuration on the rest.
        Some(b'{') => {
            let text = String::from_utf8_lossy(data);
            let (schema, configuration) = text.split_once('\n').unwrap_or((&text, "{}"));
            (schema.to_owned(), serde_json::from_str(configuration).ok())
        }
        _ => {
            let mut root = schema(&mut choices, 0);
            if let Value::Object(root) = &mut root {
                let definitions = (0..choices.byte() % 4).map(|name| (name.to_string(), schema(&mut choices, 1)));
                root.insert("$defs".into(), Value::Object(definitions.collect()));
            }
            (root.to_string(), None)
        }
    };
    let started = processor_time();
    let read = ConfigurationSchema::read(&text);
    assert!(processor_time() - started < LONG, "reading took {:?}: {text:.500}", processor_time() - started);
    let schema = match read {
        Ok(schema) => schema,
        Err(error) => return assert!((1..2000).contains(&error.to_string().len())),
    };
    assert!(text.len() <= SCHEMA_BYTES);
    for property in schema.properties() {
        assert!(property.kind().len() < SCHEMA_BYTES);
    }
    let made: Map<String, Value> = "abcd".chars().map(|key| (key.into(), value(&mut choices, 0))).collect();
    for configuration in [more, Some(Value::Object(made)), Some(json!({}))].into_iter().flatten() {
        let Value::Object(mut configuration) = configuration else { continue };
        let started = processor_time();
        match schema.check(&configuration) {
            Err(misfit) => assert!((1..8000).contains(&misfit.to_string().len())),
            Ok(()) => {
                schema.fill_in(&mut configuration);
                assert_eq!(schema.check(&configuration), Ok(()), "defaults that do not fit: {text:.500}");
                let filled = configuration.clone();
                schema.fill_in(&mut configuration);
                assert_eq!(configuration, filled);
            }
        }
        assert!(processor_time() - started < LONG, "checking took {:?}: {text:.500}", processor_time() - started);
    }
});

/// A schema of the subset's keywords, and now and then of others.
fn schema(choices: &mut Choices<'_>, level: usize) -> Value {
    if level > 12 || choices.0.is_empty() {
        return Value::Bool(choices.byte() % 2 == 0);
    }
    let mut map = Map::new();
    for _ in 0..choices.byte() % 4 + 1 {
        let (keyword, says) = match choices.byte() % 18 {
            0 => ("type", kind(choices)),
            1 => ("type", Value::Array((0..choices.byte() % 3).map(|_| kind(choices)).collect())),
            2 => ("enum", Value::Array((0..choices.byte() % 5).map(|_| value(choices, 5)).collect())),
            3 => ("const", value(choices, 5)),
            4 => ("minimum", value(choices, 6)),
            5 => ("exclusiveMaximum", value(choices, 6)),
            6 => ("maxLength", (choices.byte() % 5).into()),
            7 => ("minItems", (choices.byte() % 3).into()),
            8 => ("uniqueItems", (choices.byte() % 2 == 0).into()),
            9 => ("items", schema(choices, level + 1)),
            10 => ("prefixItems", schemas(choices, level)),
            11 => ("properties", properties(choices, level)),
            12 => ("additionalProperties", schema(choices, level + 1)),
            13 => ("required", json!(["a"])),
            14 => ("oneOf", schemas(choices, level)),
            15 => ("anyOf", schemas(choices, level)),
            16 => ("default", value(choices, 2)),
            _ => ("$ref", json!(format!("#/$defs/{}", choices.byte() % 4))),
        };
        map.insert(keyword.into(), says);
    }
    Value::Object(map)
}

fn schemas(choices: &mut Choices<'_>, level: usize) -> Value {
    Value::Array((0..choices.byte() % 4).map(|_| schema(choices, level + 1)).collect())
}

fn properties(choices: &mut Choices<'_>, level: usize) -> Value {
    let keys = "abcd".chars().take(usize::from(choices.byte() % 5));
    Value::Object(keys.map(|key| (key.into(), schema(choices, level + 1))).collect())
}

fn kind(choices: &mut Choices<'_>) -> Value {
    let kinds = ["null", "boolean", "integer", "number", "string", "array", "object"];
    kinds[usize::from(choices.byte()) % kinds.len()].into()
}

fn value(choices: &mut Choices<'_>, level: usize) -> Value {
    match choices.byte() % if level > 5 { 4 } else { 9 } {
        0 => (choices.byte() % 8).into(),
        1 => json!(-1.5),
        2 => json!(1.0),
        3 => json!(1e300),
        4 => Value::Null,
        5 => (choices.byte() % 2 == 0).into(),
        6 => ["", "a", "b", "a longer text"][usize::from(choices.byte() % 4)].into(),
        7 => Value::Array((0..choices.byte() % 4).map(|_| value(choices, level + 1)).collect()),
        _ => {
            let keys = "abcd".chars().take(usize::from(choices.byte() % 5));
            Value::Object(keys.map(|key| (key.into(), value(choices, level + 1))).collect())
        }
    }
}
