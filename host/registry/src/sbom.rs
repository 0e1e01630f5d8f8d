//! A software bill of materials of a pack, in CycloneDX's form.
//!
//! The form is written out here: the one crate for it (`cyclonedx-bom` 0.8.1) ends at version 1.5.

use std::collections::BTreeMap;

use rewarden_types::Sha256Digest;
use serde::Serialize;

use crate::artifact::media_type;
use crate::checked_pack::{CheckedPack, PackFault};
use crate::wasm_sections::producers;

/// What a host finds in a component without compiling it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentFacts {
    /// The version of the contract that it is made for.
    pub contract: String,
    /// The interfaces that it exports.
    pub interfaces: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<BomComponent>,
    dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
struct Metadata {
    tools: Tools,
    component: BomComponent,
}

#[derive(Serialize)]
struct Tools {
    components: Vec<BomComponent>,
}

#[derive(Serialize)]
struct BomComponent {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(rename = "mime-type", skip_serializing_if = "Option::is_none")]
    media_type: Option<&'static str>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<BomProperty>,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
struct BomProperty {
    name: String,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    depends_on: Vec<String>,
}

/// Returns the bill of materials of a pack as CycloneDX 1.6 in JSON: every locked file with its digest, and of components the
/// contract, the interfaces and the tools that made them. The same pack gives the same bytes; `facts` are those of its
/// components, by their path. `host` is the version of this program.
///
/// # Errors
/// If a file has changed meanwhile, or cannot be read.
pub fn sbom(pack: &CheckedPack, facts: &BTreeMap<String, ComponentFacts>, host: &str) -> Result<String, PackFault> {
    let identity = pack.identity();
    let mut components = Vec::new();
    for (name, digest) in pack.lock().entries() {
        let mut properties = vec![property("rewarden:bytes", pack.sizes().get(name).copied().unwrap_or_default())];
        let is_component = pack.lock().components().contains_key(name);
        if let Some(ComponentFacts { contract, interfaces }) = facts.get(name) {
            properties.push(property("rewarden:contract", contract));
            properties.extend(interfaces.iter().map(|interface| property("rewarden:interface", interface)));
        }
        if is_component {
            let tools = producers(&pack.file(name)?);
            properties.extend(tools.iter().map(|tool| {
                let value = format!("{} {}", tool.name, tool.version);
                property(&format!("wasm:producers:{}", tool.field), value.trim())
            }));
        }
        components.push(BomComponent {
            kind: if is_component { "library" } else { "file" },
            reference: Some(name.to_owned()),
            media_type: Some(media_type(name)),
            name: name.to_owned(),
            version: None,
            description: String::new(),
            hashes: vec![hash(digest)],
            properties,
        });
    }
    for (name, digest) in pack.lock().runtimes() {
        components.push(BomComponent {
            kind: "platform",
            reference: Some(format!("runtime:{name}")),
            media_type: Some("application/wasm"),
            name: name.clone(),
            version: None,
            description: "Interpreter of the pack's programs; the host has it, and the pack does not".to_owned(),
            hashes: vec![hash(*digest)],
            properties: Vec::new(),
        });
    }
    let lock = Sha256Digest::of(pack.lock_bytes());
    let own = format!("{}@{}", identity.name, identity.version);
    let limits = pack.manifest().limits.iter().map(|(key, value)| property(&format!("rewarden:limit:{key}"), value));
    let signature =
        pack.signature().map(|_| property("rewarden:signature", "pack.lock.minisig (minisign, over pack.lock)"));
    let depends_on = components.iter().filter_map(|component| component.reference.clone()).collect();
    let bom = Bom {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: serial_number(&lock),
        version: 1,
        metadata: Metadata {
            tools: Tools {
                components: vec![BomComponent {
                    kind: "application",
                    reference: None,
                    media_type: None,
                    name: "rewarden".to_owned(),
                    version: Some(host.to_owned()),
                    description: String::new(),
                    hashes: Vec::new(),
                    properties: Vec::new(),
                }],
            },
            component: BomComponent {
                kind: "application",
                reference: Some(own.clone()),
                media_type: None,
                name: identity.name.clone(),
                version: Some(identity.version.clone()),
                description: pack.manifest().description.clone(),
                hashes: Vec::new(),
                properties: limits.chain(signature).chain([property("rewarden:lock", lock)]).collect(),
            },
        },
        dependencies: vec![Dependency { reference: own, depends_on }],
        components,
    };
    serde_json::to_string_pretty(&bom).map_err(|error| PackFault::File {
        path: pack.directory().to_owned(),
        message: format!("no bill of materials can be written: {error}"),
    })
}

fn property(name: &str, value: impl std::fmt::Display) -> BomProperty {
    BomProperty { name: name.to_owned(), value: value.to_string() }
}

fn hash(digest: Sha256Digest) -> Hash {
    Hash { alg: "SHA-256", content: digest.hex() }
}

/// A UUID (version 8, whose bits are its maker's) of the lock's digest: the same pack has the same number.
fn serial_number(lock: &Sha256Digest) -> String {
    let mut digits: Vec<char> = lock.hex().chars().take(32).collect();
    // Version and variant.
    for (place, digit) in [(12, '8'), (16, 'a')] {
        if let Some(there) = digits.get_mut(place) {
            *there = digit;
        }
    }
    let mut text = String::from("urn:uuid:");
    for (place, digit) in digits.into_iter().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_a_uuid_of_the_lock() {
        let number = serial_number(&Sha256Digest::of(b"lock"));
        let parts: Vec<usize> = number.trim_start_matches("urn:uuid:").split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{number}");
        assert_eq!(number, serial_number(&Sha256Digest::of(b"lock")));
        assert_ne!(number, serial_number(&Sha256Digest::of(b"another")));
        assert_eq!((number.as_bytes()[9 + 14], number.as_bytes()[9 + 19]), (b'8', b'a'));
    }
}
