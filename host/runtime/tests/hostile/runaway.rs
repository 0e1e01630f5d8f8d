//! Guests that never end, or that want more than there is.

use rewarden_runtime::{Interface, contract};

use crate::guest::{Guest, component};
use crate::table::{Row, call, load, outcomes, score};

const LOOP: &str = "(loop $forever (br $forever)) (unreachable)";

fn loops() -> Vec<Row> {
    let guest = Guest::default;
    vec![
        load("a loop in the start function", move || {
            guest().items("(func $start (loop $forever (br $forever))) (start $start)").build()
        }),
        load("a loop in describe", move || guest().body("describe.describe", LOOP).build()),
        call("a loop in configure", Interface::Describe, move || guest().body("describe.configure", LOOP)),
        call("a loop in prepare, which may take twenty times the fuel", Interface::Prepare, move || {
            guest().body("prepare.prepare", LOOP)
        })
        .limits(|limits| limits.fuel = 1_000_000),
        call("a loop in render", Interface::Template, move || guest().body("template.render", LOOP)),
        call("a loop in parse", Interface::Parser, move || guest().body("parser.parse", LOOP)),
        call("a loop in next", Interface::Policy, move || guest().body("policy.next", LOOP)),
        score("a loop in score-responses", move || guest().score(LOOP)),
        score("a loop in cabi_realloc", move || guest().realloc(LOOP)),
        score("a loop in the clean-up after a result", move || {
            let name = format!("cabi_post_rewarden:plugin/scorer@{}#score-responses", contract::VERSION);
            guest().items(format!("(func (export \"{name}\") (param i32) (loop $forever (br $forever)))"))
        }),
        score("a loop with fuel to spare", move || guest().score(LOOP)).limits(|limits| {
            limits.fuel = u64::MAX;
            limits.processor = std::time::Duration::from_millis(100);
        }),
        score("a loop of filling all memory", move || {
            guest().pages("1000").score(
                "(loop $forever (memory.fill (i32.const 0) (i32.const 7) (i32.const 65536000)) (br $forever))
                 (unreachable)",
            )
        })
        .grows(128),
        score("a loop of filling a table", move || {
            guest().items("(table $t 90000 funcref)").score(
                "(loop $forever (table.fill $t (i32.const 0) (ref.null func) (i32.const 90000)) (br $forever))
                 (unreachable)",
            )
        }),
        score("a loop of calls to the log", move || guest().score(log_forever(16))),
        score("a loop of long log lines", move || guest().pages("100").score(log_forever(6_000_000))),
        score("one log line of more than a result may have", move || {
            guest().pages("400").score("(call $log (i32.const 1) (i32.const 8192) (i32.const 26000000)) (i32.const 64)")
        }),
        score("a log line that lies outside memory", move || {
            guest().score("(call $log (i32.const 1) (i32.const 65530) (i32.const 100)) (unreachable)")
        }),
        score("a log line that is not UTF-8", move || {
            guest()
                .items(r#"(data (i32.const 2048) "\ff\fe")"#)
                .score("(call $log (i32.const 1) (i32.const 2048) (i32.const 2)) (unreachable)")
        }),
        score("a log level that there is none of", move || {
            guest().score("(call $log (i32.const 77) (i32.const 0) (i32.const 1)) (unreachable)")
        }),
        score("a trap after a log line of a megabyte", move || {
            guest().pages("20").items(format!("(data (i32.const 2048) \"{}\")", "x".repeat(2000))).score(
                "(memory.fill (i32.const 8192) (i32.const 120) (i32.const 1000000))
                 (call $log (i32.const 3) (i32.const 8192) (i32.const 1000000)) (unreachable)",
            )
        }),
    ]
}

fn log_forever(length: u32) -> String {
    format!(
        "(loop $forever (call $log (i32.const 0) (i32.const 8192) (i32.const {length})) (br $forever)) (unreachable)"
    )
}

fn greed() -> Vec<Row> {
    let guest = Guest::default;
    let recursion = "(func $deeper (param i32) (result i32) (i32.add (call $deeper (local.get 0)) (i32.const 1)))";
    vec![
        score("a recursion without end", move || {
            guest().items(recursion).score("(call $deeper (i32.const 0)) (drop) (unreachable)")
        }),
        load("a recursion in the start function", move || {
            guest().items(recursion).items("(func $start (drop (call $deeper (i32.const 0)))) (start $start)").build()
        }),
        score("memory grown page by page", move || {
            guest().score("(loop $more (drop (memory.grow (i32.const 1))) (br $more)) (unreachable)")
        }),
        score("memory grown page by page, each written to", move || {
            guest().score(
                "(loop $more
                    (i32.store (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)) (i32.const 1)) (br $more))
                 (unreachable)",
            )
        })
        .grows(192),
        score("memory grown to the limit and written to", move || {
            guest().score(
                "(drop (memory.grow (i32.const 2047)))
                    (memory.fill (i32.const 8192) (i32.const 1) (i32.const 130000000)) (i32.const 64)",
            )
        })
        .limits(|limits| limits.fuel = 1_000_000_000)
        .grows(192),
        score("memory grown to 4 GiB at once", move || {
            guest().score("(drop (memory.grow (i32.const 65535))) (unreachable)")
        }),
        score("memory grown beyond its own maximum", move || {
            guest().pages("1 2").score("(drop (memory.grow (i32.const 5))) (i32.const 64)")
        }),
        load("a memory of 4 GiB from the start", move || guest().pages("65536").build()),
        load("a memory just over the limit from the start", move || guest().pages("2049").build()),
        load("eight memories that are over the limit together", || component("(core module (memory 300))".repeat(8))),
        load("nine memories of one module", || {
            component(format!("(core module $m (memory 1)) {}", "(core instance (instantiate $m))".repeat(9)))
        }),
        load("two memories in one module", move || guest().items("(memory 1)").build()),
        load("a memory of 64-bit addresses", || component("(core module (memory i64 1))")),
        load("a shared memory", || component("(core module (memory 1 2 shared))")),
        score("a table grown element by element", move || {
            guest()
                .items("(table $t 0 funcref)")
                .score("(loop $more (drop (table.grow $t (ref.null func) (i32.const 100))) (br $more)) (unreachable)")
        }),
        score("a table grown to four billion elements", move || {
            guest()
                .items("(table $t 0 funcref)")
                .score("(drop (table.grow $t (ref.null func) (i32.const -1))) (unreachable)")
        }),
        load("a table of ten million elements from the start", move || {
            guest().items("(table 10000000 funcref)").build()
        }),
        load("tables that are over the limit together", move || {
            guest().items("(table 90000 funcref) (table 90000 funcref)").build()
        }),
        load("seventeen tables", move || guest().items("(table 1 funcref)".repeat(17)).build()),
        load("65 core instances", || {
            component(format!("(core module $m) {}", "(core instance (instantiate $m))".repeat(65)))
        }),
        load("65 core instances by way of nested components", || {
            let inner = format!("(core module $m) {}", "(core instance (instantiate $m))".repeat(13));
            component(format!("(component $c {inner}) {}", "(instance (instantiate $c))".repeat(5)))
        }),
        load("ten to the ninth core instances by doubling and doubling", || component(tenfold(9))),
    ]
}

/// A component that instantiates one ten times, which instantiates one ten times, and so on.
fn tenfold(depth: usize) -> String {
    let mut text = "(component $c0 (core module $m) (core instance (instantiate $m)))".to_owned();
    for level in 1..=depth {
        let below = level - 1;
        let instances = format!("(instance (instantiate $inner{below}))").repeat(10);
        text.push_str(&format!(
            "(component $c{level} (alias outer 1 $c{below} (component $inner{below})) {instances})"
        ));
    }
    text + &format!("(instance (instantiate $c{depth}))")
}

#[test]
fn what_never_ends_is_ended() {
    insta::assert_snapshot!(outcomes(&loops()));
}

#[test]
fn what_wants_too_much_is_refused_it() {
    insta::assert_snapshot!(outcomes(&greed()));
}
