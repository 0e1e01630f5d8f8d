//! A model file's header, whatever it says, is looked through without memory beyond its size.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use rewarden_fuzz::{Choices, damaged};
use rewarden_inference::gguf;

/// A header of version 3 with a text, a number, an array of texts and a tensor.
fn base() -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let mut file = b"GGUF\x03\0\0\0".to_vec();
    file.extend(1_u64.to_le_bytes());
    file.extend(3_u64.to_le_bytes());
    file.extend([text("general.architecture"), 8_u32.to_le_bytes().to_vec(), text("llama")].concat());
    file.extend([text("llama.block_count"), 4_u32.to_le_bytes().to_vec(), 30_u32.to_le_bytes().to_vec()].concat());
    file.extend([text("tokens"), 9_u32.to_le_bytes().to_vec(), 8_u32.to_le_bytes().to_vec()].concat());
    file.extend([2_u64.to_le_bytes().to_vec(), text("a"), text("b")].concat());
    file.extend([text("w"), 1_u32.to_le_bytes().to_vec(), 64_u64.to_le_bytes().to_vec()].concat());
    file.extend([8_u32.to_le_bytes().to_vec(), 0_u64.to_le_bytes().to_vec()].concat());
    file.resize(file.len().next_multiple_of(32) + 68, 0);
    file
}

fuzz_target!(|data: &[u8]| {
    let bytes = match data.first() {
        Some(0) => data.to_vec(),
        _ => damaged(&base(), Choices(data)),
    };
    if let Err(error) = gguf::check_bytes(Cursor::new(&bytes), bytes.len() as u64) {
        assert!(!error.to_string().is_empty());
    }
});
