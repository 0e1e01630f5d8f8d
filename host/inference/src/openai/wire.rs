//! A server's reply as it is written: what the protocol says, and what common servers make of it.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A whole reply, or one event of a stream.
#[derive(Deserialize)]
pub(super) struct ReplyPart {
    #[serde(default, rename = "choices", deserialize_with = "first")]
    pub(super) choice: Option<Choice>,
    pub(super) usage: Option<WireUsage>,
    /// Some servers report a failure inside a stream that began well.
    pub(super) error: Option<Box<RawValue>>,
}

/// The choice with the lowest index. One is asked for; a list of millions of empty ones would take fifty times its text.
fn first<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Choice>, D::Error> {
    struct First;
    impl<'de> Visitor<'de> for First {
        type Value = Option<Choice>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of choices")
        }

        fn visit_unit<E>(self) -> Result<Option<Choice>, E> {
            Ok(None)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut choices: A) -> Result<Option<Choice>, A::Error> {
            let mut first: Option<Choice> = choices.next_element()?;
            if first.as_ref().is_none_or(|choice| choice.index.unwrap_or(0) == 0) {
                while choices.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(first);
            }
            while let Some(choice) = choices.next_element::<Choice>()? {
                if first.as_ref().is_none_or(|first| choice.index < first.index) {
                    first = Some(choice);
                }
            }
            Ok(first)
        }
    }
    deserializer.deserialize_any(First)
}

#[derive(Deserialize)]
pub(super) struct Choice {
    pub(super) index: Option<u32>,
    /// Of a whole reply.
    pub(super) message: Option<Text>,
    /// Of an event. Some servers send both, one of them null.
    pub(super) delta: Option<Text>,
    /// Of `/completions`.
    pub(super) text: Option<String>,
    pub(super) finish_reason: Option<String>,
    pub(super) logprobs: Option<Logprobs>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Text {
    pub(super) content: Content,
    /// vLLM, SGLang, llama.cpp, DeepSeek.
    pub(super) reasoning_content: Content,
    /// Newer vLLM, Ollama, OpenRouter.
    pub(super) reasoning: Content,
    /// Why there is no answer.
    pub(super) refusal: Option<String>,
}

/// A text, no text, or parts of one.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Content {
    pub(super) text: String,
    /// Parts that are thinking.
    pub(super) thinking: String,
    pub(super) refusal: String,
    /// The type of the first part that is no text.
    pub(super) unreadable: Option<String>,
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, null or a list of parts")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::default())
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content { text: text.to_owned(), ..Content::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, part: A) -> Result<Content, A::Error> {
        let mut content = Content::default();
        content.add(ContentPart::deserialize(MapAccessDeserializer::new(part))?);
        Ok(content)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Content, A::Error> {
        let mut content = Content::default();
        while let Some(part) = parts.next_element::<Content>()? {
            content.append(part);
        }
        Ok(content)
    }
}

impl Content {
    fn append(&mut self, other: Content) {
        self.text.push_str(&other.text);
        self.thinking.push_str(&other.thinking);
        self.refusal.push_str(&other.refusal);
        self.unreadable = self.unreadable.take().or(other.unreadable);
    }

    fn add(&mut self, part: ContentPart) {
        let kind = part.kind.unwrap_or_default();
        match kind.as_str() {
            "thinking" | "reasoning" => {
                for inner in [part.thinking, part.text] {
                    self.thinking.push_str(&inner.text);
                    self.thinking.push_str(&inner.thinking);
                }
            }
            "refusal" => self.refusal.push_str(&part.refusal.unwrap_or(part.text.text)),
            "" | "text" | "output_text" => self.append(part.text),
            _ => self.unreadable = self.unreadable.take().or(Some(kind)),
        }
    }
}

/// One part of a content.
#[derive(Deserialize)]
struct ContentPart {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    text: Content,
    /// Mistral's service.
    #[serde(default)]
    thinking: Content,
    refusal: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Logprobs {
    pub(super) content: Option<Vec<WireToken>>,
}

#[derive(Deserialize)]
pub(super) struct WireToken {
    pub(super) token: String,
    pub(super) bytes: Option<Vec<u8>>,
    /// Null for what JSON has no number for.
    pub(super) logprob: Option<f64>,
    pub(super) top_logprobs: Option<Vec<WireAlternative>>,
}

#[derive(Deserialize)]
pub(super) struct WireAlternative {
    pub(super) token: String,
    pub(super) logprob: Option<f64>,
}

/// Numbers of tokens; some servers write them as fractions, or not at all.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct WireUsage {
    prompt_tokens: Option<f64>,
    completion_tokens: Option<f64>,
}

impl WireUsage {
    /// Tokens of the prompt.
    pub(super) fn prompt(&self) -> Option<u32> {
        self.prompt_tokens.map(|tokens| tokens as u32)
    }

    /// Tokens of the completion.
    pub(super) fn completion(&self) -> Option<u32> {
        self.completion_tokens.map(|tokens| tokens as u32)
    }
}

/// Why a completion ended, in the words of all servers.
pub(super) enum Ending {
    Stop,
    Length,
    /// The service kept its answer back.
    Declined,
    /// The server gave up on it; another try may end well.
    GaveUp,
    Unknown,
}

impl Ending {
    pub(super) fn of(reason: &str) -> Self {
        match reason.to_ascii_lowercase().as_str() {
            // OpenAI's word; TGI's; Anthropic's, by gateways.
            "stop" | "eos_token" | "stop_sequence" | "eos" | "end_turn" | "complete" | "completed" => Self::Stop,
            // The last is Mistral's service's.
            "length" | "max_tokens" | "max_length" | "model_length" => Self::Length,
            "content_filter" | "refusal" | "safety" | "recitation" | "prohibited_content" => Self::Declined,
            // vLLM and SGLang; DeepSeek's service; gateways.
            "abort" | "insufficient_system_resource" | "error" => Self::GaveUp,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(json: &str) -> Content {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_content_may_be_a_text_nothing_or_parts() {
        let text = |text: &str| Content { text: text.to_owned(), ..Content::default() };
        assert_eq!(content("\"a\""), text("a"));
        assert_eq!(content("null"), text(""));
        assert_eq!(content("[]"), text(""));
        assert_eq!(
            content(r#"["a", {"type": "text", "text": "b"}, {"text": "c"}, {"type": "output_text", "text": null}]"#),
            text("abc")
        );
        let thinking =
            r#"[{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "8"}]"#;
        assert_eq!(content(thinking), Content { thinking: "hm".to_owned(), ..text("8") });
        let refused = content(r#"[{"type": "refusal", "refusal": "no"}]"#);
        assert_eq!(refused, Content { refusal: "no".to_owned(), ..text("") });
        let image = content(r#"[{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "x"}}]"#);
        assert_eq!(image, Content { unreadable: Some("image_url".to_owned()), ..text("a") });
        serde_json::from_str::<Content>("7").unwrap_err();
    }

    #[test]
    fn of_several_choices_the_lowest_is_taken_and_null_is_none() {
        let choice = |json: &str| serde_json::from_str::<ReplyPart>(json).unwrap().choice;
        let several =
            r#"{"choices": [{"index": 1, "text": "b"}, {"index": 0, "text": "a"}, {"index": 2, "text": "c"}]}"#;
        assert_eq!(choice(several).unwrap().text.as_deref(), Some("a"));
        assert!(
            choice(r#"{"choices": null}"#).is_none()
                && choice("{}").is_none()
                && choice(r#"{"choices": []}"#).is_none()
        );
    }
}
