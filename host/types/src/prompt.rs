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

/// One turn of what a chat model is given. Unlike a task's turns it may have any role that the model's chat template knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptTurn {
    /// `system`, `user`, `assistant` or another: 1 to 64 bytes of ASCII letters, digits, `_` and `-`.
    pub role: String,
    /// What is said.
    pub content: String,
}

impl PromptTurn {
    /// Returns the user's turn with this text.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User.name().to_owned(), content: content.into() }
    }
}

impl From<Message> for PromptTurn {
    fn from(Message { role, content }: Message) -> Self {
        Self { role: role.name().to_owned(), content }
    }
}

/// An option of a question, with what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerOption {
    /// The name under which it is answered.
    pub name: String,
    /// What it stands for; `None` if the name says it all.
    pub text: Option<String>,
}

/// What may be answered to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerForm {
    /// The probability of yes; what holds when the answer is yes, and when it is no.
    YesNo {
        /// What yes stands for.
        yes: Option<String>,
        /// What no stands for.
        no: Option<String>,
    },
    /// A probability for each of 2 to 255 options.
    Choice(Vec<AnswerOption>),
    /// A probability for each of 2 to 10 levels, from worst to best.
    Levels(Vec<String>),
}

impl AnswerForm {
    /// Returns the names under which the probabilities of an answer stand.
    pub fn answers(&self) -> Vec<String> {
        match self {
            Self::YesNo { .. } => vec!["yes".to_owned(), "no".to_owned()],
            Self::Choice(options) => options.iter().map(|option| option.name.clone()).collect(),
            Self::Levels(levels) => (0..levels.len()).map(|level| level.to_string()).collect(),
        }
    }
}

/// A typed question to a decision model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The name under which it is answered, unique within the prompt.
    pub id: String,
    /// What to look at.
    pub instructions: Option<String>,
    /// What may be answered.
    pub form: AnswerForm,
}

/// What a model is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptInput {
    /// Turns, oldest first. The host applies the model's own chat template.
    Chat(Vec<PromptTurn>),
    /// A text that the model continues as it stands, without a chat template.
    Text(String),
    /// Typed questions to a decision model. Its completion's text is one JSON object: for each question's id an object of
    /// probabilities by the names of [`AnswerForm::answers`].
    Questions {
        /// What the questions are about.
        state: String,
        /// At least one.
        questions: Vec<Question>,
    },
}

impl PromptInput {
    /// Returns a conversation of the user's one turn.
    pub fn user(content: impl Into<String>) -> Self {
        Self::Chat(vec![PromptTurn::user(content)])
    }

    /// Returns the kind in words, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Chat(_) => "chat turns",
            Self::Text(_) => "a text without a chat template",
            Self::Questions { .. } => "questions to a decision model",
        }
    }

    /// Returns its texts, oldest first, with a blank line between: for searches and for people.
    pub fn text(&self) -> String {
        match self {
            Self::Chat(turns) => turns.iter().map(|turn| turn.content.as_str()).collect::<Vec<_>>().join("\n\n"),
            Self::Text(text) => text.clone(),
            Self::Questions { state, questions } => {
                let questions = questions.iter().flat_map(|question| {
                    let listed: Vec<&str> = match &question.form {
                        AnswerForm::YesNo { yes, no } => yes.as_deref().into_iter().chain(no.as_deref()).collect(),
                        AnswerForm::Choice(options) => {
                            options.iter().flat_map(|o| [Some(o.name.as_str()), o.text.as_deref()]).flatten().collect()
                        }
                        AnswerForm::Levels(levels) => levels.iter().map(String::as_str).collect(),
                    };
                    [Some(question.id.as_str()), question.instructions.as_deref()].into_iter().flatten().chain(listed)
                });
                std::iter::once(state.as_str()).chain(questions).collect::<Vec<_>>().join("\n\n")
            }
        }
    }
}

/// What a template asks the host to give the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// What the model is given.
    pub input: PromptInput,
    /// The beginning of the answer, which the model goes on with; not part of the completion.
    pub prefill: Option<String>,
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
