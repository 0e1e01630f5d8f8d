//! Compile bombs: loads end at the deadline, and what goes on in the background is bounded however often they are tried.
//! In a process of its own, since compilers that nobody waits for any more disturb other measurements.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use rewarden_runtime::{Limits, LoadFailure, Runtime, contract};

/// Takes seconds to compile.
fn bomb(number: u32) -> Vec<u8> {
    let function =
        format!("(func (param i32) (result i32) (local.get 0) {})", "(i32.const 7) (i32.mul)".repeat(60_000));
    component(&format!("(core module {} (global i32 (i32.const {number})))", function.repeat(4)))
}

/// Compiles in milliseconds, and is refused only then, as its `describe` has no functions.
fn small() -> Vec<u8> {
    component("(core module (func))")
}

fn component(items: &str) -> Vec<u8> {
    let describe = format!("{}/describe@{}", contract::PACKAGE, contract::VERSION);
    wat::parse_str(format!("(component {items} (instance $none) (export \"{describe}\" (instance $none)))")).unwrap()
}

fn load(runtime: &Runtime, bytes: &[u8]) -> LoadFailure {
    runtime.load("bomb.wasm", bytes).err().unwrap().reason
}

/// Returns how many components are compiled: each by a thread of this name, with helpers of another.
fn compiling() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().filter_map(|task| task.ok());
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("rewarden-compil")).count()
}

#[test]
fn bombs_end_at_the_deadline_and_do_not_pile_up_in_the_background() {
    let compile = Duration::from_millis(300);
    let runtime = Runtime::new(Limits { compile, ..Limits::default() }, None).unwrap();

    let refused = load(&runtime, &small());
    assert!(matches!(refused, LoadFailure::Mismatch { .. }), "{refused}");
    // Its compiler has handed the result over and is about to end.
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(compiling(), 0);

    let first = bomb(0);
    let started = Instant::now();
    let error = runtime.load("bomb.wasm", &first).err().unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    insta::assert_snapshot!(error, @"component `bomb.wasm`: was not compiled within 0.3 s of processor time; a component this slow to compile is refused");

    // The same one again is refused at once, as its compiler still runs.
    let started = Instant::now();
    for _ in 0..20 {
        assert!(matches!(load(&runtime, &first), LoadFailure::CompileTime { .. }));
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(compiling(), 1);

    // Others get the compilers that are left, and then none.
    for number in 1..6 {
        let refused = load(&runtime, &bomb(number));
        assert!(matches!(refused, LoadFailure::CompileTime { .. } | LoadFailure::CompilersBusy { .. }), "{refused}");
    }
    assert!(compiling() <= 4, "{}", compiling());
    let busy = runtime.load("small.wasm", &small()).err().unwrap();
    insta::assert_snapshot!(busy, @"component `small.wasm`: was not compiled, as all 4 compilers were busy for 1.5 s with components that take too long; try again later, or start the host anew without them");

    // When they have ended, a component is compiled as if nothing had been.
    let started = Instant::now();
    while compiling() > 0 {
        assert!(started.elapsed() < Duration::from_secs(300), "compilers never ended");
        std::thread::sleep(Duration::from_millis(100));
    }
    let refused = load(&runtime, &small());
    assert!(matches!(refused, LoadFailure::Mismatch { .. }), "{refused}");
}
