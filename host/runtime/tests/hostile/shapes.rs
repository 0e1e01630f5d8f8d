//! Components whose shape alone is the attack, and files that are no components: all are refused at load.

use std::path::{Path, PathBuf};

use rewarden_runtime::contract::{PACKAGE, VERSION};

use crate::guest::{Guest, bare, component, leb};
use crate::table::{Row, file, load, outcomes};

fn exporting(name: impl AsRef<str>) -> Vec<u8> {
    bare(format!("(instance $empty) (export \"{}\" (instance $empty))", name.as_ref()))
}

fn ours(interface: &str) -> String {
    format!("{PACKAGE}/{interface}@{VERSION}")
}

fn contracts() -> Vec<Row> {
    let import = |name: &'static str, what: &'static str| {
        move || component(format!("(import \"{}\" {what})", name.replace("VERSION", VERSION)))
    };
    vec![
        load("nothing at all", || bare("")),
        load("exports of another package only", || exporting("a:b/c@1.0.0")),
        load("describe in name only", || component("")),
        load("describe of an old version", || exporting(format!("{PACKAGE}/describe@0.0.1"))),
        load("describe of a future version", || exporting(format!("{PACKAGE}/describe@9.0.0"))),
        load("describe without a version", || exporting(format!("{PACKAGE}/describe"))),
        load("describe of a version that is none", || {
            renamed(exporting(format!("{PACKAGE}/describe@1.1")), &format!("{PACKAGE}/describe@1.1"), "1.1", b'!')
        }),
        load("describe twice, in an old version and in ours", || {
            let (ours, old) = (ours("describe"), format!("{PACKAGE}/describe@0.0.1"));
            bare(format!(
                "(instance $empty) (export \"{old}\" (instance $empty)) (export $x \"{ours}\" (instance $empty))"
            ))
        }),
        load("a scorer of a future version beside a good describe", || {
            Guest::default().wit(|text| text.replace(&format!("plugin@{VERSION}"), "plugin@9.9.9")).build()
        }),
        load("describe without configure", || {
            Guest::default()
                .wit(|text| text.replace("configure: func(json: string) -> result<_, config-error>;", ""))
                .build()
        }),
        load("a scorer without its function", || {
            Guest::default().wit(|text| text.replace("score-responses:", "score-answers:")).build()
        }),
        load("a scorer whose scores have a further case", || {
            Guest::default().wit(|text| text.replace("value(f64),", "value(f64), guess(f64),")).build()
        }),
        load("a task with a field less", || {
            Guest::default().wit(|text| text.replace("reference: option<string>,", "")).build()
        }),
        load(
            "an import of WASI",
            import("wasi:cli/environment@0.2.6", "(instance (export \"get-arguments\" (func (result (list string)))))"),
        ),
        load(
            "an import of WASI's random numbers",
            import("wasi:random/random@0.2.6", "(instance (export \"get-random-u64\" (func (result u64))))"),
        ),
        load("an import of another package", import("evil:host/files@1.0.0", "(instance)")),
        load("an import of a package with a name like ours", import("rewarden:plugin-x/log@VERSION", "(instance)")),
        load("an import that is no interface", import("read-file", "(func (result u32))")),
        load("an import of our log in an old version", import("rewarden:plugin/log@0.0.1", "(instance)")),
        load(
            "an import of our log with another signature",
            import("rewarden:plugin/log@VERSION", "(instance (export \"write\" (func (param \"text\" string))))"),
        ),
        load(
            "an import of our log with a function that it lacks",
            import("rewarden:plugin/log@VERSION", "(instance (export \"read\" (func (result string))))"),
        ),
        load(
            "an import of functions under the name of our types",
            import("rewarden:plugin/types@VERSION", "(instance (export \"open\" (func (result u32))))"),
        ),
        load(
            "an import of functions under the name of our scorer",
            import("rewarden:plugin/scorer@VERSION", "(instance (export \"score-responses\" (func (result u32))))"),
        ),
        load(
            "an import of our types where a type is a resource",
            import("rewarden:plugin/types@VERSION", "(instance (export \"task\" (type (sub resource))))"),
        ),
        load("an import of a core module", import("plug", "(core module)")),
        load("an import of a component", import("plug", "(component)")),
        load("an import whose name holds terminal escapes", || {
            renamed(component("(import \"a:b/ccccccc\" (instance))"), "a:b/ccccccc", "ccccccc", 0x1b)
        }),
    ]
}

/// With the end of a name overwritten by a byte that the text format would not take.
fn renamed(mut bytes: Vec<u8>, name: &str, end: &str, by: u8) -> Vec<u8> {
    let at = bytes.windows(name.len()).position(|window| window == name.as_bytes()).unwrap() + name.len();
    bytes[at - end.len()..at].fill(by);
    bytes
}

fn sizes() -> Vec<Row> {
    let one = |module: fn() -> String| move || Guest::default().items(module()).build();
    vec![
        load("100 MB of code", || {
            let mut bytes = component("(core module)");
            bytes.resize(100 << 20, 0);
            bytes
        }),
        file("a file of 100 GB", |directory| {
            let path = directory.join("large.wasm");
            std::fs::File::create(&path).unwrap().set_len(100 << 30).unwrap();
            path
        }),
        load("200,000 tiny functions", || component(format!("(core module {})", "(func)".repeat(200_000)))),
        load("120,000 tiny functions in three modules", || {
            component(format!("(core module {})", "(func)".repeat(40_000)).repeat(3))
        }),
        load("a function of 255 KiB", one(|| long_function(87_000))).within(30).grows(400),
        load("a function of half a megabyte", one(|| long_function(180_000))),
        load("a function of seven megabytes", one(|| long_function(2_300_000))),
        load("a function with 50,000 locals", one(|| format!("(func (local {}))", "i64 ".repeat(50_000)))),
        load(
            "blocks nested 30,000 deep",
            one(|| format!("(func {} {})", "block ".repeat(30_000), "end ".repeat(30_000))),
        ),
        load("loops nested 10,000 deep", one(|| nested_loops(10_000))),
        load("loops nested 1,900 deep", one(|| nested_loops(1900))).within(10).grows(128),
        load(
            "a branch table of 100,000 targets",
            one(|| format!("(func (param i32) (block (br_table {} (local.get 0))))", "0 ".repeat(100_000))),
        ),
        load("a million globals", one(|| "(global i64 (i64.const 0))".repeat(999_000))),
        load(
            "a hundred thousand types",
            one(|| (0..100_000).map(|index| format!("(type (func (param {})))", "i32 ".repeat(index % 7))).collect()),
        ),
        load("a function of a thousand parameters", one(|| format!("(func (param {}))", "i64 ".repeat(1000)))),
        load("a hundred thousand data segments", one(|| "(data (i32.const 0) \"x\")".repeat(99_000))),
        load("a data segment outside memory", one(|| "(data (i32.const -1) \"x\")".to_owned())),
        load(
            "a hundred thousand element segments",
            one(|| format!("(table 1 funcref) (func $f) {}", "(elem (i32.const 0) $f)".repeat(90_000))),
        ),
        load("a million custom sections", || {
            let mut bytes = component("");
            bytes.extend([0, 2, 1, b'x'].repeat(1_000_000));
            bytes
        }),
        load("a thousand components", || component("(component)".repeat(1000))),
        load("ten thousand components", || component("(component)".repeat(10_000))),
        load("components nested 30 deep", || component("(component ".repeat(30) + &")".repeat(30))),
        load("components nested 100,000 deep", || {
            // By hand, from the inside out, as the text format's own parser would overflow first.
            let header = b"\0asm\x0d\0\x01\0";
            let (mut heads, mut size) = (Vec::new(), header.len());
            for _ in 0..100_000 {
                let mut head = header.to_vec();
                head.push(4);
                leb(size, &mut head);
                size += head.len();
                heads.push(head);
            }
            heads.into_iter().rev().flatten().chain(*header).collect()
        }),
        load("a type nested 90 deep", || component(nested_type(90))),
        load("a type nested 10,000 deep", || component(nested_type(10_000))),
        load("a type that is ten times the one before, thirty times over", || {
            let mut text = "(type $t0 u8)".to_owned();
            for level in 1..=30 {
                text.push_str(&format!("(type $t{level} (tuple {}))", format!("$t{} ", level - 1).repeat(10)));
            }
            component(text)
        }),
        load("an import's name of 90,000 bytes", || {
            component(format!("(import \"a:b/{}\" (instance))", "c".repeat(90_000)))
        }),
        load("an export's name of 90,000 bytes", || exporting(format!("a:b/{}", "c".repeat(90_000)))),
        load("a name of a megabyte", || exporting(format!("a:b/{}", "c".repeat(1 << 20)))),
        load("ten thousand exports", || {
            let exports = (0..10_000).map(|index| format!("(export \"e{index}\" (instance $empty))"));
            bare(format!("(instance $empty) {}", exports.collect::<String>()))
        }),
    ]
}

fn long_function(steps: usize) -> String {
    format!("(func (param i32) (result i32) (local.get 0) {})", "(i32.const 7) (i32.mul)".repeat(steps))
}

fn nested_loops(depth: usize) -> String {
    format!("(func (param i32) {} {})", "loop local.get 0 br_if 0 ".repeat(depth), "end ".repeat(depth))
}

fn nested_type(depth: usize) -> String {
    let mut text = "(type $t0 u8)".to_owned();
    for level in 1..=depth {
        text.push_str(&format!("(type $t{level} (list $t{}))", level - 1));
    }
    format!("{text} (export \"t\" (type $t{depth}))")
}

fn files() -> Vec<Row> {
    let written = |directory: &Path, bytes: &[u8]| -> PathBuf {
        let path = directory.join("x.wasm");
        std::fs::write(&path, bytes).unwrap();
        path
    };
    vec![
        load("no bytes", Vec::new),
        load("a text", || b"GGUF nonsense".to_vec()),
        load("the magic number alone", || b"\0asm".to_vec()),
        load("a component of a future encoding", || b"\0asm\x0e\0\x01\0".to_vec()),
        load("a core module", || wat::parse_str("(module)").unwrap()),
        load("a component that is followed by another", || Guest::default().build().repeat(2)),
        load("a component that is followed by a letter", || [Guest::default().build(), b"x".to_vec()].concat()),
        file("a good component", move |directory| written(directory, &Guest::default().build())),
        file("a symlink to a good component", move |directory| {
            let path = written(directory, &Guest::default().build());
            let link = directory.join("link.wasm");
            std::os::unix::fs::symlink(path, &link).unwrap();
            link
        }),
        file("a symlink to itself", |directory| {
            let link = directory.join("link.wasm");
            std::os::unix::fs::symlink(&link, &link).unwrap();
            link
        }),
        file("a symlink to nothing", |directory| {
            let link = directory.join("link.wasm");
            std::os::unix::fs::symlink(directory.join("gone"), &link).unwrap();
            link
        }),
        file("a directory", |directory| {
            let path = directory.join("x.wasm");
            std::fs::create_dir(&path).unwrap();
            path
        }),
        file("a FIFO", |directory| {
            let fifo = directory.join("fifo.wasm");
            assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
            fifo
        }),
        file("a device without end", |_| PathBuf::from("/dev/zero")),
        file("a socket", |directory| {
            let path = directory.join("socket.wasm");
            std::os::unix::net::UnixListener::bind(&path).unwrap();
            path
        }),
        file("no file", |directory| directory.join("none.wasm")),
        file("an empty file", move |directory| written(directory, b"")),
    ]
}

#[test]
fn what_does_not_keep_to_the_contract_is_refused_by_name() {
    insta::assert_snapshot!(outcomes(&contracts()));
}

#[test]
fn what_is_too_large_is_refused_before_it_costs_anything() {
    insta::assert_snapshot!(outcomes(&sizes()));
}

#[test]
fn what_is_no_component_is_refused_as_what_it_is() {
    insta::assert_snapshot!(outcomes(&files()));
}
