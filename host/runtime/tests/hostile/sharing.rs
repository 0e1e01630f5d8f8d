//! Many loads of the same and of different components: what is held is held once, and bounded.

use std::time::{Duration, Instant};

use rewarden_runtime::{LimitChange, Limits, LoadFailure, Runtime};

use crate::guest::{Guest, section};

/// A good guest that differs from others in a name that nobody reads.
fn numbered(number: usize) -> Vec<u8> {
    let mut bytes = Guest::default().build();
    section(0, format!("\u{4}note{number}").as_bytes(), &mut bytes);
    bytes
}

#[test]
fn ten_thousand_loads_of_one_component_are_one_component() {
    let runtime = Runtime::new(Limits::default(), None).unwrap();
    let bytes = Guest::default().build();
    let first = runtime.load("first.wasm", &bytes).unwrap();
    let started = Instant::now();
    let plugins: Vec<_> = (0..10_000).map(|at| runtime.load(&format!("{at}.wasm"), &bytes).unwrap()).collect();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(plugins.iter().all(|plugin| std::ptr::eq(plugin.bytes(), first.bytes())));
    assert_eq!((plugins[7].name(), first.name()), ("7.wasm", "first.wasm"));

    // Under other limits its calls have those, and it is still the same code.
    let tight = runtime.tightened(&["fuel=1".parse::<LimitChange>().unwrap()]).unwrap();
    let failed = tight.load("tight.wasm", &bytes).err().unwrap().to_string();
    assert_eq!(failed, "component `tight.wasm`: `describe` failed: used up its 1 units of fuel");
    let less = runtime.tightened(&["fuel=400_000_000".parse::<LimitChange>().unwrap()]).unwrap();
    let less = less.load("less.wasm", &bytes).unwrap();
    assert!(std::ptr::eq(less.bytes(), first.bytes()));
    assert_eq!((less.limits().fuel, first.limits().fuel), (400_000_000, 500_000_000));
}

#[test]
fn loads_of_one_component_at_the_same_time_share_what_the_first_makes() {
    let runtime = Runtime::new(Limits::default(), None).unwrap();
    let bytes = numbered(0);
    let loaded: Vec<_> = std::thread::scope(|scope| {
        let loads: Vec<_> = (0..8).map(|_| scope.spawn(|| runtime.load("x.wasm", &bytes).unwrap())).collect();
        loads.into_iter().map(|load| load.join().unwrap()).collect()
    });
    assert!(loaded.iter().all(|plugin| std::ptr::eq(plugin.bytes(), loaded[0].bytes())));
}

#[test]
fn components_that_have_no_room_beside_the_others_are_refused_until_those_are_gone() {
    let runtime = Runtime::new(Limits { loaded_bytes: 2 << 20, ..Limits::default() }, None).unwrap();
    let mut held = Vec::new();
    let refused = loop {
        match runtime.load("x.wasm", &numbered(held.len())) {
            Ok(plugin) => held.push(plugin),
            Err(error) => break error,
        }
        assert!(held.len() < 100, "no bound");
    };
    assert!(held.len() > 2, "{}", held.len());
    assert!(matches!(refused.reason, LoadFailure::NoRoom { allowed: 2_097_152, .. }), "{refused}");
    // What is there already takes no further room.
    held.push(runtime.load("again.wasm", &numbered(0)).unwrap());
    held.clear();
    runtime.load("x.wasm", &numbered(1000)).unwrap();
}
