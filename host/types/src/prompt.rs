//! What a model is asked: turns of a conversation, and the form that its answer must have.

use serde::{Deserialize, Serialize};

/// Who speaks in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions that stand above the conversation.
    System,
    /// The one who asks.
    User,
    /// The model.
    Assistant,
}

impl Role {
    const ALL: [Self; 3] = [Self::System, Self::User, Self::Assistant];

    /// Returns the name that chat templates, chat APIs and runs use.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }

    /// Returns the role of this name, or `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// One turn of a conversation. `content` is data: it may imitate the markers of a template or of a chat format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// A form that the whole answer must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// RE2-like: no look-around, no back-references. Matched from the first to the last character.
    Regex(String),
    /// The text of a JSON Schema.
    JsonSchema(String),
    /// A Lark grammar in llguidance's dialect, start rule `start`.
    Lark(String),
}

impl Constraint {
    /// Returns the kind in words, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Regex(_) => "regular expression",
            Self::JsonSchema(_) => "JSON schema",
            Self::Lark(_) => "Lark grammar",
        }
    }

    /// Returns the expression, schema or grammar itself.
    pub fn text(&self) -> &str {
        match self {
            Self::Regex(text) | Self::JsonSchema(text) | Self::Lark(text) => text,
        }
    }
}

/// What a template asks the host to give the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// Chat turns, oldest first. The host applies the model's own chat template.
    pub messages: Vec<Message>,
    /// `None` if the model writes freely.
    pub constraint: Option<Constraint>,
    /// Generation ends before the first of these; they are not part of the completion.
    pub stop: Vec<String>,
    /// Upper bound on new tokens; `None` leaves it to the host.
    pub max_tokens: Option<u32>,
    /// Alternatives with log-probabilities for every generated token, 0 to 20.
    pub top_logprobs: u8,
}

/// A criterion that responses are judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Principle {
    /// A few words.
    pub name: String,
    /// As the model wrote it, without its unit (`Weight: 30%` is 30); `None` if it gave none.
    pub weight: Option<f64>,
    /// What it asks for.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_reads_back_from_its_name() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
        }
        assert_eq!(Role::from_name("tool"), None);
    }
}
