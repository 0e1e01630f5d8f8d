//! A task's identity: its content.

use rewarden_types::Task;
use sha2::{Digest, Sha256};

/// SHA-256 over everything but the id that decides a task's reward. Each text is preceded by its length, so that no two
/// tasks are encoded alike.
pub(crate) fn of(task: &Task) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut text = |text: &str| {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    text(&task.messages.len().to_string());
    for message in task.messages.iter() {
        text(message.role.name());
        text(&message.content);
    }
    text(&task.responses.len().to_string());
    for response in task.responses.iter() {
        text(response);
    }
    match &task.reference {
        Some(reference) => {
            text("1");
            text(reference);
        }
        None => text("0"),
    }
    if !task.metadata.is_empty() {
        text(&serde_json::Value::Object(task.metadata.clone()).to_string());
    }
    hasher.finalize().into()
}

/// The id under which a run holds the task: readable, and never the same for two contents.
pub(crate) fn stored_id(client: Option<&str>, fingerprint: &[u8; 32]) -> String {
    let mut id = String::with_capacity(64);
    id.push_str(client.unwrap_or("t"));
    id.push('-');
    push_hex(&mut id, fingerprint.get(..8).unwrap_or_default());
    id
}

/// Lower-case hexadecimal digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes);
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(responses: &[&str]) -> Task {
        Task {
            id: String::new(),
            messages: [].into(),
            responses: responses.iter().map(|text| (*text).into()).collect(),
            reference: None,
            preferred: None,
            metadata: serde_json::Map::new(),
        }
    }

    #[test]
    fn texts_that_only_differ_in_where_they_are_cut_have_different_fingerprints() {
        assert_ne!(of(&task(&["ab", "c"])), of(&task(&["a", "bc"])));
        assert_eq!(of(&task(&["ab", "c"])), of(&task(&["ab", "c"])));
    }

    #[test]
    fn the_stored_id_names_the_client_id_and_the_content() {
        assert_eq!(stored_id(Some("x"), &[0xab; 32]), "x-abababababababab");
        assert!(stored_id(None, &[1; 32]).starts_with("t-0101"));
    }
}
