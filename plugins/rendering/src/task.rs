//! The parts of a task as they stand in every prompt.

use rewarden_plugin::{Message, Role};

use crate::Escape;

/// The conversation: a single turn of the user as it is, several turns with a label each.
pub fn conversation(messages: &[Message], escape: &Escape) -> String {
    if let [Message { role: Role::User, content }] = messages {
        return escape.text(content);
    }
    let turn = |message: &Message| {
        let label = match message.role {
            Role::System => "[System]",
            Role::User => "[User]",
            Role::Assistant => "[Assistant]",
        };
        format!("{label}\n{}", escape.text(&message.content))
    };
    messages.iter().map(turn).collect::<Vec<_>>().join("\n\n")
}

/// The section of the reference answer with the blank line after it, or nothing.
pub fn reference(reference: Option<&str>, escape: &Escape) -> String {
    reference.map_or_else(String::new, |reference| {
        format!(
            "#### Reference Answer ####\nThis answer is known to be correct. Check the responses against it; they need \
             not be worded like it.\n{}\n\n",
            block("Reference", reference, escape)
        )
    })
}

/// Text of a task between two markers that it cannot hold. `name` says what it is; it is not escaped.
pub fn block(name: &str, text: &str, escape: &Escape) -> String {
    format!("[The Begin of {name}]\n{}\n[The End of {name}]", escape.text(text))
}

/// A block for each response, in the order given, called `Response 1`, `Response 2` and so on.
pub fn responses(responses: &[String], escape: &Escape) -> String {
    let names = (1..=responses.len()).map(|number| format!("Response {number}"));
    named_responses(responses, names, escape)
}

/// A block for each response under its own name.
pub fn named_responses(responses: &[String], names: impl IntoIterator<Item = String>, escape: &Escape) -> String {
    let blocks = names.into_iter().zip(responses).map(|(name, response)| block(&name, response, escape));
    blocks.collect::<Vec<_>>().join("\n\n")
}
