//! Whatever two answers are, `answer-match` says whether they are equal: the same both ways round, and of an answer and
//! itself that it is.
#![no_main]

use answer_match::{Config, canonical, same};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (one, other) = text.split_once('\0').unwrap_or((text, "1"));
    let config = Config::default();
    assert_eq!(same(one, other, &config), same(other, one, &config), "{one:?} {other:?}");
    if !canonical(one).is_empty() {
        assert!(same(one, one, &config), "{one:?}");
    }
});
