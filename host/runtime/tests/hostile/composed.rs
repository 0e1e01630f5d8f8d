//! Components made of components: what wasmtime itself generates and keeps for them, beside what is in the file.

use rewarden_runtime::contract::{PACKAGE, VERSION};

use crate::guest::{beside, component, leb, section};
use crate::table::{Row, load, outcomes};

/// Two components, of which the second calls `f` of the first when it is instantiated. `types` comes before both, `kind`
/// is the parameter's type, and `pages` the size of each memory. The call is `call`, in a function with two words of locals.
struct Pair<'a> {
    types: String,
    kind: &'a str,
    encodings: [&'a str; 2],
    pages: u32,
    call: &'a str,
}

impl Default for Pair<'_> {
    fn default() -> Self {
        let call = "(call 0 (i32.const 16) (i32.const 4))";
        Self { types: String::new(), kind: "string", encodings: ["utf8"; 2], pages: 1, call }
    }
}

impl Pair<'_> {
    fn text(&self) -> String {
        let Self { types, kind, encodings: [giving, taking], pages, call } = self;
        // Says yes to whatever it is asked for; what is copied there is overwritten by the next.
        let realloc =
            r#"(func (export "realloc") (param i32 i32 i32 i32) (result i32) (local.get 2) (drop) (i32.const 64))"#;
        format!(
            r#"(component $taking
                {types}
                (core module $m
                    (memory (export "memory") {pages})
                    {realloc}
                    (func (export "f") (param i32 i32)))
                (core instance $i (instantiate $m))
                (func (export "f") (param "s" {kind})
                    (canon lift (core func $i "f")
                        (memory (core memory $i "memory")) (realloc (core func $i "realloc")) string-encoding={taking})))
            (instance $taking (instantiate $taking))
            (component $giving
                {types}
                (import "f" (func $f (param "s" {kind})))
                (core module $libc (memory (export "memory") {pages}) {realloc})
                (core instance $libc (instantiate $libc))
                (core func $lowered
                    (canon lower (func $f)
                        (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")) string-encoding={giving}))
                (core module $m
                    (import "" "f" (func (param i32 i32)))
                    (func $start (local i32 i32) {call})
                    (start $start))
                (core instance (instantiate $m (with "" (instance (export "f" (func $lowered)))))))
            (instance (instantiate $giving (with "f" (func $taking "f"))))"#
        )
    }

    fn beside(&self) -> Vec<u8> {
        beside(self.text())
    }
}

fn memories() -> Vec<Row> {
    vec![
        load("two components that pass a string, and a describe in name only", || {
            let text = include_str!("fused.wat").replace("VERSION", VERSION).replace("PACKAGE", PACKAGE);
            wat::parse_str(text).unwrap()
        }),
        load("a good guest beside two components that pass a string", || Pair::default().beside()),
        load("a module that defines two memories", || component("(core module (memory 1) (memory 1))")),
        load("a module that imports two memories", || {
            component(r#"(core module (import "" "a" (memory 1)) (import "" "b" (memory 1)))"#)
        }),
        load("a module that imports a memory and defines another", || {
            component(r#"(core module (import "" "a" (memory 1)) (memory 1))"#)
        }),
        load("a module of two memories that nothing instantiates, three components down", || {
            component("(component (component (component (core module (memory 1) (memory 1)))))")
        }),
        load("a module of two memories after one of one memory, in a component after another", || {
            component(
                "(component (core module (memory 1))) (component (core module (memory 0)) (core module (memory 0) (memory 0)))",
            )
        }),
        load("a module that gets two memories of others through aliases", || {
            component(
                r#"(core module $one (memory (export "m") 1))
                (core instance $a (instantiate $one)) (core instance $b (instantiate $one))
                (core module $two (import "" "a" (memory 1)) (import "" "b" (memory 1))
                    (func (memory.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 8))))
                (core instance (instantiate $two (with "" (instance
                    (export "a" (memory $a "m")) (export "b" (memory $b "m"))))))"#,
            )
        }),
        load("the type of a module that would import two memories", || {
            component(r#"(core type (module (import "" "a" (memory 1)) (import "" "b" (memory 1))))"#)
        }),
        load("memories in many modules, one each", || component("(core module (memory 1))".repeat(8))),
        load("an instruction that names a second memory", || {
            component("(core module (memory 1) (func (memory.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 8))))")
        }),
    ]
}

fn adapters() -> Vec<Row> {
    // A string of 60 MB is copied, and read as another encoding, for a few units of fuel: the clock ends it.
    let endless = |encodings: [&'static str; 2], bytes: u32| {
        move || {
            let call = format!("(loop $more (call 0 (i32.const 16) (i32.const {bytes})) (br $more))");
            Pair { encodings, pages: 1000, call: &call, ..Pair::default() }.beside()
        }
    };
    let clocked = |row: Row| row.limits(|limits| limits.processor = std::time::Duration::from_millis(300)).grows(192);
    let typed =
        |types: String, kind: &'static str| move || Pair { types: types.clone(), kind, ..Pair::default() }.beside();
    // Tuples, since what has names would have to be exported.
    let tuple = |fields: usize| format!("(type $r (tuple {})) (type $top (list $r))", "string ".repeat(fields));
    vec![
        clocked(load("strings of 60 MB copied for ever", endless(["utf8"; 2], 60_000_000))),
        clocked(load("strings of 20 MB that become UTF-16 for ever", endless(["utf8", "utf16"], 20_000_000))),
        clocked(load("strings of 20 MB that become Latin-1 for ever", endless(["utf8", "latin1+utf16"], 20_000_000))),
        load("a string outside memory, passed on", || {
            Pair { call: "(call 0 (i32.const 65000) (i32.const 1000))", ..Pair::default() }.beside()
        }),
        load("a string of four billion bytes, passed on", || {
            Pair { call: "(call 0 (i32.const 0) (i32.const -1))", ..Pair::default() }.beside()
        }),
        load("a type that doubles 12 times, passed on", typed(doubling(12), "$top")),
        load("a type that doubles 18 times, passed on", typed(doubling(18), "$top")),
        load("a type that doubles 40 times, passed on", typed(doubling(40), "$top")),
        load("a tuple of 1,000 strings, passed on", typed(tuple(1_000), "$top")),
        load("a tuple of 9,000 strings, passed on", typed(tuple(9_000), "$top")),
        load("a list of lists, 90 deep, passed on", || {
            let lists = (1..=90).map(|level| format!("(type $t{level} (list $t{}))", level - 1)).collect::<String>();
            Pair { types: format!("(type $t0 string) {lists}"), kind: "$t90", ..Pair::default() }.beside()
        }),
        load("tuples of 30,000 strings together, passed on by as many functions", || {
            beside(many_functions(100, |at| format!("(tuple {})", "string ".repeat(300 + at))))
        }),
        load("100 functions that pass a type that doubles 12 times", || beside(many_functions(100, |_| "$t12".into())))
            .within(30)
            .grows(256),
        load("257 functions that pass a string", || beside(many_functions(257, |_| "string".into()))),
    ]
}

/// A type that is twice the one below it, and so on.
fn doubling(levels: usize) -> String {
    let below = (1..=levels).map(|level| format!("(type $t{level} (tuple $t{0} $t{0}))", level - 1));
    format!("(type $t0 string) {} (type $top (list $t{levels}))", below.collect::<String>())
}

/// Two components, of which the second may call any of so many functions of the first, of lists of a type each.
fn many_functions(functions: usize, kind: impl Fn(usize) -> String) -> String {
    let types =
        doubling(12) + &(0..functions).map(|at| format!("(type $l{at} (list {}))", kind(at))).collect::<String>();
    let each = |line: &dyn Fn(usize) -> String| (0..functions).map(line).collect::<String>();
    let realloc = r#"(func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))"#;
    format!(
        r#"(component $taking {types}
            (core module $m (memory (export "memory") 1) {realloc} (func (export "f") (param i32 i32)))
            (core instance $i (instantiate $m))
            {lifted})
        (instance $taking (instantiate $taking))
        (component $giving {types}
            {imported}
            (core module $libc (memory (export "memory") 1) {realloc})
            (core instance $libc (instantiate $libc))
            {lowered}
            (core module $m {needed})
            (core instance (instantiate $m (with "" (instance {given})))))
        (instance (instantiate $giving {with}))"#,
        lifted = each(&|at| format!(
            r#"(func (export "f{at}") (param "s" $l{at}) (canon lift (core func $i "f") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))"#
        )),
        imported = each(&|at| format!(r#"(import "f{at}" (func $f{at} (param "s" $l{at})))"#)),
        lowered = each(&|at| format!(
            r#"(core func $c{at} (canon lower (func $f{at}) (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))"#
        )),
        needed = each(&|at| format!(r#"(import "" "f{at}" (func (param i32 i32)))"#)),
        given = each(&|at| format!(r#"(export "f{at}" (func $c{at}))"#)),
        with = each(&|at| format!(r#"(with "f{at}" (func $taking "f{at}"))"#)),
    )
}

fn resources() -> Vec<Row> {
    // A module that does this at its start, with `new` and `drop` of a resource.
    let module = |body: &str| {
        format!(
            r#"(type $r (resource (rep i32)))
            (core func $new (canon resource.new $r)) (core func $drop (canon resource.drop $r))
            (core module $m
                (import "" "new" (func $new (param i32) (result i32))) (import "" "drop" (func $drop (param i32)))
                (func $start {body}) (start $start))
            (core instance (instantiate $m (with "" (instance
                (export "new" (func $new)) (export "drop" (func $drop))))))"#
        )
    };
    let does = |body: &'static str| move || beside(module(body));
    vec![
        load("a resource that is made and dropped", does("(call $drop (call $new (i32.const 7)))")),
        load("resources made without end", does("(loop $more (drop (call $new (i32.const 7))) (br $more))")),
        load(
            "resources made and dropped without end",
            does("(loop $more (call $drop (call $new (i32.const 7))) (br $more))"),
        ),
        load("a resource dropped twice", does("(call $drop (i32.const 1)) (call $drop (i32.const 1))")),
        load("a resource dropped that never was", does("(call $drop (i32.const -1))")),
        load("a thousand resource types", || beside("(type (resource (rep i32)))".repeat(1000))),
    ]
}

fn features() -> Vec<Row> {
    let text = |text: &'static str| move || component(text);
    vec![
        load("a stream", text("(type (stream u8))")),
        load("a future", text("(type (future u8))")),
        load("an error context", text("(core func (canon error-context.drop))")),
        load("a task's own return", text("(core func (canon task.return))")),
        load("a set of things to wait for", text("(core func (canon waitable-set.new))")),
        load("an async function", text("(type (func async))")),
        load("a value", text("(import \"v\" (value string))")),
        load("a map", text("(type (map string string))")),
        load("a list of fixed length", text("(type (list u8 1000000000))")),
        load("SIMD", text("(core module (func (param v128)))")),
        load("a tail call", text("(core module (func $f (return_call $f)))")),
        load("a reference to a struct", text("(core module (type (struct (field i32))))")),
        load("an exception", text("(core module (tag))")),
        load("a function reference", text("(core module (type $f (func)) (func (param (ref $f))))")),
        load("a custom page size", text("(core module (memory 1 (pagesize 1)))")),
        load(
            "wide arithmetic",
            text(
                "(core module (func (param i64 i64 i64 i64) (result i64 i64) (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3))))",
            ),
        ),
    ]
}

fn shapes() -> Vec<Row> {
    let repeated = |text: &'static str, times: usize| move || component(text.repeat(times));
    vec![
        load("a thousand flags", || {
            component(format!("(type (flags {}))", (0..1000).map(|flag| format!("\"f{flag}\" ")).collect::<String>()))
        }),
        load("ten thousand cases", || {
            let cases = (0..10_000).map(|case| format!("(case \"c{case}\" string)")).collect::<String>();
            component(format!("(type (variant {cases}))"))
        }),
        load("100,000 types", repeated("(type (list u8))", 100_000)),
        load("900,000 types", repeated("(type u8)", 900_000)),
        load("100,000 aliases", || {
            component(format!(
                r#"(core module $m (func (export "f"))) (core instance $i (instantiate $m)) {}"#,
                r#"(alias core export $i "f" (core func))"#.repeat(100_000)
            ))
        }),
        load("an instance with 90,000 exports", || {
            let exports = (0..90_000).map(|at| format!("(export \"e{at}\" (func 0))")).collect::<String>();
            component(format!(
                r#"(core module $m (func (export "f"))) (core instance $i (instantiate $m))
                (func (canon lift (core func $i "f"))) (instance {exports})"#
            ))
        }),
        load("900 functions lifted", || {
            component(format!(
                r#"(core module $m (func (export "f"))) (core instance $i (instantiate $m)) {}"#,
                r#"(func (canon lift (core func $i "f")))"#.repeat(900)
            ))
        }),
        load("2,000 functions lifted", || lifted(2_000)),
        load("20,000 functions lifted", || lifted(20_000)),
        load("100,000 functions lifted", || lifted(100_000)),
        load("types of instances, doubling forty times", || {
            let levels = (1..=40).map(|level| {
                let below = format!("(alias outer 1 $t{} (type $below))", level - 1);
                format!(
                    r#"(type $t{level} (instance {below}
                        (export "a" (instance (type $below))) (export "b" (instance (type $below)))))"#
                )
            });
            component(format!("(type $t0 (instance)) {}", levels.collect::<String>()))
        }),
        load("types of components, nested 40 deep", || {
            let text = "(type (component ".repeat(40) + &"))".repeat(40);
            component(text)
        }),
        load("names of a megabyte in ten custom sections", || {
            let mut bytes = component("");
            for _ in 0..10 {
                let mut content = Vec::new();
                leb(1 << 20, &mut content);
                content.extend(vec![b'n'; 1 << 20]);
                section(0, &content, &mut bytes);
            }
            bytes
        }),
    ]
}

/// So many functions of one and the same core function, written byte by byte: the text format would take minutes.
fn lifted(count: usize) -> Vec<u8> {
    let mut bytes = component(
        r#"(core module $m (func (export "f"))) (core instance $i (instantiate $m))
        (alias core export $i "f" (core func)) (type (func))"#,
    );
    let mut content = Vec::new();
    leb(count, &mut content);
    // Lift: core function 0, no options, type 0.
    content.extend([0, 0, 0, 0, 0].repeat(count));
    section(8, &content, &mut bytes);
    bytes
}

#[test]
fn a_module_has_one_memory_and_components_may_have_several() {
    insta::assert_snapshot!(outcomes(&memories()));
}

#[test]
fn what_components_pass_to_each_other_is_bounded_as_a_call_is() {
    insta::assert_snapshot!(outcomes(&adapters()));
}

#[test]
fn resources_cost_the_host_no_more_than_a_set_number_of_handles() {
    insta::assert_snapshot!(outcomes(&resources()));
}

#[test]
fn what_no_plugin_needs_is_refused_by_name() {
    insta::assert_snapshot!(outcomes(&features()));
}

#[test]
fn types_and_definitions_without_end_are_bounded() {
    insta::assert_snapshot!(outcomes(&shapes()));
}
