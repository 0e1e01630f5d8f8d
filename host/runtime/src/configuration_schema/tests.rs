use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn schema(schema: Value) -> ConfigurationSchema {
    ConfigurationSchema::read(&schema.to_string()).unwrap_or_else(|error| panic!("{error}: {schema}"))
}

fn refusal(schema: Value) -> String {
    match ConfigurationSchema::read(&schema.to_string()) {
        Ok(_) => panic!("accepted: {schema:.500}"),
        Err(error) => error.to_string(),
    }
}

/// A schema with one key.
fn of(key: Value) -> ConfigurationSchema {
    schema(json!({"type": "object", "properties": {"a": key}, "additionalProperties": false}))
}

fn misfit(schema: &ConfigurationSchema, configuration: Value) -> String {
    match schema.check(configuration.as_object().unwrap()) {
        Ok(()) => panic!("it fits: {configuration:.500}"),
        Err(misfit) => misfit.to_string(),
    }
}

fn fits(schema: &ConfigurationSchema, configuration: Value) {
    if let Err(misfit) = schema.check(configuration.as_object().unwrap()) {
        panic!("{misfit}: {configuration}");
    }
}

/// What a key of this schema says to these values: what is wrong, or nothing.
fn says(key: Value, values: &[Value]) -> Vec<String> {
    let schema = of(key);
    values
        .iter()
        .map(|value| match schema.check(json!({ "a": value }).as_object().unwrap()) {
            Ok(()) => String::new(),
            Err(misfit) => misfit.problem.to_string(),
        })
        .collect()
}

#[test]
fn a_schema_as_the_sdk_writes_it_is_read_with_its_kinds_and_defaults() {
    // Of `vote`, `choice` and `rubric`, shortened.
    let schema = schema(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Config",
        "description": "Options of the policy.",
        "type": "object",
        "properties": {
            "k": {"description": "Samples.", "type": "integer", "format": "uint32", "minimum": 1, "maximum": 1024, "default": 4},
            "shuffle": {"$ref": "#/$defs/Shuffle", "description": "In which order.", "default": "balanced"},
            "redraw_limit": {"type": ["integer", "null"], "format": "uint32", "minimum": 1, "default": null},
            "single": {"anyOf": [{"$ref": "#/$defs/Rating"}, {"type": "null"}], "default": null},
            "labels": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}, "default": []},
            "json_schema": {"type": ["object", "null"], "additionalProperties": true, "default": null},
            "signals": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Rating"}, "default": {}},
            "bare": {"type": "boolean", "default": true},
            "anything": true,
        },
        "additionalProperties": false,
        "$defs": {
            "Shuffle": {"oneOf": [
                {"description": "Its own.", "type": "string", "const": "none"},
                {"type": "string", "enum": ["random", "balanced"]},
            ]},
            "Rating": {
                "type": "object",
                "properties": {"bare": {"type": "boolean", "default": true}, "name": {"type": "string"}},
                "additionalProperties": false,
                "required": ["name"],
            },
        },
    }));
    let kinds: Vec<String> =
        schema.properties().iter().map(|property| format!("{} {}", property.name(), property.kind())).collect();
    assert_eq!(
        kinds,
        [
            "k integer",
            "shuffle none | random | balanced",
            "redraw_limit integer or null",
            "single object or null",
            "labels array",
            "json_schema object or null",
            "signals object",
            "bare boolean",
            "anything ",
        ]
    );
    let mut filled = Map::new();
    schema.fill_in(&mut filled);
    let expected = json!({
        "k": 4, "shuffle": "balanced", "redraw_limit": null, "single": null, "labels": [], "json_schema": null,
        "signals": {}, "bare": true,
    });
    assert_eq!(Value::Object(filled), expected);
    assert_eq!(schema.properties()[0].description(), Some("Samples."));

    fits(&schema, json!({"single": {"name": "x"}, "anything": [[{}]], "json_schema": {"pattern": ["a"]}}));
    assert_eq!(
        misfit(&schema, json!({"shuffle": "x"})),
        r#"`shuffle`: expected one of "none", "random", "balanced", found "x""#
    );
    assert_eq!(
        misfit(&schema, json!({"redraw_limit": 0})),
        "`redraw_limit`: expected an integer of at least 1 or null, found 0"
    );
    assert_eq!(misfit(&schema, json!({"single": {}})), "`single.name`: missing; expected a text");
    assert_eq!(
        misfit(&schema, json!({"signals": {"a": {"name": "", "b": 1}}})),
        "`signals.a.b`: unknown; expected one of bare, name"
    );
    assert_eq!(misfit(&schema, json!({"labels": [["a"], ["b", 7]]})), "`labels[1][1]`: expected a text, found 7");
    assert_eq!(misfit(&schema, json!({"single": 1})), "`single`: expected an object or null, found 1");
}

#[test]
fn a_value_of_another_type_or_outside_its_range_is_told_what_is_expected() {
    let values = [json!(0), json!("many"), json!(null), json!([]), json!({}), json!(true), json!(0.5)];
    assert_eq!(
        says(json!({"type": "integer", "minimum": 1}), &values),
        [
            "expected an integer of at least 1, found 0",
            "expected an integer of at least 1, found the text \"many\"",
            "expected an integer of at least 1, found null",
            "expected an integer of at least 1, found a list of 0 items",
            "expected an integer of at least 1, found an object",
            "expected an integer of at least 1, found true",
            "expected an integer of at least 1, found 0.5",
        ]
    );
    let numbers = json!({"type": ["number", "null"], "exclusiveMinimum": 0.5, "exclusiveMaximum": 1});
    let range = "expected a number above 0.5 and below 1 or null";
    assert_eq!(
        says(numbers, &[json!(0.5), json!(1.0), json!(0.75), json!(null)]),
        [format!("{range}, found 0.5"), format!("{range}, found 1.0"), String::new(), String::new()]
    );
    assert_eq!(
        says(json!({"type": "number", "minimum": 2, "maximum": 4}), &[json!(1), json!(2.0), json!(4), json!(4.5)]),
        ["expected a number from 2 to 4, found 1", "", "", "expected a number from 2 to 4, found 4.5"]
    );
    // The tighter one of two bounds.
    assert_eq!(
        says(
            json!({"type": "number", "minimum": 0, "exclusiveMinimum": 0, "maximum": 3, "exclusiveMaximum": 5}),
            &[json!(0), json!(4)]
        ),
        ["expected a number above 0 and of at most 3, found 0", "expected a number above 0 and of at most 3, found 4"]
    );
    assert_eq!(says(json!(false), &[json!(1)]), ["expected no value at all, found 1"]);
}

#[test]
fn integers_and_floats_are_numbers_alike() {
    let whole = [json!(1), json!(1.0), json!(-7.0), json!(1e300), json!(u64::MAX)];
    assert_eq!(says(json!({"type": "integer"}), &whole), [""; 5]);
    assert_eq!(
        says(json!({"enum": [1, 2.5]}), &[json!(1.0), json!(2.5), json!(2)]),
        ["", "", "expected one of 1, 2.5, found 2"]
    );
    let huge: Value = serde_json::from_str("18446744073709551616").unwrap();
    assert_eq!(
        says(json!({"type": "integer", "maximum": u64::MAX}), &[json!(u64::MAX), huge]),
        ["", "expected an integer of at most 18446744073709551615, found 1.8446744073709552e+19"]
    );
}

#[test]
fn lengths_count_characters_and_items() {
    assert_eq!(
        says(
            json!({"type": "string", "minLength": 2, "maxLength": 3}),
            &[json!("é"), json!("éé"), json!("日本語"), json!("abcd")]
        ),
        [
            "expected a text of 2 to 3 characters, found one of 1 character",
            "",
            "",
            "expected a text of 2 to 3 characters, found one of 4 characters",
        ]
    );
    assert_eq!(
        says(json!({"type": "array", "minItems": 1}), &[json!([]), json!([1])]),
        ["expected a list of at least 1 items, found one of 0 items", ""]
    );
    assert_eq!(
        says(
            json!({"prefixItems": [{"type": "number"}], "items": false, "type": "array"}),
            &[json!([1]), json!(["a"]), json!([1, 2])]
        ),
        ["", "expected a number, found the text \"a\"", "expected no value at all, found 2"]
    );
}

#[test]
fn items_that_are_to_differ_are_compared_by_what_they_are() {
    let unique = json!({"type": "array", "uniqueItems": true});
    let lists = [
        json!([1, 2, "1", true, null, [1], {"a": 1}]),
        json!([1, 1.0]),
        json!([{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}]),
        json!(["a", "b", "a"]),
    ];
    assert_eq!(
        says(unique, &lists),
        [
            "",
            "expected no item twice, found 1.0 again",
            "expected no item twice, found an object again",
            "expected no item twice, found \"a\" again",
        ]
    );
    // Quadratic, this would be 10^10 comparisons.
    let many: Vec<u32> = (0..100_000).collect();
    let started = std::time::Instant::now();
    fits(&of(json!({"type": "array", "uniqueItems": true})), json!({ "a": many }));
    assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn alternatives_are_told_apart_by_type_or_listed_one_by_one() {
    let word_or_number = json!({"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1}]});
    assert_eq!(
        says(word_or_number, &[json!("auto"), json!(3), json!(0), json!("x")]),
        [
            "",
            "",
            "expected an integer of at least 1 or \"auto\", found 0",
            "expected an integer of at least 1 or \"auto\", found the text \"x\"",
        ]
    );
    assert_eq!(
        says(json!({"type": "string", "oneOf": [{"const": "a"}, {"const": "b"}]}), &[json!("b"), json!(1)]),
        ["", "expected one of \"a\", \"b\", found 1"]
    );
    assert_eq!(
        says(
            json!({"type": "integer", "oneOf": [{"const": 1}, {"const": 2.5}, {"const": "a"}]}),
            &[json!(1), json!(2.5)]
        ),
        ["", "expected 1, found 2.5"]
    );
    let same = "write one schema for each type of value, or list single values by `const`";
    for (alternatives, kind) in [
        (json!([{"type": "string"}, {"type": ["string", "null"]}]), "texts"),
        (json!([{"type": "object"}, {"properties": {}}]), "objects"),
        (json!([{"type": "integer"}, {"type": "number"}]), "numbers"),
        (json!([{"const": "a"}, {"type": "string"}]), "texts"),
        (json!([{"const": "a"}, {"enum": ["b", "a"]}]), "texts"),
        (json!([{"const": null}, {"type": "null"}]), "null"),
        (json!([{"type": "boolean"}, {"const": true}]), "booleans"),
    ] {
        let message = refusal(json!({"properties": {"a": {"oneOf": alternatives}}}));
        assert_eq!(message, format!("`oneOf` at /properties/a: two of its schemas take the same {kind}; {same}"));
    }
    // The same value twice means the same to `anyOf`.
    assert_eq!(says(json!({"anyOf": [{"const": "a"}, {"enum": ["b", "a"]}]}), &[json!("a")]), [""]);
}

#[test]
fn a_keyword_beyond_the_subset_is_refused_by_name_with_what_to_write_instead() {
    let not_among = "is not among the keywords of a plugin's schema;";
    let refused = |name: &str| refusal(json!({"type": "object", "properties": {"a/b": {name: {}}}}));
    assert_eq!(
        refused("pattern"),
        format!(
            "`pattern` at /properties/a~1b: {not_among} list the texts in `enum`, or leave it out and check the text in \
             `configure`"
        )
    );
    assert_eq!(
        refused("not"),
        format!(
            "`not` at /properties/a~1b: {not_among} leave it out and check this in `configure`, whose error names the key"
        )
    );
    assert_eq!(
        refused("frobnicate"),
        format!(
            "`frobnicate` at /properties/a~1b: {not_among} leave it out; a note for other tools is a keyword that begins \
             with `x-`"
        )
    );
    for name in ["allOf", "if", "patternProperties", "multipleOf", "$dynamicRef", "definitions", "contains", "not"] {
        let message = refused(name);
        assert!(message.starts_with(&format!("`{name}` at /properties/a~1b: {not_among}")), "{message}");
        // At the root as well.
        assert!(refusal(json!({name: {}})).starts_with(&format!("`{name}` at the root: {not_among}")));
    }
    assert_eq!(
        refusal(json!({"properties": {"a": {"$defs": {}}}})),
        "`$defs` at /properties/a: expected at the root of the schema alone"
    );
    fits(
        &schema(json!({"x-order": 1, "$comment": "no", "properties": {"a": {"deprecated": true, "examples": [1]}}})),
        json!({}),
    );
}

#[test]
fn references_lead_to_the_roots_definitions_and_never_in_a_circle() {
    let own = |reference: &str| json!({"$defs": {"x": {"type": "null"}}, "properties": {"a": {"$ref": reference}}});
    fits(&schema(own("#/$defs/x")), json!({"a": null}));
    for reference in ["#", "https://example.org/x", "#/$defs/y", "#/properties/a", "#/$defs/", "x"] {
        assert_eq!(
            refusal(own(reference)),
            format!(
                "`$ref` at /properties/a: expected \"#/$defs/NAME\" with a name of the root's `$defs`, found \"{reference}\""
            )
        );
    }
    let circle = json!({"$defs": {"x": {"items": {"$ref": "#/$defs/y"}}, "y": {"items": {"$ref": "#/$defs/x"}}}});
    assert_eq!(
        refusal(circle),
        "`$ref` at /$defs/y/items: leads back to itself; a configuration has a stated depth, so write its levels out"
    );
    assert_eq!(
        refusal(json!({"$defs": {"x": true}, "properties": {"a": {"$ref": "#/$defs/x", "minimum": 1}}})),
        "`minimum` at /properties/a: cannot stand beside `$ref`; move it into the schemas that `$ref` names"
    );
    assert!(refusal(json!({"$defs": {"x": {"allOf": []}}})).starts_with("`allOf` at /$defs/x: "));
}

#[test]
fn a_default_fits_its_own_schema() {
    assert_eq!(
        refusal(json!({"properties": {"a": {"type": "integer", "default": "x"}}})),
        "`default` at /properties/a: does not fit its own schema: expected an integer, found the text \"x\""
    );
    assert_eq!(
        refusal(json!({"properties": {"a": {"items": {"type": "string"}, "default": ["a", 1]}}})),
        "`default` at /properties/a: does not fit its own schema: `[1]` expected a text, found 1"
    );
    assert_eq!(
        refusal(json!({"$defs": {"x": {"enum": ["a"]}}, "properties": {"a": {"$ref": "#/$defs/x", "default": "b"}}})),
        "`default` at /properties/a: does not fit its own schema: expected \"a\", found \"b\""
    );
}

#[test]
fn a_schema_is_bounded_in_bytes_levels_schemas_and_values() {
    assert_eq!(
        refusal(json!({"description": "x".repeat(SCHEMA_BYTES)})),
        "has 65554 bytes, expected 1 to 65536; shorten descriptions and lists of values"
    );
    let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "items": inner }));
    fits(&schema(nested(LEVELS)), json!({}));
    let message = refusal(nested(LEVELS + 1));
    assert!(message.starts_with("is nested deeper than 16 levels, references counted, at /items/items/"), "{message}");
    let chain = |links: usize| {
        let definition = |link: usize| match link {
            0 => json!({"type": "string"}),
            _ => json!({"$ref": format!("#/$defs/{}", link - 1)}),
        };
        let forwards: Map<String, Value> = (0..links).map(|link| (link.to_string(), definition(link))).collect();
        let backwards: Map<String, Value> = (0..links).rev().map(|link| (link.to_string(), definition(link))).collect();
        [json!({"$defs": forwards}), json!({"$defs": backwards})]
    };
    // In whatever order they stand.
    chain(LEVELS).into_iter().for_each(|chain| fits(&schema(chain), json!({})));
    for chain in chain(LEVELS + 1) {
        assert!(refusal(chain).starts_with("is nested deeper than 16 levels"));
    }
    let properties =
        |many: usize| -> Map<String, Value> { (0..many).map(|k| (format!("{k:04}"), json!({}))).collect() };
    assert!(ConfigurationSchema::read(&json!({"properties": properties(SUBSCHEMAS - 1)}).to_string()).is_ok());
    assert_eq!(
        refusal(json!({"properties": properties(SUBSCHEMAS)})),
        "holds more than 4096 schemas, counting every property and alternative; write fewer"
    );
    assert!(
        refusal(json!({"properties": {"a": {"enum": (0..5000).collect::<Vec<_>>()}}}))
            .contains("more than 4096 single values")
    );
    assert!(refusal(json!({"properties": {"x".repeat(129): {}}})).contains("expected a key of 1 to 128 bytes"));
    assert!(refusal(json!({"properties": {"a\u{1b}[31m": {}}})).contains("without control characters"));
    assert!(refusal(json!({"description": "a\u{202e}b"})).contains("holds control characters"));
}

#[test]
fn what_is_no_schema_is_refused_with_its_place() {
    let refused = |text: &str| ConfigurationSchema::read(text).unwrap_err().to_string();
    assert_eq!(refused(""), "has 0 bytes, expected 1 to 65536; shorten descriptions and lists of values");
    assert_eq!(refused("7"), "is not a JSON object");
    assert!(refused(&"[".repeat(60_000)).starts_with("is not JSON that can be relied on: recursion limit exceeded"));
    assert!(refused(r#"{"properties": {"k": {"maximum": 1e999}}}"#).contains("number out of range"));
    assert_eq!(
        refused(r#"{"type": "object", "type": "null"}"#),
        "is not JSON that can be relied on: the key `type` stands twice in one object at line 1 column 25"
    );
    for (schema, message) in [
        (
            json!({"type": "null"}),
            "`type` at the root: a configuration is an object always; write \"type\": \"object\"",
        ),
        (
            json!({"type": "text"}),
            "`type` at the root: expected one of null, boolean, integer, number, string, array, object, or a list of them, found \"text\"",
        ),
        (json!({"properties": []}), "`properties` at the root: expected an object of schemas"),
        (json!({"properties": {"a": 1}}), "`a` at /properties/a: expected a schema, which is an object, true or false"),
        (json!({"properties": {"a": {"minimum": "1"}}}), "`minimum` at /properties/a: expected a number, found \"1\""),
        (
            json!({"properties": {"a": {"minItems": -1}}}),
            "`minItems` at /properties/a: expected an integer of at least 0, found -1",
        ),
        (
            json!({"properties": {"a": {"enum": [[1]]}}}),
            "`enum` at /properties/a: expected texts, numbers, true, false or null; write `items` or `properties` for others",
        ),
        (
            json!({"properties": {"a": {"items": []}}}),
            "`items` at /properties/a: expected one schema; write `prefixItems` for a list of them",
        ),
        (
            json!({"properties": {"a": {"anyOf": []}}}),
            "`anyOf` at /properties/a: expected a list of one schema or more",
        ),
        (json!({"required": "a"}), "`required` at the root: expected a list of keys"),
    ] {
        assert_eq!(refusal(schema), message);
    }
}

/// The hostile kinds that were tried on a full validator, at the largest size that fits.
#[test]
fn reading_and_checking_take_time_in_proportion_whatever_the_schema_is() {
    let started = std::time::Instant::now();
    // Every level refers to the next one twice: written out, 2^14 objects.
    let twice = |next: usize| json!({"properties": {"a": {"$ref": format!("#/$defs/{next}")}, "b": {"$ref": format!("#/$defs/{next}")}}});
    let mut definitions: Map<String, Value> = (0..6).map(|level| (level.to_string(), twice(level + 1))).collect();
    definitions.insert("6".into(), json!({"type": "string"}));
    let shared = schema(json!({"$defs": definitions, "properties": {"x": {"$ref": "#/$defs/0"}}}));
    let deep = (0..6).fold(json!(1), |inner, _| json!({"a": inner, "b": "y"}));
    assert_eq!(misfit(&shared, json!({"x": deep})), "`x.a.a.a.a.a.a`: expected a text, found 1");

    let mut definitions = Map::new();
    let words: Vec<String> = (0..2000).map(|word| word.to_string()).collect();
    definitions.insert("words".into(), json!({ "enum": words }));
    let again: Vec<Value> = (0..500).map(|_| json!({"$ref": "#/$defs/words"})).collect();
    let message = refusal(json!({"$defs": definitions, "properties": {"a": {"anyOf": again}}}));
    assert!(message.starts_with("`anyOf` at /properties/a: there are more than 4096 single values"), "{message}");

    // A long list of values against many constants, and many objects without what is required.
    let schema = of(json!({"items": {"enum": words}}));
    fits(&schema, json!({"a": vec!["1999"; 100_000]}));
    let required: Vec<String> = (0..4000).map(|key| format!("k{key}")).collect();
    let schema = of(json!({"items": {"required": required}}));
    assert_eq!(misfit(&schema, json!({"a": vec![json!({}); 100_000]})), "`a[0].k0`: missing");
    assert!(started.elapsed() < std::time::Duration::from_secs(2), "{:?}", started.elapsed());
}

/// Schemas that are mostly in the subset, and values that mostly fit them.
fn any_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!({"type": "boolean", "default": true})),
        (-5i64..5, 0i64..9).prop_map(
            |(least, more)| json!({"type": "integer", "minimum": least, "maximum": least + more, "default": least})
        ),
        Just(json!({"type": ["number", "null"], "exclusiveMinimum": 0})),
        Just(json!({"enum": ["a", "b", 3, null], "default": "a"})),
        (0u64..4).prop_map(|least| json!({"type": "string", "minLength": least})),
        Just(json!({"oneOf": [{"const": "x"}, {"type": "number"}, {"type": "null"}]})),
        Just(json!({"$ref": "#/$defs/d"})),
    ];
    let schema = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), any::<bool>())
                .prop_map(|(items, unique)| json!({"type": "array", "items": items, "uniqueItems": unique})),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(object),
            inner.clone().prop_map(|other| json!({"type": "object", "additionalProperties": other})),
            inner.prop_map(|object| json!({"anyOf": [object, {"type": "null"}]})),
        ]
    });
    proptest::collection::vec(schema, 0..5).prop_map(|schemas| {
        let mut root = object(schemas);
        root["$defs"] = json!({"d": {"type": "string", "maxLength": 3}});
        root
    })
}

fn object(schemas: Vec<Value>) -> Value {
    let properties: Map<String, Value> = "abcdef".chars().map(String::from).zip(schemas).collect();
    json!({"type": "object", "properties": properties, "additionalProperties": false, "required": []})
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-6i64..9).prop_map(Value::from),
        (-2.0..2.0_f64).prop_map(Value::from),
        "[abx]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(inner, 0..4)
                .prop_map(|values| { Value::Object("abcdef".chars().map(String::from).zip(values).collect()) }),
        ]
    })
}

/// By the letter of the standard, with alternatives tried one by one: the oracle.
fn valid(schema: &Value, root: &Value, value: &Value) -> bool {
    let Value::Object(map) = schema else { return schema == &json!(true) };
    let sub = |schema: &Value, value: &Value| valid(schema, root, value);
    map.iter().all(|(keyword, says)| match keyword.as_str() {
        "type" => {
            let is = |name: &Value| match name.as_str().unwrap() {
                "null" => value.is_null(),
                "boolean" => value.is_boolean(),
                "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
                "number" => value.is_number(),
                "string" => value.is_string(),
                "array" => value.is_array(),
                _ => value.is_object(),
            };
            says.as_array().map_or_else(|| is(says), |names| names.iter().any(is))
        }
        "minimum" => value.as_f64().is_none_or(|number| number >= says.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= says.as_f64().unwrap()),
        "exclusiveMinimum" => value.as_f64().is_none_or(|number| number > says.as_f64().unwrap()),
        "minLength" => value.as_str().is_none_or(|text| text.len() as u64 >= says.as_u64().unwrap()),
        "maxLength" => value.as_str().is_none_or(|text| text.len() as u64 <= says.as_u64().unwrap()),
        "enum" => says.as_array().unwrap().iter().any(|one| same(one, value)),
        "const" => same(says, value),
        "oneOf" => says.as_array().unwrap().iter().filter(|schema| sub(schema, value)).count() == 1,
        "anyOf" => says.as_array().unwrap().iter().any(|schema| sub(schema, value)),
        "$ref" => sub(&root["$defs"]["d"], value),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| sub(says, item))),
        "uniqueItems" => value.as_array().is_none_or(|items| {
            let twice = items.iter().enumerate().any(|(at, item)| items[..at].iter().any(|other| same(item, other)));
            !twice || says == &json!(false)
        }),
        "properties" => value.as_object().is_none_or(|object| {
            object.iter().all(|(key, value)| says.get(key).is_none_or(|schema| sub(schema, value)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|object| {
            let known = |key: &String| map.get("properties").is_some_and(|properties| properties.get(key).is_some());
            object.iter().all(|(key, value)| known(key) || sub(says, value))
        }),
        _ => true,
    })
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

proptest! {
    #[test]
    fn what_fits_is_what_the_standard_says(written in any_schema(), value in any_value()) {
        // Alternatives of which two take null or anything are refused.
        let Ok(schema) = ConfigurationSchema::read(&written.to_string()) else { return Ok(()) };
        let value = json!({ "a": value });
        let misfit = schema.check(value.as_object().unwrap()).err();
        prop_assert_eq!(valid(&written, &written, &value), misfit.is_none(), "{} {} {:?}", written, value, misfit);
    }

    #[test]
    fn a_configuration_that_is_filled_in_fits_and_stays_as_it_is(written in any_schema()) {
        let Ok(schema) = ConfigurationSchema::read(&written.to_string()) else { return Ok(()) };
        let mut filled = Map::new();
        schema.fill_in(&mut filled);
        prop_assert_eq!(schema.check(&filled), Ok(()));
        let mut again = filled.clone();
        schema.fill_in(&mut again);
        prop_assert_eq!(again, filled);
    }

    #[test]
    fn any_text_is_a_schema_or_refused_in_words(text in "\\PC{0,60}") {
        if let Err(error) = ConfigurationSchema::read(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn most_of_the_schemas_of_the_property_tests_are_in_the_subset() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let accepted = (0..200).filter(|_| {
        let written = proptest::strategy::ValueTree::current(&any_schema().new_tree(&mut runner).unwrap());
        ConfigurationSchema::read(&written.to_string()).is_ok()
    });
    assert!(accepted.count() > 100);
}
