//! Components written byte by byte: counts that lie, names without end, and more items than any tool writes.

use rewarden_runtime::contract::{PACKAGE, VERSION};

use crate::guest::{Guest, component, leb, section};
use crate::table::{Row, load, outcomes};

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// A vector of so many items, each made by `item`.
fn vector(count: usize, item: impl Fn(usize, &mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    leb(count, &mut bytes);
    for at in 0..count {
        item(at, &mut bytes);
    }
    bytes
}

fn name(text: &str, bytes: &mut Vec<u8>) {
    leb(text.len(), bytes);
    bytes.extend(text.as_bytes());
}

/// A component with these sections.
fn sections(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = COMPONENT.to_vec();
    for (id, content) in sections {
        section(*id, content, &mut bytes);
    }
    bytes
}

/// A component that holds one module with these sections, and exports `describe` in name only.
fn module(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut module = MODULE.to_vec();
    for (id, content) in sections {
        section(*id, content, &mut module);
    }
    let mut bytes = component("");
    section(1, &module, &mut bytes);
    bytes
}

/// An instance of nothing, as `describe` and under further names.
fn exporting(count: usize, called: impl Fn(usize) -> String) -> Vec<u8> {
    let describe = format!("{PACKAGE}/describe@{VERSION}");
    let exports = vector(count + 1, |at, bytes| {
        bytes.push(0);
        if at == 0 {
            name(&describe, bytes)
        } else {
            name(&called(at), bytes)
        }
        bytes.extend([5, 0, 0]);
    });
    // An instance without exports.
    sections(&[(5, vec![1, 1, 0]), (11, exports)])
}

/// Imports of instances without anything in them.
fn importing(count: usize, called: impl Fn(usize) -> String) -> Vec<u8> {
    // The type of an empty instance.
    let imports = vector(count, |at, bytes| {
        bytes.push(0);
        name(&called(at), bytes);
        bytes.extend([5, 0]);
    });
    sections(&[(7, vec![1, 0x42, 0]), (10, imports)])
}

fn counts() -> Vec<Row> {
    vec![
        load("a million exports", || exporting(1_000_000, |at| format!("e{at}"))),
        load("1,000 exports", || exporting(999, |at| format!("e{at}"))),
        load("600,000 imports of our types", || importing(600_000, |_| format!("{PACKAGE}/types@{VERSION}"))),
        load("600,000 imports of our log", || importing(600_000, |_| format!("{PACKAGE}/log@{VERSION}"))),
        load("a million imports of a module", || {
            let imports = vector(1_000_000, |_, bytes| bytes.extend([0, 0, 0, 0]));
            module(&[(1, vec![1, 0x60, 0, 0]), (2, imports)])
        }),
        load("a million exports of a module", || {
            let exports = vector(1_000_000, |at, bytes| {
                name(&at.to_string(), bytes);
                bytes.extend([0, 0]);
            });
            module(&[(1, vec![1, 0x60, 0, 0]), (3, vec![1, 0]), (7, exports), (10, vec![1, 2, 0, 0x0b])])
        })
        // The reader keeps the names that it has seen, to tell one that comes twice: 60 to 70 MiB of them.
        .grows(96),
        load("a million signatures of a module", || {
            module(&[(1, vector(1_000_000, |_, bytes| bytes.extend([0x60, 0, 0])))])
        }),
        load("a section that says it holds four billion functions", || {
            module(&[(10, vec![0xff, 0xff, 0xff, 0xff, 0x0f])])
        }),
        load("a section that says it holds four billion exports", || {
            sections(&[(11, vec![0xff, 0xff, 0xff, 0xff, 0x0f])])
        }),
        load("a section that says it holds four billion types", || {
            sections(&[(7, vec![0xff, 0xff, 0xff, 0xff, 0x0f])])
        }),
        load("a section that says it is longer than the file", || {
            let mut bytes = COMPONENT.to_vec();
            bytes.extend([4, 0xff, 0xff, 0xff, 0xff, 0x0f]);
            bytes
        }),
        load("a function that says it has four billion locals", || {
            let body = vec![1, 8, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x0b];
            module(&[(1, vec![1, 0x60, 0, 0]), (3, vec![1, 0]), (10, body)])
        }),
        load("a million empty sections of types", || {
            let mut bytes = component("");
            bytes.extend([7, 1, 0].repeat(1_000_000));
            bytes
        }),
        load("thirty megabytes of debugging names", || {
            let mut bytes = Guest::default().build();
            let mut names = Vec::new();
            name("component-name", &mut names);
            names.resize(30 << 20, 0xff);
            section(0, &names, &mut bytes);
            bytes
        }),
        load("a million function names in a module", || {
            let functions = vector(1_000_000, |at, bytes| {
                leb(at, bytes);
                name("a function's name", bytes);
            });
            let mut names = Vec::new();
            name("name", &mut names);
            section(1, &functions, &mut names);
            module(&[(0, names)])
        }),
        load("branch hints for a million places", || {
            let mut hints = Vec::new();
            name("metadata.code.branch_hint", &mut hints);
            hints.extend(vector(1, |_, bytes| {
                bytes.push(0);
                bytes.extend(vector(1_000_000, |at, bytes| {
                    leb(at, bytes);
                    bytes.extend([1, 0]);
                }));
            }));
            module(&[(1, vec![1, 0x60, 0, 0]), (3, vec![1, 0]), (0, hints), (10, vec![1, 2, 0, 0x0b])])
        }),
    ]
}

fn words() -> Vec<Row> {
    let imported = |text: &'static str| move || importing(1, |_| text.to_owned());
    vec![
        load("an import whose name turns the line around", imported("a:b/\u{202e}c")),
        load("an import whose name holds a line break and a fake prompt", imported("a:b/c\n\u{1b}[2Kroot# ")),
        load("an import whose name is a page of invisible characters", || importing(1, |_| "\u{200b}".repeat(20_000))),
        load("an import whose name is no UTF-8", || {
            sections(&[(7, vec![1, 0x42, 0]), (10, vec![1, 0, 2, 0xff, 0xfe, 5, 0])])
        }),
        load("an import without a name", || importing(1, |_| String::new())),
        load("an export whose name is 100,001 bytes long", || exporting(1, |_| "x".repeat(100_001))),
        load("300 exports with names of 90,000 bytes", || exporting(300, |at| format!("a{at}{}", "x".repeat(90_000)))),
        load("exports that differ in case alone", || exporting(2, |at| if at == 1 { "a-b" } else { "A-B" }.to_owned())),
        load("an export named as a URL", || exporting(1, |_| "url=<https://example.org/a.wasm>".to_owned())),
        load("an export with a version of ten thousand digits", || {
            exporting(1, |_| format!("{PACKAGE}/scorer@{}.0.0", "9".repeat(10_000)))
        }),
        load("an export of an interface that the contract lacks", || {
            exporting(1, |_| format!("{PACKAGE}/oracle@{VERSION}"))
        }),
    ]
}

#[test]
fn counts_that_lie_and_items_without_end_are_refused_before_they_cost_anything() {
    insta::assert_snapshot!(outcomes(&counts()));
}

#[test]
fn names_are_told_on_one_line_that_nothing_obeys() {
    insta::assert_snapshot!(outcomes(&words()));
}
