//! Guests whose results are not what they claim to be.

use rewarden_runtime::Interface;

use crate::guest::{Guest, RESULT, bytes, words};
use crate::table::{Row, call, outcomes, score};

/// A score at `RESULT + 16`, after a result with a list of it.
fn one_score(tag: u32, bits: u64) -> Guest {
    let text = words(&[0, RESULT + 16, 1, 0, tag, 0]) + &bytes(&bits.to_le_bytes());
    Guest::default().items(format!("(data (i32.const {RESULT}) \"{text}\")")).score(format!("(i32.const {RESULT})"))
}

fn numbers() -> Vec<Row> {
    let number = |name: &str, bits: u64| score(format!("a score of {name}"), move || one_score(0, bits));
    vec![
        number("NaN", f64::NAN.to_bits()),
        number("NaN with a payload", 0x7ff8_dead_beef_cafe),
        number("signalling NaN", 0x7ff0_0000_0000_0001),
        number("infinity", f64::INFINITY.to_bits()),
        number("minus infinity", f64::NEG_INFINITY.to_bits()),
        number("minus zero", (-0.0_f64).to_bits()),
        number("the least subnormal", 1),
        number("the largest number", f64::MAX.to_bits()),
    ]
}

fn lies() -> Vec<Row> {
    let guest = Guest::default;
    let scores = |words: &'static [u32]| move || Guest::default().scores(words);
    vec![
        score("a result pointer outside memory", move || guest().score("(i32.const 65535)")),
        score("a result pointer of -1", move || guest().score("(i32.const -1)")),
        score("a result pointer that is not aligned", move || guest().score("(i32.const 65)")),
        score("a list outside memory", scores(&[0, 65_000, 1000])),
        score("a list whose end wraps around", scores(&[0, 0xffff_fff0, 2])),
        score("a list that is not aligned", scores(&[0, 2049, 1])),
        score("a list of four billion scores", scores(&[0, 0, u32::MAX])),
        score("a list of a billion scores where there is memory for none", scores(&[0, 16, 1 << 30])),
        score("seven million scores", move || guest().pages("1800").scores(&[0, 4096, 7_000_000])).grows(128),
        call("a list of ten million numbers", Interface::Policy, move || {
            // Steps are aligned to 8 bytes, for the confidence in a reward.
            let step = words(&[0, 0, 1, 0, 4096, 10_000_000]);
            guest()
                .pages("700")
                .items(format!("(data (i32.const {RESULT}) \"{step}\")"))
                .body("policy.next", format!("(i32.const {RESULT})"))
        }),
        call("a list of ten million empty strings", Interface::Template, move || {
            // The stop strings of a prompt, after its input, prefill and constraint.
            let prompt = words(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4096, 10_000_000, 0, 0, 0]);
            guest()
                .pages("1300")
                .items(format!("(data (i32.const {RESULT}) \"{prompt}\")"))
                .body("template.render", format!("(i32.const {RESULT})"))
        }),
        score("a text of 1 GiB", scores(&[1, 2, 4096, 1 << 30])),
        score("a text of 100 MiB that is really there", move || guest().pages("1700").scores(&[1, 2, 4096, 100 << 20])),
        score("a text outside memory", scores(&[1, 2, 70_000, 10])),
        score("a text that is not UTF-8", move || {
            guest().items(r#"(data (i32.const 3000) "ab\ff\fe")"#).scores(&[1, 2, 3000, 4])
        }),
        score("a text with half a surrogate pair", move || {
            guest().items(r#"(data (i32.const 3000) "\ed\a0\80")"#).scores(&[1, 2, 3000, 3])
        }),
        score("a text with an overlong encoding", move || {
            guest().items(r#"(data (i32.const 3000) "\c0\af")"#).scores(&[1, 2, 3000, 2])
        }),
        score("neither ok nor an error", scores(&[7, 16, 1])),
        score("a score that is neither a value nor an abstention", || one_score(9, 0)),
        score("a refusal of no known kind", scores(&[1, 77, 16, 1])),
        call("a step of no known kind", Interface::Policy, move || {
            let step = words(&[0, 0, 200, 0, 16, 1]);
            guest()
                .items(format!("(data (i32.const {RESULT}) \"{step}\")"))
                .body("policy.next", format!("(i32.const {RESULT})"))
        }),
        call("an option that is neither there nor not", Interface::Parser, move || {
            // The critique of a judgement, after its scores, criteria, confidence, distributions and principles.
            let judgement = words(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0]);
            guest()
                .items(format!("(data (i32.const {RESULT}) \"{judgement}\")"))
                .body("parser.parse", format!("(i32.const {RESULT})"))
        }),
        score("cabi_realloc that returns an address outside memory", move || guest().realloc("(i32.const -16)")),
        score("cabi_realloc that returns an address at memory's end", move || guest().realloc("(i32.const 65535)")),
        score("cabi_realloc that returns an address that is not aligned", move || guest().realloc("(i32.const 4097)")),
        score("cabi_realloc that always returns 0", move || guest().realloc("(i32.const 0)")),
        score("cabi_realloc that traps", move || guest().realloc("(unreachable)")),
        score("cabi_realloc that grows memory without end", move || {
            guest().realloc("(loop $more (drop (memory.grow (i32.const 1))) (br $more)) (unreachable)")
        }),
        score("a trap, twice", move || guest().score("(unreachable)")).twice(),
        score("a division by zero", move || guest().score("(i32.div_u (i32.const 1) (i32.const 0))")),
        score("a read outside memory", move || guest().score("(i32.load (i32.const -8))")),
        score("a call through an empty table", move || {
            guest()
                .items("(table 1 funcref) (type $f (func (result i32)))")
                .score("(call_indirect (type $f) (i32.const 0))")
        }),
        score("what one call leaves behind is gone in the next", move || {
            guest().items("(global $calls (mut i32) (i32.const 0))").score(
                "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                 (f64.store (i32.const 88) (f64.convert_i32_u (global.get $calls))) (i32.const 64)",
            )
        })
        .twice(),
    ]
}

fn descriptions() -> Vec<Row> {
    let described = |name: &str, words: [u32; 8], text: &'static str| {
        let name = format!("a description with {name}");
        call(name, Interface::Describe, move || {
            Guest::default()
                .items(format!(
                    "(data (i32.const {RESULT}) \"{}\") (data (i32.const 3000) \"{text}\")",
                    crate::guest::words(&words)
                ))
                .pages("40")
                .body("describe.describe", format!("(i32.const {RESULT})"))
        })
    };
    let text = 3000;
    vec![
        described("no name", [text, 0, text, 1, text, 1, text, 2], "{}"),
        described("a name of a megabyte", [text, 1 << 20, text, 1, text, 1, text, 2], "{}"),
        described("terminal escapes in its name", [text, 6, text + 6, 1, text + 6, 1, text + 7, 2], "\\1b[31mx1{}"),
        described("a schema that is not JSON", [text, 1, text, 1, text, 1, text, 2], "{x"),
        described("a schema that is a number", [text, 1, text, 1, text, 1, text, 1], "7"),
        described("a schema of two megabytes", [text, 1, text, 1, text, 1, text, 2 << 20], "{}"),
        call("a description with a schema beyond the subset", Interface::Describe, || {
            Guest::default().schema(r#"{"type": "object", "allOf": []}"#)
        }),
    ]
}

/// What `prepare` returns: whether it refuses, the configuration, the four texts of a description, and a list of interfaces.
fn preparations() -> Vec<Row> {
    let prepared = |name: &str, words: Vec<u32>| {
        call(format!("a preparation {name}"), Interface::Prepare, move || {
            Guest::default()
                .items(format!(
                    "(data (i32.const {RESULT}) \"{}\") (data (i32.const 3000) \"x1{{}}scorerteapot\")
                     (data (i32.const 3100) \"{}\")",
                    crate::guest::words(&words),
                    crate::guest::words(&[3004, 6, 3010, 6])
                ))
                .pages("200")
                .body("prepare.prepare", format!("(i32.const {RESULT})"))
        })
    };
    let (empty, text, json, list) = ([3000, 0], [3000, 1], [3002, 2], 3100);
    let of = |config: [u32; 2], name: [u32; 2], schema: [u32; 2], interfaces: u32| {
        let texts = [config, name, text, text, schema].concat();
        [vec![0], texts, vec![list, interfaces]].concat()
    };
    vec![
        prepared("as it should be", of(json, text, json, 1)),
        prepared("for an interface that there is none of", of(json, text, json, 2)),
        prepared("with an interface outside memory", of(json, text, json, u32::MAX)),
        prepared("of nine megabytes", of([3000, 9 << 20], text, json, 1)),
        prepared("without a name", of(json, empty, json, 1)),
        prepared("with a schema that is a number", of(json, text, [3001, 1], 1)),
        prepared("that is refused", vec![1, 0, 0, 0, 3004, 6]),
        prepared("of a case that there is none of", vec![7]),
    ]
}

#[test]
fn a_preparation_that_cannot_be_used_is_refused_in_words() {
    insta::assert_snapshot!(outcomes(&preparations()));
}

#[test]
fn numbers_arrive_as_they_were_given() {
    insta::assert_snapshot!(outcomes(&numbers()));
}

#[test]
fn a_result_that_lies_is_an_error_with_its_reason() {
    insta::assert_snapshot!(outcomes(&lies()));
}

#[test]
fn a_description_that_cannot_be_shown_is_refused() {
    insta::assert_snapshot!(outcomes(&descriptions()));
}
