//! Configuration schemas of strangers, and configurations that do not fit: what the host itself reads of a component.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rewarden_runtime::configuration_schema::SCHEMA_BYTES;
use rewarden_tests::serving::{Serving, rule_manifest, rule_pack, tar};
use rewarden_tests::watched::{CLOCK, KIB, peak, watched};
use rewarden_tests::{Sandbox, component};
use serde_json::{Map, Value, json};

#[allow(dead_code, reason = "the table of hostile components needs more of it")]
#[path = "../../../host/runtime/tests/hostile/guest.rs"]
mod guest;

use guest::Guest;

/// A schema that is refused, and how.
struct Row {
    name: &'static str,
    schema: String,
    says: &'static str,
}

fn rows() -> Vec<Row> {
    let row = |name, schema: Value, says| Row { name, schema: schema.to_string(), says };
    let dag = |depth: usize, word: &str| {
        let twice =
            |next: usize| json!({ word: [{"$ref": format!("#/$defs/d{next}")}, {"$ref": format!("#/$defs/d{next}")}]});
        let mut definitions: Map<String, Value> = (0..depth).map(|at| (format!("d{at}"), twice(at + 1))).collect();
        definitions.insert(format!("d{depth}"), json!({"type": "object"}));
        json!({"type": "object", "allOf": [{"$ref": "#/$defs/d0"}], "$defs": definitions})
    };
    let patterns = |many: usize| {
        let pattern = |at: usize| (format!("(\\p{{L}}{{1,500}}{at})i"), json!({}));
        json!({"type": "object", "patternProperties": (0..many).map(pattern).collect::<Map<_, _>>()})
    };
    let key = |schema: Value| json!({"type": "object", "properties": {"a": schema}});
    let nested = |levels: usize, word: &str| (0..levels).fold(json!({}), |inner, _| json!({ word: inner }));
    let values: Vec<String> = (0..100_000).map(|value| format!("value-{value}")).collect();
    vec![
        row("forty definitions, each of two of the next by allOf", dag(40, "allOf"), "`allOf` at /$defs/d0: "),
        row(
            "twenty-four, by oneOf",
            dag(24, "oneOf"),
            "nested deeper than 16 levels, references counted, at /$defs/d8",
        ),
        row("six, by oneOf", dag(6, "oneOf"), "`oneOf` at /$defs/d5: two of its schemas take the same objects"),
        row("20,000 patterns of keys", patterns(20_000), "bytes, expected 1 to 65536"),
        row("3,000 patterns of keys", patterns(3_000), "bytes, expected 1 to 65536"),
        row("as many patterns as fit", patterns(2_300), "`patternProperties` at the root: is not among the keywords"),
        row("a default of 900 kB", key(json!({"default": "x".repeat(900_000)})), "bytes, expected 1 to 65536"),
        row("a default that does not fit", key(json!({"type": "null", "default": 1})), "`default` at /properties/a: "),
        row("a reference to itself", key(json!({"$ref": "#"})), "`$ref` at /properties/a: expected \"#/$defs/NAME\""),
        row(
            "definitions in a circle",
            json!({"$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"items": {"$ref": "#/$defs/a"}}}}),
            "`$ref` at /$defs/b/items: leads back to itself",
        ),
        row("a dynamic reference", key(json!({"$dynamicRef": "#a"})), "`$dynamicRef` at /properties/a: "),
        row("a remote reference", key(json!({"$ref": "http://127.0.0.1:1/x"})), "`$ref` at /properties/a: "),
        row("a catastrophic pattern", key(json!({"pattern": "^(a+)+$"})), "`pattern` at /properties/a: "),
        row("depth 120", nested(120, "items"), "nested deeper than 16 levels"),
        Row { name: "depth 30,000", schema: "[".repeat(30_000), says: "recursion limit exceeded" },
        row("100,000 values", key(json!({ "enum": values })), "bytes, expected 1 to 65536"),
        row(
            "5,000 values",
            key(json!({"enum": (0..5000).collect::<Vec<_>>()})),
            "`enum` at /properties/a: there are more",
        ),
        Row {
            name: "a key twice",
            schema: r#"{"type": "object", "type": 1}"#.into(),
            says: "the key `type` stands twice",
        },
        Row { name: "an endless number", schema: r#"{"minimum": 1e999}"#.into(), says: "number out of range" },
    ]
}

/// A pack whose scorer is a component with this schema.
fn write_pack(directory: &Path, schema: &str) {
    rule_pack(directory, "rule", "2.0.0", 1.0);
    std::fs::write(directory.join("answer-match.wasm"), Guest::default().schema(schema).build()).unwrap();
}

#[test]
fn a_schema_beyond_the_subset_is_refused_by_every_command_with_its_keyword_in_time_and_memory() {
    let plain = Sandbox::default();
    write_pack(&plain.path().join("p"), "{}");
    plain.write("tasks.jsonl", TASK);
    let commands: [&[&str]; 3] = [
        &["inspect", "p/answer-match.wasm"],
        &["score", "tasks.jsonl", "--pack", "p"],
        &["score", "tasks.jsonl", "--pack", "p", "--isolate", "process"],
    ];
    // What the same commands hold for a component that is taken.
    let usual = commands.map(|arguments| {
        let (status, text, most) = watched(&plain, arguments);
        assert!(status == 0 && most > 0, "{arguments:?} ended with {status}, {most} KiB: {text}");
        most
    });
    let (next, looked_at) = (AtomicU32::new(0), AtomicU32::new(0));
    let rows = rows();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::SeqCst) as usize) {
                    let sandbox = Sandbox::default();
                    write_pack(&sandbox.path().join("p"), &row.schema);
                    sandbox.write("tasks.jsonl", TASK);
                    for (arguments, usual) in commands.iter().zip(usual) {
                        let (status, text, most) = watched(&sandbox, arguments);
                        let at = format!("{}, {arguments:?}", row.name);
                        assert!(status == 1, "{at} ended with {status}, {most} KiB: {text}");
                        let refused =
                            "component `answer-match.wasm`: its configuration schema (`config-schema`) is refused: ";
                        assert!(text.contains(refused) && text.contains(row.says), "{at}: {text}");
                        assert!(text.len() < 1000, "{at}: {} bytes of message", text.len());
                        assert!(most < usual + KIB, "{at}: {most} KiB, where {usual} are usual");
                        // Some end before they can be looked at.
                        looked_at.fetch_add(u32::from(most > 0), Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert!(looked_at.into_inner() > 10);
}

const TASK: &str =
    "{\"messages\": [{\"role\": \"user\", \"content\": \"2 + 2?\"}], \"responses\": [\"4\"], \"reference\": \"4\"}\n";

#[test]
fn an_upload_with_such_a_schema_is_refused_while_the_server_answers_others() {
    let sandbox = Sandbox::default();
    rule_pack(&sandbox.path().join("packs/rule"), "rule", "1.0.0", 1.0);
    let key = sandbox.run(["keygen", "ops", "--role", "admin"]).expect(0);
    sandbox.write("keys", key.stdout());
    let bearer = format!("Bearer {}", key.stderr().lines().next().unwrap());
    let mut server = Serving::in_sandbox(sandbox, &["--packs", "packs", "--keys", "keys"]);
    let upload = |schema: &str| {
        let directory = Sandbox::default();
        write_pack(directory.path(), schema);
        let archive = tar(directory.path());
        let started = Instant::now();
        let reply = server.client().with("authorization", &bearer).send(
            "POST",
            "/admin/packs/rule",
            &[("content-type", "application/x-tar")],
            &archive,
        );
        assert!(started.elapsed() < CLOCK, "an upload took {:?}", started.elapsed());
        reply
    };
    let rows = rows();
    // Once, so that what every upload needs is there; the reply of the second one is the same.
    upload(&rows[0].schema).expect(422);
    let before = peak(server.pid()).unwrap();
    let (done, answered) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = server.client().with("authorization", &bearer);
            let task = json!({"prompt": "2 + 2?", "responses": [r"\boxed{4}", r"\boxed{5}"], "reference": "4"});
            let body = json!({ "task": task });
            while !done.load(Ordering::SeqCst) {
                let started = Instant::now();
                let scores = client.post("/v1/reward", &body).expect(200).json()["scores"].clone();
                assert_eq!(scores, json!([1.0, 0.0]));
                assert!(started.elapsed() < CLOCK, "a request took {:?}", started.elapsed());
                answered.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        for row in &rows {
            let reply = upload(&row.schema).expect(422);
            let text = reply.text();
            let says = serde_json::to_string(row.says).unwrap();
            assert!(text.contains(says.trim_matches('"')), "{}: {text}", row.name);
        }
        done.store(true, Ordering::SeqCst);
    });
    let grown = peak(server.pid()).unwrap() - before;
    assert!(grown < KIB, "the server grew by {grown} KiB");
    assert!(answered.load(Ordering::SeqCst) > 10);
    // A schema of the subset is still taken, and the server ends when it is told to.
    upload("{}").expect(200);
    server.terminate();
    assert_eq!(server.wait(), 0);
}

#[test]
fn inspect_shows_the_beginning_of_what_is_long_in_a_schema() {
    let sandbox = Sandbox::default();
    let room = SCHEMA_BYTES - 200;
    let long = json!({"properties": {"a": {"type": "string", "default": "x".repeat(room)}}}).to_string();
    let many: Map<String, Value> = (0..3000).map(|key| (format!("k{key}"), json!(true))).collect();
    let escapes =
        json!({"properties": {"a": {"enum": ["\u{1b}[31m\u{202e}"], "default": "\u{1b}[31m\u{202e}"}}}).to_string();
    for (schema, says) in [
        (long, format!("xxx… ({room} bytes; --json shows all)")),
        (json!({ "properties": many }).to_string(), "… and 2940 more keys; --json shows all".to_owned()),
        (escapes, r"\u{1b}[31m\u{202e}".to_owned()),
    ] {
        sandbox.write("a.wasm", Guest::default().schema(&schema).build());
        let (status, text, _) = watched(&sandbox, &["inspect", "a.wasm"]);
        assert_eq!(status, 0, "{text}");
        assert!(text.replace("\n", "").replace(' ', "").contains(&says.replace(' ', "")), "{text}");
        assert!(text.len() < 20_000 && !text.contains(['\u{1b}', '\u{202e}']), "{text}");
        let (status, text, _) = watched(&sandbox, &["inspect", "--json", "a.wasm"]);
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, report["config_schema"].to_string()), (0, schema));
    }
}

#[test]
fn a_value_that_does_not_fit_is_told_with_what_there_is_and_where_it_came_from() {
    let sandbox = Sandbox::default();
    rule_pack(&sandbox.path().join("p"), "rule", "1.0.0", 1.0);
    sandbox.write("tasks.jsonl", TASK);
    let with = |value: &str| sandbox.run(["score", "tasks.jsonl", "--pack", "p", "--set", value]);
    let set = |value: &str| with(value).expect(1).stderr();
    for (value, says) in [
        (
            "policy.shuffle=x",
            r#"--set: configuration of the policy, key `shuffle`: expected one of "none", "random", "balanced", found "x""#,
        ),
        ("policy.k=2000", "key `k`: expected an integer from 0 to 1024, found 2000"),
        ("policy.k=many", "key `k`: expected an integer from 0 to 1024, found the text \"many\""),
        ("policy.kk=1", "key `kk`: unknown; did you mean `k`?"),
        (
            r#"policy.signals={"answer": {"weight": -1}}"#,
            "key `signals.answer.weight`: expected a number of at least 0, found -1",
        ),
    ] {
        let stderr = set(value);
        assert!(stderr.contains(says), "{value}: {stderr}");
    }
    let twice = with(r#"policy.signals={"a": 1, "a": 2}"#).expect(2).stderr();
    assert!(twice.contains("the value of `policy.signals` cannot be used: the key `a` stands twice"), "{twice}");
    let long = set(&format!("policy.shuffle={}", "x".repeat(100_000)));
    assert!(long.contains("xxx… (100002 bytes)") && long.len() < 1000, "{long}");
    let deep = set(&format!("policy.signals={}1{}", "[".repeat(65), "]".repeat(65)));
    assert!(deep.contains("key `signals`: is nested deeper than the 64 levels allowed"), "{deep}");

    let manifest = rule_manifest("rule", "1.0.0", 1.0);
    for (from, to, says) in [
        ("weight = 1", "weight = nan", "key `signals`: expected a finite number, found NaN"),
        (
            "weight = 1",
            "weight = -1",
            "pack.toml: configuration of the policy, key `signals.answer.weight`: expected a number of at",
        ),
        (
            "judge_weight = 0",
            "judge_weight = 2026-11-26",
            "key `judge_weight`: expected a text, number, list or table, found the date",
        ),
    ] {
        sandbox.write("p/pack.toml", manifest.replacen(from, to, 1));
        let stderr = sandbox.run(["score", "tasks.jsonl", "--pack", "p"]).expect(1).stderr();
        assert!(stderr.contains(says), "{to}: {stderr}");
    }
    assert!(component("blend").is_file());
}
