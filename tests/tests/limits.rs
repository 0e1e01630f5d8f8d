//! The sandbox's limits, through the runtime's own API: each failure names the component, the function, the limit, what
//! was allowed and what was asked for.

use std::time::Duration;

use rewarden_runtime::contract::{Completion, FinishReason, Scale};
use rewarden_runtime::{CallError, CallFailure, Limits, Plugin, Runtime};
use rewarden_tests::component;

const SCALE: Scale = Scale { min: 1.0, max: 10.0, integer: true };

fn evil(limits: Limits) -> Plugin {
    Runtime::new(limits, None).unwrap().load_file(&component("evil")).unwrap()
}

fn parse(plugin: &Plugin, mode: &str) -> Result<(), CallError> {
    let completion = Completion { text: "\\boxed{5}".into(), finish: FinishReason::Stop, tokens: vec![] };
    plugin.parse(&format!(r#"{{"mode": "{mode}"}}"#), &completion, 1, SCALE).map(|_| ())
}

#[test]
fn a_loop_runs_out_of_fuel() {
    let error = parse(&evil(Limits { fuel: 1_000_000, ..Limits::default() }), "loop").unwrap_err();
    assert_eq!(error.failure, CallFailure::Fuel { allowed: 1_000_000 });
    insta::assert_snapshot!(error, @"plugin `evil.wasm`, parser.parse: used up its 1000000 units of fuel");
}

#[test]
fn a_loop_with_fuel_to_spare_runs_out_of_time() {
    let wall = Duration::from_millis(100);
    let error = parse(&evil(Limits { fuel: u64::MAX, wall, ..Limits::default() }), "loop").unwrap_err();
    assert_eq!(error.failure, CallFailure::Time { allowed: wall });
    insta::assert_snapshot!(error, @"plugin `evil.wasm`, parser.parse: ran for longer than the 0.1 s allowed");
}

#[test]
fn an_allocation_without_end_names_the_memory_allowed_and_asked_for() {
    let error = parse(&evil(Limits { memory_bytes: 4 << 20, ..Limits::default() }), "allocate").unwrap_err();
    match error.failure {
        CallFailure::Memory { allowed, requested } => assert!(allowed == 4 << 20 && requested > allowed),
        other => panic!("{other}"),
    }
    assert_eq!((&*error.component, error.function), ("evil.wasm", "parser.parse"));
}

#[test]
fn a_result_larger_than_allowed_is_not_copied_out() {
    let error = parse(&evil(Limits { result_bytes: 1 << 20, ..Limits::default() }), "huge-result").unwrap_err();
    assert_eq!(error.failure, CallFailure::OutputSize { allowed: 1 << 20 });
    insta::assert_snapshot!(error, @"plugin `evil.wasm`, parser.parse: returned more than the 1048576 bytes allowed");
}

#[test]
fn a_trap_and_a_recursion_are_traps_and_a_panic_carries_its_message() {
    let plugin = evil(Limits::default());
    for mode in ["trap", "recurse", "panic"] {
        let failure = parse(&plugin, mode).unwrap_err().failure;
        let CallFailure::Trap { panic, .. } = failure else { panic!("{mode}: {failure}") };
        assert_eq!(panic.is_some(), mode == "panic", "{mode}: {panic:?}");
    }
}

#[test]
fn the_call_after_a_failed_one_works_and_costs_what_it_always_costs() {
    let plugin = evil(Limits::default());
    let completion = Completion { text: "\\boxed{5}".into(), finish: FinishReason::Stop, tokens: vec![] };
    let good = || plugin.parse("{}", &completion, 1, SCALE).unwrap();
    let before = good();
    for mode in ["loop", "allocate", "trap", "panic", "recurse", "huge-result", "log-flood"] {
        let _ = parse(&plugin, mode);
        let after = good();
        assert_eq!(after.value.as_ref().unwrap().scores.len(), 1, "after {mode}");
        assert_eq!((after.fuel, after.memory_bytes), (before.fuel, before.memory_bytes), "after {mode}");
    }
}

#[test]
fn a_cached_component_is_the_same_component_and_a_damaged_cache_entry_is_compiled_anew() {
    let cache = tempfile::tempdir().unwrap();
    let load = || Runtime::new(Limits::default(), Some(cache.path())).unwrap().load_file(&component("vote")).unwrap();
    let compiled = load();
    let entry = std::fs::read_dir(cache.path()).unwrap().next().unwrap().unwrap().path();
    assert_eq!(load().about(), compiled.about());

    let mut bytes = std::fs::read(&entry).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&entry, &bytes).unwrap();
    assert_eq!(load().about(), compiled.about());
    assert_ne!(std::fs::read(&entry).unwrap(), bytes, "the damaged entry must be replaced");
}

#[cfg(unix)]
#[test]
fn the_compile_cache_is_private_to_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let cache = parent.path().join("components");
    std::fs::create_dir(&cache).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o777)).unwrap();
    Runtime::new(Limits::default(), Some(&cache)).unwrap();
    assert_eq!(std::fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
}
