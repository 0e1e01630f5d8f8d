//! A server's reply, streamed or whole.

use std::fmt;

use eventsource_stream::{EventStreamError, Eventsource};
use futures::StreamExt;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::reply::{RawReply, RawToken};
use crate::server::{self, TryFailure, body, excerpt};
use crate::thinking::Start;
use rewarden_types::{Alternative, Completion, FinishReason, GenerateProgress, GenerateRequest, Usage};

/// A whole reply, or one event of a stream: the two differ in the name of the field that holds the text.
#[derive(Deserialize)]
struct Part {
    #[serde(default, rename = "choices", deserialize_with = "first")]
    choice: Option<Choice>,
    usage: Option<WireUsage>,
    /// Some servers report a failure inside a stream that began well.
    error: Option<Box<RawValue>>,
}

/// The first of a list. One choice is asked for; a list of millions of empty ones would take fifty times its text.
fn first<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Choice>, D::Error> {
    struct First;
    impl<'de> Visitor<'de> for First {
        type Value = Option<Choice>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of choices")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut choices: A) -> Result<Option<Choice>, A::Error> {
            let first = choices.next_element()?;
            while choices.next_element::<IgnoredAny>()?.is_some() {}
            Ok(first)
        }
    }
    deserializer.deserialize_seq(First)
}

/// The most bytes of a reply to `request`: an event of a stream takes some 300 bytes beside its token, an alternative
/// some 150, and headers of gateways, usage and a thinking model's own accounts have room in the first 8 MiB.
fn most(request: &GenerateRequest) -> usize {
    let tokens = usize::try_from(request.sampling.max_tokens).unwrap_or(usize::MAX);
    let each = 1024 + 256 * usize::from(request.top_logprobs);
    tokens.saturating_mul(each).saturating_add(8 << 20).min(body::LARGEST)
}

#[derive(Deserialize)]
struct Choice {
    #[serde(alias = "delta")]
    message: Option<Text>,
    /// Of `/completions`.
    text: Option<String>,
    finish_reason: Option<String>,
    logprobs: Option<Logprobs>,
}

#[derive(Deserialize)]
struct Text {
    content: Option<String>,
    /// vLLM, SGLang, llama.cpp, DeepSeek.
    reasoning_content: Option<String>,
    /// Newer vLLM, OpenRouter.
    reasoning: Option<String>,
}

#[derive(Deserialize)]
struct Logprobs {
    content: Option<Vec<WireToken>>,
}

#[derive(Deserialize)]
struct WireToken {
    token: String,
    bytes: Option<Vec<u8>>,
    logprob: f64,
    #[serde(default)]
    top_logprobs: Vec<WireAlternative>,
}

#[derive(Deserialize)]
struct WireAlternative {
    token: String,
    logprob: f64,
}

#[derive(Clone, Copy, Deserialize)]
struct WireUsage {
    prompt_tokens: u32,
    completion_tokens: u32,
}

/// What has arrived so far.
#[derive(Default)]
pub(super) struct Received {
    content: String,
    thinking: String,
    tokens: Vec<RawToken>,
    finish: Option<String>,
    usage: Option<WireUsage>,
    pieces: u32,
}

impl Received {
    /// Takes a part in and returns how many tokens it brought.
    fn take(&mut self, part: Part) -> Result<u32, TryFailure> {
        if let Some(error) = part.error {
            return Err(TryFailure::Malformed { expected: "a completion", found: excerpt(error.get(), None) });
        }
        self.usage = part.usage.or(self.usage);
        let Some(choice) = part.choice else {
            return Ok(0);
        };
        let mut wrote = false;
        if let Some(text) = choice.message {
            let thinking = text.reasoning_content.or(text.reasoning).unwrap_or_default();
            let content = text.content.unwrap_or_default();
            wrote = !(thinking.is_empty() && content.is_empty());
            self.thinking.push_str(&thinking);
            self.content.push_str(&content);
        }
        if let Some(text) = choice.text {
            wrote |= !text.is_empty();
            self.content.push_str(&text);
        }
        let tokens = choice.logprobs.and_then(|l| l.content).unwrap_or_default();
        let new = if tokens.is_empty() { u32::from(wrote) } else { u32::try_from(tokens.len()).unwrap_or(u32::MAX) };
        self.tokens.extend(tokens.into_iter().map(raw_token));
        self.finish = choice.finish_reason.or(self.finish.take());
        self.pieces = self.pieces.saturating_add(new);
        Ok(new)
    }
}

fn raw_token(token: WireToken) -> RawToken {
    let alternatives = token.top_logprobs.into_iter();
    RawToken {
        bytes: token.bytes.unwrap_or_else(|| token.token.into_bytes()),
        logprob: token.logprob.min(0.0),
        alternatives: alternatives.map(|a| Alternative { text: a.token, logprob: a.logprob.min(0.0) }).collect(),
    }
}

/// Reads a successful response to its end.
pub(super) async fn receive(
    response: Response,
    request: &GenerateRequest,
    progress: &(dyn Fn(GenerateProgress) + Send + Sync),
) -> Result<Received, TryFailure> {
    let most = most(request);
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut received = Received::default();
    if !kind.starts_with("text/event-stream") {
        let text = body::text(response, most).await?;
        let new_tokens = received.take(parse(&text)?)?;
        let new_tokens = received.usage.map_or(new_tokens, |usage| usage.completion_tokens);
        progress(GenerateProgress { new_tokens });
        return Ok(received);
    }
    let mut events = std::pin::pin!(body::lines(response, most).eventsource());
    while let Some(event) = events.next().await {
        let data = match event {
            Ok(event) => event.data,
            Err(EventStreamError::Transport(failure)) => return Err(failure),
            Err(EventStreamError::Utf8(error)) => return Err(damaged(&error)),
            Err(EventStreamError::Parser(error)) => return Err(damaged(&error)),
        };
        if data.trim() == "[DONE]" {
            return Ok(received);
        }
        let new_tokens = received.take(parse(&data)?)?;
        if new_tokens > 0 {
            progress(GenerateProgress { new_tokens });
        }
    }
    // Not every server says [DONE]; what tells a whole reply from a broken one is the reason for its end.
    match received.finish {
        Some(_) => Ok(received),
        None => Err(TryFailure::Connection("the event stream ended before the completion did".into())),
    }
}

fn damaged(error: &dyn std::fmt::Display) -> TryFailure {
    TryFailure::Connection(format!("the event stream is damaged: {error}"))
}

fn parse(text: &str) -> Result<Part, TryFailure> {
    server::parse(text, "a chat completion in JSON")
}

/// Turns what was received into a completion.
pub(super) fn complete(received: Received, request: &GenerateRequest) -> Result<Completion, TryFailure> {
    let malformed = |expected, found: String| Err(TryFailure::Malformed { expected, found });
    let finish = match received.finish.as_deref() {
        Some("stop") => FinishReason::Stop,
        Some("length") => FinishReason::Length,
        Some(other) => return malformed("finish_reason `stop` or `length`", format!("`{other}`")),
        None => return malformed("a choice with a finish_reason", "none".into()),
    };
    let wanted = request.top_logprobs > 0;
    if wanted && received.tokens.is_empty() && !received.content.is_empty() {
        return malformed("the log-probabilities that were asked for", "none; does the server support them?".into());
    }
    let usage = match received.usage {
        Some(usage) => Usage { prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens },
        None => {
            tracing::warn!("the server reports no token usage: prompt tokens are counted as 0, new ones by arrival");
            Usage { prompt_tokens: 0, completion_tokens: received.pieces }
        }
    };
    let raw = RawReply {
        content: received.content,
        thinking: Some(received.thinking).filter(|t| !t.trim().is_empty()),
        start: Start::Unknown,
        tokens: received.tokens,
        wants_tokens: wanted,
        finish,
        usage,
    };
    raw.into_completion(&request.stop).or_else(|_| {
        malformed("tokens that spell the text", "other tokens; ask for no log-probabilities of this server".into())
    })
}
