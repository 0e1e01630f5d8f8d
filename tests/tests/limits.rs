//! The sandbox's limits, through the runtime's own API: each failure names the component, the function, the limit, what
//! was allowed and what was asked for.

use std::time::Duration;

use rewarden_runtime::{CallError, CallFailure, Limits, Plugin, Runtime};
use rewarden_tests::{ModelServer, Sandbox, component, pack};
use rewarden_types::{Completion, FinishReason, ParseRequest, Scale};
use serde_json::{Value, json};

const SCALE: Scale = Scale { min: 1.0, max: 10.0, integer: true };

fn evil(limits: Limits) -> Plugin {
    Runtime::new(limits, None).unwrap().load_file(&component("evil")).unwrap()
}

fn parse(plugin: &Plugin, mode: &str) -> Result<(), CallError> {
    let completion = Completion::of_text("\\boxed{5}", FinishReason::Stop);
    plugin.parse(&format!(r#"{{"mode": "{mode}"}}"#), &ParseRequest::new(&completion, 1, SCALE)).map(|_| ())
}

#[test]
fn a_loop_runs_out_of_fuel() {
    let error = parse(&evil(Limits { fuel: 1_000_000, ..Limits::default() }), "loop").unwrap_err();
    assert_eq!(error.failure, CallFailure::Fuel { allowed: 1_000_000 });
    insta::assert_snapshot!(error, @"plugin `evil.wasm`, parser.parse: used up its 1000000 units of fuel");
}

#[test]
fn a_loop_with_fuel_to_spare_runs_out_of_time() {
    let processor = Duration::from_millis(100);
    let error = parse(&evil(Limits { fuel: u64::MAX, processor, ..Limits::default() }), "loop").unwrap_err();
    assert_eq!(error.failure, CallFailure::Time { allowed: processor });
    insta::assert_snapshot!(error, @"plugin `evil.wasm`, parser.parse: used more than the 0.1 s of processor time allowed");
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
    let completion = Completion::of_text("\\boxed{5}", FinishReason::Stop);
    let good = || plugin.parse("{}", &ParseRequest::new(&completion, 1, SCALE)).unwrap();
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

/// A copy of spct-vote with this `[limits]` section, in a directory `mine`.
fn limited(sandbox: &Sandbox, limits: &str) {
    for file in ["spct.wasm", "vote.wasm"] {
        sandbox.write(&format!("mine/{file}"), std::fs::read(pack("spct-vote").join(file)).unwrap());
    }
    let manifest = std::fs::read_to_string(pack("spct-vote").join("pack.toml")).unwrap();
    sandbox.write("mine/pack.toml", format!("{manifest}\n[limits]\n{limits}\n"));
}

#[test]
fn a_packs_lower_limits_are_shown_and_the_hosts_own_hold_where_it_names_none() {
    let sandbox = Sandbox::default();
    limited(&sandbox, "fuel = 100_000_000");
    let json: Value = serde_json::from_str(&sandbox.run(["inspect", "./mine", "--json"]).expect(0).stdout()).unwrap();
    assert_eq!((&json["limits"]["fuel"], &json["limits"]["log_bytes"]), (&json!(100_000_000), &json!(16_384)));
    let text = sandbox.run(["inspect", "./mine"]).expect(0).stdout();
    assert!(text.contains("100000000 (lowered by the pack from 500000000)"), "{text}");
}

#[test]
fn the_host_raises_limits_by_flag_variable_and_file_and_a_pack_may_use_them() {
    let sandbox = Sandbox::default();
    limited(&sandbox, "fuel = 600_000_000");
    let refused = sandbox.run(["inspect", "./mine"]).expect(1).stderr();
    assert!(refused.contains("asks for fuel = 600000000, but this host allows 500000000"), "{refused}");
    assert!(refused.contains("--limits fuel=600000000"), "{refused}");

    let fuel = |run: rewarden_tests::Run| {
        serde_json::from_str::<Value>(&run.expect(0).stdout()).unwrap()["limits"]["fuel"].clone()
    };
    let arguments = ["inspect", "./mine", "--json"];
    assert_eq!(fuel(sandbox.run(arguments.into_iter().chain(["--limits", "fuel=700000000,cpu_ms=9"]))), 600_000_000);
    sandbox.write("rewarden.toml", "[limits]\nfuel = 800_000_000\n");
    assert_eq!(fuel(sandbox.run(arguments)), 600_000_000);
    let alone = component("vote");
    assert_eq!(fuel(sandbox.run(["inspect", alone.to_str().unwrap(), "--json"])), 800_000_000);
    let config = sandbox.run(["config"]).expect(0).stdout();
    assert!(config.contains("fuel=800000000"), "{config}");

    sandbox.write("rewarden.toml", "[limits]\nfule = 1\n");
    let error = sandbox.run(arguments).expect(2).stderr();
    assert!(error.contains("unknown limit `fule`"), "{error}");
}

#[test]
fn the_limits_that_decide_results_are_part_of_a_run() {
    let sandbox = Sandbox::default();
    limited(&sandbox, "fuel = 100_000_000");
    let task = json!({"id": "t", "prompt": "q", "responses": ["a", "b"]});
    let server = ModelServer::in_turn(&[r"\boxed{3, 4}"]);
    let arguments = ["--pack", "./mine", "-k", "1", "--run", "one.run"];
    let row = sandbox.score(&server, std::slice::from_ref(&task), &arguments).expect(0).rows().remove(0);
    let limits = json!({
        "fuel": 100_000_000, "log_bytes": 16_384, "memory_bytes": 134_217_728, "result_bytes": 16_777_216,
        "table_elements": 100_000,
    });
    assert_eq!(row["provenance"]["limits"], limits);

    // The run's own plugins are called under the run's own limits, and a host that has less says so.
    sandbox.run(["verify", "one.run"]).expect(0);
    let refused = sandbox.run(["verify", "one.run", "--limits", "fuel=99999999"]).expect(1).stderr();
    assert!(refused.contains("asks for fuel = 100000000, but this host allows 99999999"), "{refused}");

    // It goes on under the same limits alone.
    limited(&sandbox, "fuel = 200_000_000");
    let refused = sandbox.score(&server, &[task], &arguments).expect(1).stderr();
    assert!(refused.contains("limits.fuel"), "{refused}");
}

#[test]
fn headroom_is_against_the_limits_in_force() {
    let sandbox = Sandbox::default();
    limited(&sandbox, "fuel = 5_000_000");
    sandbox.write(
        "mine/tests/cases.toml",
        "[[parse]]\nname = \"right\"\ncompletion = \"Scores: \\\\boxed{7, 3}\"\nscores = [7, 3]\n",
    );
    let left = |limits: &str| {
        limited(&sandbox, limits);
        let text = sandbox.run(["pack", "test", "./mine"]).expect(0).stdout();
        let line = text.lines().find(|line| line.contains("left)")).unwrap_or_else(|| panic!("{text}")).to_owned();
        line[line.find("fuel").unwrap()..line.find(" left").unwrap()].to_owned()
    };
    assert_ne!(left("fuel = 2_000_000"), left("fuel = 500_000_000"));
}
