//! A server's reply, streamed or whole.

use eventsource_stream::{EventStreamError, Eventsource};
use futures::StreamExt;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;

use super::wire::{Choice, Content, Ending, ReplyPart, Text, WireToken, WireUsage};
use crate::reply::{RawReply, RawToken};
use crate::server::{self, TryFailure, body, excerpt};
use crate::thinking::Start;
use rewarden_types::{Alternative, Completion, FinishReason, GenerateProgress, GenerateRequest, Usage};

/// The most bytes of a reply to `request`: an event of a stream takes some 300 bytes beside its token, an alternative
/// some 150, and headers of gateways, usage and a thinking model's own accounts have room in the first 8 MiB.
fn most(request: &GenerateRequest) -> usize {
    let tokens = usize::try_from(request.sampling.max_tokens).unwrap_or(usize::MAX);
    let each = 1024 + 256 * usize::from(request.top_logprobs);
    tokens.saturating_mul(each).saturating_add(8 << 20).min(body::LARGEST)
}

/// What has arrived so far.
#[derive(Default)]
pub(super) struct Received {
    content: String,
    thinking: String,
    refusal: String,
    tokens: Vec<RawToken>,
    /// Whether a token came without its probability.
    lacks_logprob: bool,
    finish: Option<String>,
    usage: Option<WireUsage>,
    /// Which choice is read: the first that came, should a server send several although one is asked for.
    index: Option<u32>,
    pieces: u32,
}

impl Received {
    /// Takes a part in and returns how many tokens it brought.
    fn take(&mut self, part: ReplyPart) -> Result<u32, TryFailure> {
        if let Some(error) = part.error {
            return Err(TryFailure::Malformed { expected: "a completion", found: excerpt(error.get(), None) });
        }
        self.usage = part.usage.or(self.usage);
        match part.choice {
            Some(choice) if *self.index.get_or_insert(choice.index.unwrap_or(0)) == choice.index.unwrap_or(0) => {
                self.take_choice(choice)
            }
            _ => Ok(0),
        }
    }

    fn take_choice(&mut self, choice: Choice) -> Result<u32, TryFailure> {
        let mut wrote = false;
        for text in [choice.message, choice.delta].into_iter().flatten() {
            wrote |= self.take_text(text)?;
        }
        if let Some(text) = choice.text {
            wrote |= !text.is_empty();
            self.content.push_str(&text);
        }
        let tokens = choice.logprobs.and_then(|l| l.content).unwrap_or_default();
        let new = if tokens.is_empty() { u32::from(wrote) } else { u32::try_from(tokens.len()).unwrap_or(u32::MAX) };
        for token in tokens {
            match raw_token(token) {
                Some(token) => self.tokens.push(token),
                None => self.lacks_logprob = true,
            }
        }
        self.finish = choice.finish_reason.filter(|reason| !reason.is_empty()).or(self.finish.take());
        self.pieces = self.pieces.saturating_add(new);
        Ok(new)
    }

    /// Returns whether there was any.
    fn take_text(&mut self, text: Text) -> Result<bool, TryFailure> {
        let Text { content, reasoning_content, reasoning, refusal } = text;
        if let Some(kind) = content.unreadable {
            return Err(TryFailure::Malformed {
                expected: "content parts of text",
                found: format!("`{}`", excerpt(&kind, None)),
            });
        }
        // Some servers send the same under both names.
        let apart = if reasoning_content == Content::default() { reasoning } else { reasoning_content };
        let before = self.content.len() + self.thinking.len();
        for piece in [&apart.text, &apart.thinking, &content.thinking] {
            self.thinking.push_str(piece);
        }
        self.content.push_str(&content.text);
        self.refusal.push_str(&content.refusal);
        self.refusal.push_str(&refusal.unwrap_or_default());
        Ok(self.content.len() + self.thinking.len() > before)
    }
}

/// `None` if its own probability is missing; an alternative without one is left out.
fn raw_token(token: WireToken) -> Option<RawToken> {
    let alternatives = token.top_logprobs.unwrap_or_default().into_iter();
    Some(RawToken {
        logprob: token.logprob?.min(0.0),
        bytes: token.bytes.unwrap_or_else(|| token.token.into_bytes()),
        alternatives: alternatives
            .filter_map(|a| Some(Alternative { logprob: a.logprob?.min(0.0), text: a.token }))
            .collect(),
    })
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
        let new_tokens = received.usage.and_then(|usage| usage.completion()).unwrap_or(new_tokens);
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

fn parse(text: &str) -> Result<ReplyPart, TryFailure> {
    server::parse(text, "a chat completion in JSON")
}

/// Turns what was received into a completion.
pub(super) fn complete(received: Received, request: &GenerateRequest) -> Result<Completion, TryFailure> {
    let malformed = |expected, found: String| Err(TryFailure::Malformed { expected, found });
    if received.content.is_empty() && !received.refusal.trim().is_empty() {
        return Err(TryFailure::Declined(excerpt(&received.refusal, None)));
    }
    let finish = match received.finish.as_deref().map(|reason| (Ending::of(reason), reason)) {
        Some((Ending::Stop, _)) => FinishReason::Stop,
        Some((Ending::Length, _)) => FinishReason::Length,
        Some((Ending::Declined, reason)) => return Err(TryFailure::Declined(format!("finish_reason `{reason}`"))),
        Some((Ending::GaveUp, reason)) => {
            return Err(TryFailure::Connection(format!(
                "the server gave up on the completion (finish_reason `{reason}`)"
            )));
        }
        Some((Ending::Unknown, reason)) => {
            return malformed("finish_reason `stop` or `length`", format!("`{}`", excerpt(reason, None)));
        }
        None => return malformed("a choice with a finish_reason", "none".into()),
    };
    let wanted = request.top_logprobs > 0;
    if wanted && received.lacks_logprob {
        return malformed("the log-probabilities that were asked for", "null for one of them".into());
    }
    if wanted && received.tokens.is_empty() && !received.content.is_empty() {
        return malformed("the log-probabilities that were asked for", "none; does the server support them?".into());
    }
    let usage = match received.usage.map(|usage| (usage.prompt(), usage.completion())) {
        Some((Some(prompt_tokens), Some(completion_tokens))) => Usage { prompt_tokens, completion_tokens },
        told => {
            tracing::warn!(
                "the server does not report all token usage: prompt tokens are counted as 0, new ones by arrival"
            );
            let (prompt, completion) = told.unwrap_or_default();
            Usage { prompt_tokens: prompt.unwrap_or(0), completion_tokens: completion.unwrap_or(received.pieces) }
        }
    };
    // Without all of them it cannot be said which are the answer's.
    let tokens = if received.lacks_logprob { Vec::new() } else { received.tokens };
    let raw = RawReply {
        content: received.content,
        thinking: Some(received.thinking).filter(|t| !t.trim().is_empty()),
        start: Start::Unknown,
        tokens,
        wants_tokens: wanted,
        finish,
        usage,
    };
    raw.into_completion(&request.stop).or_else(|_| {
        malformed("tokens that spell the text", "other tokens; ask for no log-probabilities of this server".into())
    })
}
