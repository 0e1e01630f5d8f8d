//! What calls, loads and refusals leave behind in the host's memory: nothing.
//!
//! One test, because it measures the memory of its whole process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use rewarden_runtime::{CallFailure, Limits, Plugin, Runtime, contract::PACKAGE, contract::VERSION};
use rewarden_types::{Completion, FinishReason, Message, ParseRequest, RenderRequest, Role, Scale, TaskView};

const CALLS: usize = 100_000;
const LOADS: usize = 1_000;
/// Of the memory after warming up.
const MOST_GROWTH: f64 = 0.05;
const SCALE: Scale = Scale { min: 1.0, max: 10.0, integer: true };

fn component(name: &str) -> PathBuf {
    let dist = match std::env::var_os("REWARDEN_DIST") {
        Some(dist) => PathBuf::from(dist),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/dist"),
    };
    let path = dist.join("components").join(format!("{name}.wasm"));
    assert!(path.is_file(), "{} is missing; run `cargo xtask plugins` first", path.display());
    path
}

/// Resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("no VmRSS in /proc/self/status");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Does something `times` times after a tenth as often to warm up, and holds the memory in between against the memory
/// after warming up.
fn stays_flat(what: &str, times: usize, mut act: impl FnMut(usize)) {
    (0..times / 10).for_each(&mut act);
    let (before, started) = (resident(), Instant::now());
    let mut most = before;
    for round in 0..10 {
        (0..times / 10).for_each(|number| act(round * times / 10 + number));
        most = most.max(resident());
    }
    let growth = most.saturating_sub(before) as f64 / before as f64;
    println!(
        "{times} {what}: {before} KiB before, {most} KiB at most, {} KiB at the end, {:.1} us each",
        resident(),
        started.elapsed().as_secs_f64() * 1e6 / times as f64
    );
    assert!(growth <= MOST_GROWTH, "{what}: from {before} to {most} KiB, {:.1} %", growth * 100.0);
}

fn completion(text: &str) -> Completion {
    Completion::of_text(text.to_owned(), FinishReason::Stop)
}

/// A call that succeeds: a parse, or every tenth time a render.
fn call(spct: &Plugin, number: usize) {
    if number.is_multiple_of(10) {
        let response = format!("An answer, number {number}. ").repeat(20);
        let task = TaskView {
            messages: vec![Message { role: Role::User, content: "Which?".into() }].into(),
            responses: vec![response.as_str().into(), response.into()].into(),
            reference: None,
            metadata: "{}".into(),
        };
        let prompt = spct.render("{}", &RenderRequest::new(task, SCALE)).unwrap();
        assert!(prompt.value.is_ok());
    } else {
        let text = format!("{}\nScores: \\boxed{{{}, 5}}", "Analysis. ".repeat(100), 1 + number % 10);
        assert_eq!(
            spct.parse("{}", &ParseRequest::new(&completion(&text), 2, SCALE)).unwrap().value.unwrap().scores.len(),
            2
        );
    }
}

/// A call that fails, each in another way.
fn failing_call(evil: &Plugin, number: usize) {
    let modes = ["loop", "allocate", "trap", "panic", "recurse", "huge-result", "log-flood"];
    let mode = modes.get(number % modes.len()).unwrap();
    let failed = evil.parse(&format!(r#"{{"mode": "{mode}"}}"#), &ParseRequest::new(&completion("text"), 1, SCALE));
    let failure = failed.map_err(|error| error.failure);
    let as_expected = match *mode {
        "loop" => matches!(failure, Err(CallFailure::Fuel { .. })),
        "allocate" | "huge-result" => matches!(failure, Err(CallFailure::Memory { .. })),
        "log-flood" => failure.is_ok(),
        _ => matches!(failure, Err(CallFailure::Trap { .. })),
    };
    assert!(as_expected, "{mode}: {failure:?}");
}

#[test]
fn memory_is_flat_over_calls_failures_loads_and_refusals() {
    let cache = tempfile::tempdir().unwrap();
    // Small limits make failures quick; what they leave behind would be the same.
    let small = Limits { fuel: 20_000_000, memory_bytes: 8 << 20, ..Limits::default() };
    let runtime = Runtime::new(Limits::default(), Some(cache.path())).unwrap();
    let strict = Runtime::new(small, Some(cache.path())).unwrap();

    let spct = runtime.load_file(&component("spct")).unwrap();
    stays_flat("calls", CALLS, |number| call(&spct, number));

    let evil = strict.load_file(&component("evil")).unwrap();
    stays_flat("failing calls", 2_000, |number| failing_call(&evil, number));

    let loaded = ["vote", "choice", "rubric", "worst-case", "spct"].map(component);
    stays_flat("loads and unloads from the compile cache, with a call each", LOADS, |number| {
        let plugin = runtime.load_file(loaded.get(number % loaded.len()).unwrap()).unwrap();
        plugin.check_config("{}").ok();
    });

    let unfit = wat::parse_str(format!(
        r#"(component
            (import "wasi:filesystem/preopens@0.2.6" (instance (export "get" (func (result u32)))))
            (instance $none)
            (export "{PACKAGE}/describe@{VERSION}" (instance $none)))"#,
    ))
    .unwrap();
    let whole = std::fs::read(component("worst-case")).unwrap();
    stays_flat("refused loads", LOADS, |number| {
        let refused = match number % 2 {
            0 => runtime.load("unfit.wasm", &unfit),
            _ => runtime.load("cut.wasm", whole.get(..whole.len() - 1 - number % 1000).unwrap()),
        };
        assert!(refused.is_err());
    });
}
