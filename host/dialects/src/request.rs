//! What the dialects' requests have in common.

use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::openapi::{Array, Object, OneOf, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::config::SlimeReply;
use crate::problem::{Problem, ProblemKind};

/// What a trainer can choose in the URL that it is given, whatever its body's format.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Url {
    /// The pack.
    pub(crate) pack: Option<String>,
    /// The chat format of the texts.
    pub(crate) chat_format: Option<String>,
    /// How many members a group has, for dialects that send one at a time.
    pub(crate) cohort_size: Option<u32>,
    /// How slime is replied to.
    pub(crate) reply: Option<SlimeReply>,
}

impl Url {
    /// Reads the part of the URL after the question mark.
    pub(crate) fn read(query: &str) -> Result<Self, Problem> {
        serde_urlencoded::from_str(query).map_err(|error| {
            let detail = format!("the URL cannot be read: {error}; it takes pack, chat_format, cohort_size and reply");
            Problem::new(ProblemKind::InvalidRequest, detail)
        })
    }
}

/// One text or a list of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InputTexts {
    pub(crate) texts: Vec<String>,
    /// Whether it was a list.
    pub(crate) list: bool,
}

impl InputTexts {
    /// The JSON pointer of a text of the field `name`.
    pub(crate) fn pointer(&self, name: &str, index: usize) -> String {
        if self.list { format!("/{name}/{index}") } else { format!("/{name}") }
    }
}

impl<'de> Deserialize<'de> for InputTexts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = InputTexts;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a text or a list of texts (token ids, images and audio are not judged)")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<InputTexts, E> {
                Ok(InputTexts { texts: vec![text.to_owned()], list: false })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<InputTexts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = sequence.next_element()? {
                    texts.push(text);
                }
                Ok(InputTexts { texts, list: true })
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}

impl PartialSchema for InputTexts {
    fn schema() -> RefOr<Schema> {
        let text = || Object::builder().schema_type(Type::String);
        OneOf::builder().item(text()).item(Array::new(text())).into()
    }
}

impl ToSchema for InputTexts {}

/// Refuses `use_activation: true`, which asks for a sigmoid or softmax on top of the score.
pub(crate) fn check_activation(use_activation: Option<bool>) -> Result<(), Problem> {
    if use_activation == Some(true) {
        return Err(Problem::at("/use_activation", "a reward is no logit: expected false or nothing, found true"));
    }
    Ok(())
}

/// A value of any JSON kind as a text to show. `None` for null.
pub(crate) fn shown_value(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
