//! Core modules become components.

use wit_component::{ComponentEncoder, DecodedWasm};

/// Why a core module cannot be made into a component, in the encoder's words with all their causes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EncodeError(String);

/// Encodes a core module, which must hold the metadata that binding generators embed, as a component.
///
/// # Errors
/// An [`EncodeError`] with the encoder's words.
pub fn encode(module: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let encoder = ComponentEncoder::default().validate(true).module(module);
    let component = encoder.and_then(|mut encoder| encoder.encode());
    component.map_err(|error| EncodeError(format!("{error:#}")))
}

/// Returns whether a component exports any interface. One that exports none was compiled without the SDK's export macro.
///
/// # Errors
/// An [`EncodeError`] if the bytes are no component.
pub fn exports_anything(component: &[u8]) -> Result<bool, EncodeError> {
    match wit_component::decode(component).map_err(|error| EncodeError(format!("{error:#}")))? {
        DecodedWasm::Component(resolve, world) => {
            Ok(resolve.worlds.get(world).is_some_and(|world| !world.exports.is_empty()))
        }
        DecodedWasm::WitPackage(..) => Ok(false),
    }
}

/// `NAME.wasm` for the library or file `name`, with dashes in place of underscores.
pub fn component_file_name(name: &str) -> String {
    format!("{}.wasm", name.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_metadata_becomes_a_component_that_exports_nothing() {
        let component = encode(b"\0asm\x01\0\0\0").unwrap();
        assert!(!exports_anything(&component).unwrap());
    }

    #[test]
    fn what_is_no_module_is_an_error_with_the_encoders_words() {
        let error = encode(b"text").unwrap_err();
        assert!(!error.to_string().is_empty());
        assert!(exports_anything(b"text").is_err());
    }

    #[test]
    fn a_library_name_has_underscores_and_its_component_dashes() {
        assert_eq!(component_file_name("json_scores"), "json-scores.wasm");
    }
}
