//! `docs/limits.md` says what the code does, and changes of limits go the ways that it says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use rewarden_runtime::{Limit, LimitChange, Limits, Runtime};

fn change(text: &str) -> LimitChange {
    text.parse().unwrap()
}

#[test]
fn the_documented_table_is_the_one_in_the_code() {
    let defaults = Limits::default();
    let mut table = String::from("| limit | default | counts | why this number |\n|---|---|---|---|\n");
    for limit in Limit::ALL {
        let Limit { key, counts, reason, .. } = limit;
        let value = limit.value(&defaults);
        let value = if value >= 1024 && value.is_power_of_two() { binary(value) } else { grouped(value) };
        table.push_str(&format!("| `{key}` | {value} | {counts}. | {reason}. |\n"));
    }
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/limits.md")).unwrap();
    assert!(page.contains(&table), "docs/limits.md should hold this table:\n{table}");
}

/// `134217728 (128 MiB)`, as people and files want it.
fn binary(value: u64) -> String {
    let (unit, name) = if value >= 1 << 20 { (1 << 20, "MiB") } else { (1 << 10, "KiB") };
    format!("{} ({} {name})", grouped(value), value / unit)
}

fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join("_")
}

#[test]
fn a_limit_goes_down_for_anyone_and_up_for_the_host_alone() {
    let host = Limits::default().with(&[change("fuel=600_000_000"), change("cpu_ms=100")]);
    assert_eq!((host.fuel, host.processor.as_millis()), (600_000_000, 100));
    let pack = host.tightened(&[change("fuel=1000"), change("memory_bytes=65536")]).unwrap();
    assert_eq!((pack.fuel, pack.memory_bytes, pack.processor.as_millis()), (1000, 65_536, 100));
    let error = host.tightened(&[change("fuel=600_000_001")]).unwrap_err();
    insta::assert_snapshot!(error, @"asks for fuel = 600000001, but this host allows 600000000; lower it, or raise the host's own limit with --limits fuel=600000001 (or fuel = 600000001 under [limits] in rewarden.toml)");
}

#[test]
fn a_change_that_is_none_says_what_is_expected() {
    let refusal = |text: &str| text.parse::<LimitChange>().unwrap_err().to_string();
    insta::assert_snapshot!(refusal("fule=1"), @"unknown limit `fule`; expected one of fuel, memory_bytes, table_elements, cpu_ms, result_bytes, log_bytes, component_bytes, code_bytes, component_functions, function_bytes, compile_ms, loaded_bytes");
    insta::assert_snapshot!(refusal("fuel=0"), @"limit `fuel` is `0`; expected a whole number of at least 1");
    insta::assert_snapshot!(refusal("fuel=lots"), @"limit `fuel` is `lots`; expected a whole number of at least 1");
    insta::assert_snapshot!(refusal("fuel"), @"expected key=value (such as fuel=1000000000), found `fuel`");
}

#[test]
fn a_tightened_runtime_is_the_same_engine_with_less_room() {
    let runtime = Runtime::new(Limits::default(), None).unwrap();
    let tight = runtime.tightened(&[change("component_bytes=7")]).unwrap();
    let error = tight.load("x.wasm", b"\0asm\x0d\0\x01\0").err().unwrap();
    assert_eq!(error.to_string(), "component `x.wasm`: has 8 bytes, more than the 7 allowed");
    assert_eq!(runtime.limits(), &Limits::default());
}
