//! What a process that was taken over sends to its parent is read, or refused in words, and takes no more memory than the
//! limits allow.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rewarden_runtime::{Limits, isolate};

static LIMITS: LazyLock<Limits> = LazyLock::new(|| Limits { result_bytes: 1 << 20, ..Limits::default() });

fuzz_target!(|data: &[u8]| {
    let Some((kind, frame)) = data.split_first() else { return };
    let told = isolate::read_foreign_frame(kind % 9, frame, &LIMITS).unwrap_or_else(|refused| refused);
    assert!(told.len() < 16 << 10, "{} bytes of message", told.len());
});
