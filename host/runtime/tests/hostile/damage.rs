//! Damaged components: cut short at every length, and with any bits flipped. Each is refused with a typed error or is
//! another component that keeps to its limits; the host lives.

use std::sync::LazyLock;

use proptest::prelude::*;
use rewarden_runtime::{Limits, LoadFailure, Plugin, Runtime};
use rewarden_types::{Message, Role, TaskView};

use crate::guest::Guest;

/// A loop that a flip makes must not take half a second.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let limits = Limits { fuel: 1_000_000, ..Limits::default() };
    Runtime::new(limits, None).unwrap()
});
static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| Guest::default().build());
static PLUGIN: LazyLock<Plugin> = LazyLock::new(|| RUNTIME.load("good.wasm", &GOOD).unwrap());

/// Loads `bytes` and, when they load, configures and calls them: whatever comes of it is a typed result.
fn survives(bytes: &[u8]) -> bool {
    let Ok(plugin) = RUNTIME.load("flipped.wasm", bytes) else { return false };
    let _ = plugin.check_config("{}");
    let _ = scores(&plugin);
    true
}

fn scores(plugin: &Plugin) -> String {
    let task = TaskView {
        messages: vec![Message { role: Role::User, content: "q".into() }].into(),
        responses: vec!["a".into()].into(),
        reference: None,
        metadata: "{}".into(),
    };
    format!("{:?}", plugin.score_responses("{}", &task))
}

#[test]
fn a_component_cut_short_at_any_length_is_refused_unless_only_its_names_are_missing() {
    let mut whole = Vec::new();
    for length in 0..GOOD.len() {
        match RUNTIME.load("cut.wasm", &GOOD[..length]) {
            Ok(plugin) => {
                assert_eq!(scores(&plugin), scores(&PLUGIN), "{length} bytes");
                whole.push(length);
            }
            // Between two sections it is well-formed, and lacks what came after.
            Err(error) => {
                let expected =
                    matches!(error.reason, LoadFailure::Malformed { .. } | LoadFailure::MissingExport { .. });
                assert!(expected, "{length} bytes: {error:?}");
            }
        }
    }
    assert!(whole.len() <= 2, "loads when cut to {whole:?} bytes");
}

/// Every byte once, by a bit that differs from byte to byte: headers, section ids, sizes, types, code, names and data.
#[test]
fn a_flipped_bit_in_any_byte_harms_nothing() {
    let before = scores(&PLUGIN);
    let mut loaded = 0;
    for at in 0..GOOD.len() {
        let mut bytes = GOOD.clone();
        bytes[at] ^= 1 << (at % 8);
        loaded += usize::from(survives(&bytes));
    }
    println!("{} bytes, one bit flipped in each: {loaded} still load", GOOD.len());
    assert_eq!(scores(&PLUGIN), before);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_changed_anywhere_harm_nothing(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let before = scores(&PLUGIN);
        let mut bytes = GOOD.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survives(&bytes);
        prop_assert_eq!(scores(&PLUGIN), before);
    }

    #[test]
    fn any_piece_cut_out_or_doubled_harms_nothing(
        start in any::<prop::sample::Index>(), length in 1..64_usize, double in any::<bool>()
    ) {
        let start = start.index(GOOD.len());
        let end = (start + length).min(GOOD.len());
        let mut bytes = GOOD.clone();
        if double {
            let piece = GOOD[start..end].to_vec();
            bytes.splice(end..end, piece);
        } else {
            bytes.drain(start..end);
        }
        survives(&bytes);
    }
}
