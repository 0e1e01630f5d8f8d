//! What a component's file says of the tools that made it.

use std::collections::BTreeSet;

use rewarden_input::shown;
use wasmparser::{KnownCustom, Parser, Payload};

/// Tools that are listed of one component. Python's runtimes have a dozen.
const TOOLS: usize = 100;

/// A tool or a language that a component was made with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Producer {
    /// `language`, `processed-by` or `sdk`.
    pub(crate) field: String,
    pub(crate) name: String,
    pub(crate) version: String,
}

/// Returns the producers of a component and of all modules in it, each once. Nothing is compiled, and what cannot be read
/// says nothing: these sections are for people alone.
pub(crate) fn producers(component: &[u8]) -> BTreeSet<Producer> {
    let mut found = BTreeSet::new();
    for payload in Parser::new(0).parse_all(component).map_while(Result::ok) {
        let Payload::CustomSection(section) = payload else { continue };
        let KnownCustom::Producers(fields) = section.as_known() else { continue };
        for field in fields.into_iter().map_while(Result::ok) {
            for value in field.values.into_iter().map_while(Result::ok) {
                if found.len() == TOOLS {
                    return found;
                }
                found.insert(Producer {
                    field: shown(field.name),
                    name: shown(value.name),
                    version: shown(value.version),
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A text as WebAssembly has it: its length, then its bytes.
    fn text(text: &str) -> Vec<u8> {
        [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
    }

    /// An empty component with a section of producers.
    fn component(field: &str, name: &str, version: &str) -> Vec<u8> {
        let section = [text("producers"), vec![1], text(field), vec![1], text(name), text(version)].concat();
        let head = [&b"\0asm\x0d\0\x01\0"[..], &[0, u8::try_from(section.len()).unwrap()]].concat();
        [head, section].concat()
    }

    #[test]
    fn the_tools_of_a_component_are_read_from_its_file() {
        let rustc = Producer { field: "processed-by".into(), name: "rustc".into(), version: "1.95.0".into() };
        assert_eq!(producers(&component("processed-by", "rustc", "1.95.0")), BTreeSet::from([rustc]));
        assert!(producers(b"nothing").is_empty());
        let escaped = producers(&component("sdk", "\u{1b}[2J", "1"));
        assert!(escaped.iter().all(|producer| !producer.name.contains('\u{1b}')), "{escaped:?}");
    }

    proptest! {
        #[test]
        fn no_bytes_end_in_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..60) {
            let _ = producers(&bytes);
            let whole = component("sdk", "a", "1");
            let _ = producers(whole.get(..cut).unwrap_or(&whole));
        }
    }
}
