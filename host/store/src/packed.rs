//! Components as a run holds them: compressed since schema 5, as interpreters have some ten megabytes each.

use std::io::Read;

use crate::bounds::COMPONENT_BYTES;
use crate::columns::Schema;

/// zstd's own default: an interpreter of 20 MB takes a tenth of a second.
const LEVEL: i32 = 3;

/// What is written of a component.
///
/// # Errors
/// When there is no memory for it.
pub(crate) fn pack(wasm: &[u8], schema: Schema) -> std::io::Result<Vec<u8>> {
    if schema.packs_components() { zstd::encode_all(wasm, LEVEL) } else { Ok(wasm.to_vec()) }
}

/// The component in what a run holds of it. A few bytes may stand for any number: no more than a component may have are
/// made of them.
///
/// # Errors
/// Why they stand for none.
pub(crate) fn unpack(stored: &[u8], schema: Schema) -> Result<Vec<u8>, String> {
    if !schema.packs_components() {
        return Ok(stored.to_vec());
    }
    let unreadable = |error: std::io::Error| format!("is not what zstd compresses to: {error}");
    let mut wasm = Vec::new();
    let decoder = zstd::Decoder::new(stored).map_err(unreadable)?;
    decoder.take(COMPONENT_BYTES + 1).read_to_end(&mut wasm).map_err(unreadable)?;
    if wasm.len() as u64 > COMPONENT_BYTES {
        return Err(format!("has more than the {COMPONENT_BYTES} bytes that a component may have"));
    }
    Ok(wasm)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Schema = Schema(crate::SCHEMA_VERSION);

    #[test]
    fn what_is_packed_comes_back_in_every_schema() {
        for schema in [Schema(4), NOW] {
            for wasm in [&b""[..], b"\0asm", &[7; 100_000]] {
                assert_eq!(unpack(&pack(wasm, schema).unwrap(), schema).unwrap(), wasm);
            }
        }
        assert!(pack(&[7; 100_000], NOW).unwrap().len() < 100);
    }

    #[test]
    fn what_stands_for_too_much_or_for_nothing_is_refused_in_time() {
        let mut endless = zstd::Encoder::new(Vec::new(), 1).unwrap();
        std::io::copy(&mut std::io::repeat(0).take(COMPONENT_BYTES + 1), &mut endless).unwrap();
        let endless = endless.finish().unwrap();
        assert!(unpack(&endless, NOW).unwrap_err().contains("has more than"));
        for damaged in [&endless[..endless.len() / 2], b"\0asm\x01\0\0\0"] {
            assert!(unpack(damaged, NOW).unwrap_err().contains("is not what zstd"));
        }
    }
}
