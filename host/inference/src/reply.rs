//! From what a backend received to a [`Completion`]: stop strings cut, thinking set apart, tokens matched to the
//! answer.

use crate::thinking::{self, Start};
use rewarden_types::{Alternative, Completion, FinishReason, Token, Usage};

/// A generated token as the backend knows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RawToken {
    /// Exactly the bytes it adds; none for a control token. Characters may be spread over several tokens.
    pub bytes: Vec<u8>,
    pub logprob: f64,
    pub alternatives: Vec<Alternative>,
}

/// Everything that a backend received.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RawReply {
    /// The text, perhaps with a thinking block, perhaps running past a stop string.
    pub content: String,
    /// Thinking that the server or engine itself set apart.
    pub thinking: Option<String>,
    /// Where `content` begins.
    pub start: Start,
    /// Every generated token, thinking included, or none at all.
    pub tokens: Vec<RawToken>,
    /// Whether the completion is to have tokens; if not, they are measured only.
    pub wants_tokens: bool,
    pub finish: FinishReason,
    pub usage: Usage,
}

/// The tokens do not spell the text, so it cannot be said which of them are the answer's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misaligned;

impl RawReply {
    /// Finishes the reply for a request with these stop strings.
    pub(crate) fn into_completion(self, stop: &[String]) -> Result<Completion, Misaligned> {
        let stopped = stop.iter().filter_map(|s| self.content.find(s.as_str())).min();
        let content = self.content.get(..stopped.unwrap_or(self.content.len())).unwrap_or_default();
        let (thinking, answer, start) = match self.thinking.as_deref().map(str::trim) {
            Some(thinking) if !thinking.is_empty() => (Some(thinking), content, 0),
            _ => {
                let split = thinking::split(content, self.start);
                (split.thinking, split.answer, split.answer_start)
            }
        };
        let split = match self.tokens.is_empty() {
            true => Ok(SplitTokens::default()),
            false => tokens_between(&self.tokens, &self.content, start, content.len()),
        };
        let SplitTokens { before, answer: tokens } = if self.wants_tokens { split? } else { split.unwrap_or_default() };
        let answer_logprob = Completion::mean_logprob(&tokens);
        let thinking_logprob = thinking.and_then(|_| Completion::mean_logprob(&before));
        Ok(Completion {
            text: answer.to_owned(),
            thinking: thinking.map(str::to_owned),
            finish: if stopped.is_some() { FinishReason::Stop } else { self.finish },
            usage: self.usage,
            tokens: if self.wants_tokens { tokens } else { Vec::new() },
            answer_logprob,
            thinking_logprob,
        })
    }
}

/// The tokens of a reply that spell something.
#[derive(Default)]
struct SplitTokens {
    /// Those that end before the answer begins, without their alternatives.
    before: Vec<Token>,
    answer: Vec<Token>,
}

/// The tokens that contribute to `content[start..end]`, those that straddle an edge included, and those before.
fn tokens_between(tokens: &[RawToken], content: &str, start: usize, end: usize) -> Result<SplitTokens, Misaligned> {
    let bytes: Vec<u8> = tokens.iter().flat_map(|t| t.bytes.iter().copied()).collect();
    // The last occurrence: an engine that sets thinking apart hands on only what follows it.
    let text = String::from_utf8_lossy(&bytes);
    let origin = text.rfind(content).ok_or(Misaligned)?;
    let mut edges = LossyEdges::new(&bytes);
    let mut at = 0;
    let mut split = SplitTokens::default();
    for token in tokens {
        let from = edges.in_text(at);
        at += token.bytes.len();
        let to = edges.in_text(at);
        if !token.bytes.is_empty() && to > origin + start && from < origin + end {
            split.answer.push(Token {
                text: String::from_utf8_lossy(&token.bytes).into_owned(),
                logprob: token.logprob,
                alternatives: token.alternatives.clone(),
            });
        } else if !token.bytes.is_empty() && to <= origin + start {
            split.before.push(Token { text: String::new(), logprob: token.logprob, alternatives: Vec::new() });
        }
    }
    Ok(split)
}

/// Translates positions in bytes that may not be UTF-8 to positions in their lossy text. Ask in ascending order.
struct LossyEdges<'a> {
    chunks: std::iter::Peekable<std::str::Utf8Chunks<'a>>,
    bytes_before: usize,
    text_before: usize,
}

impl<'a> LossyEdges<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        LossyEdges { chunks: bytes.utf8_chunks().peekable(), bytes_before: 0, text_before: 0 }
    }

    fn in_text(&mut self, position: usize) -> usize {
        while let Some(chunk) = self.chunks.peek() {
            let (valid, invalid) = (chunk.valid().len(), chunk.invalid().len());
            let text = valid + if invalid == 0 { 0 } else { char::REPLACEMENT_CHARACTER.len_utf8() };
            if position < self.bytes_before + valid + invalid {
                return self.text_before + (position - self.bytes_before).min(text);
            }
            self.bytes_before += valid + invalid;
            self.text_before += text;
            self.chunks.next();
        }
        self.text_before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(bytes: &[u8]) -> RawToken {
        RawToken { bytes: bytes.to_vec(), logprob: -0.5, alternatives: vec![] }
    }

    fn reply(content: &str, pieces: &[&[u8]]) -> RawReply {
        RawReply {
            content: content.into(),
            thinking: None,
            start: Start::Unknown,
            tokens: pieces.iter().map(|p| token(p)).collect(),
            wants_tokens: true,
            finish: FinishReason::Length,
            usage: Usage::default(),
        }
    }

    fn texts(completion: &Completion) -> Vec<&str> {
        completion.tokens.iter().map(|t| t.text.as_str()).collect()
    }

    #[test]
    fn a_plain_reply_keeps_all_its_tokens() {
        let completion = reply("yes it is", &[b"yes", b" it", b" is", b""]).into_completion(&[]).unwrap();
        assert_eq!(completion.text, "yes it is");
        assert_eq!(texts(&completion), ["yes", " it", " is"]);
        assert_eq!(completion.finish, FinishReason::Length);
    }

    #[test]
    fn tokens_of_the_thinking_block_are_left_out() {
        let pieces: [&[u8]; 6] = [b"<think>", b"hm", b"</think>", b"\n\n", b"8", b", 5"];
        let completion = reply("<think>hm</think>\n\n8, 5", &pieces).into_completion(&[]).unwrap();
        assert_eq!((completion.text.as_str(), completion.thinking.as_deref()), ("8, 5", Some("hm")));
        assert_eq!(texts(&completion), ["8", ", 5"]);
    }

    #[test]
    fn thinking_and_answer_are_measured_each_by_itself_also_where_no_tokens_are_wanted() {
        let pieces: [&[u8]; 6] = [b"<think>", b"hm", b"</think>", b"\n\n", b"8", b", 5"];
        let mut raw = reply("<think>hm</think>\n\n8, 5", &pieces);
        for (token, logprob) in raw.tokens.iter_mut().zip([0.0, -4.0, 0.0, 0.0, -0.25, -0.75]) {
            token.logprob = logprob;
        }
        raw.wants_tokens = false;
        let completion = raw.into_completion(&[]).unwrap();
        assert_eq!((completion.answer_logprob, completion.thinking_logprob), (Some(-0.5), Some(-1.0)));
        assert!(completion.tokens.is_empty());
        let mut none = reply("8, 5", &[b"9"]);
        none.wants_tokens = false;
        assert_eq!(none.into_completion(&[]).unwrap().answer_logprob, None);
    }

    #[test]
    fn thinking_that_the_server_set_apart_is_matched_by_the_end_of_the_tokens() {
        let mut raw = reply("8, 5", &[b"8, 5", b"?", b"8", b", 5"]);
        raw.thinking = Some("8, 5?".into());
        let completion = raw.into_completion(&[]).unwrap();
        assert_eq!((completion.text.as_str(), completion.thinking.as_deref()), ("8, 5", Some("8, 5?")));
        assert_eq!(texts(&completion), ["8", ", 5"]);
    }

    #[test]
    fn an_unclosed_thinking_block_leaves_no_answer_and_no_tokens() {
        let completion = reply("<think>8, 5", &[b"<think>", b"8", b", 5"]).into_completion(&[]).unwrap();
        assert_eq!((completion.text.as_str(), completion.thinking.as_deref()), ("", Some("8, 5")));
        assert!(completion.tokens.is_empty());
    }

    #[test]
    fn text_from_the_first_stop_string_on_is_cut_with_its_tokens() {
        let stop = ["END".to_owned(), "\n".to_owned()];
        let completion = reply("8, 5\nnext END", &[b"8", b", 5", b"\nnext", b" END"]).into_completion(&stop).unwrap();
        assert_eq!((completion.text.as_str(), completion.finish), ("8, 5", FinishReason::Stop));
        assert_eq!(texts(&completion), ["8", ", 5"]);
    }

    #[test]
    fn characters_spread_over_tokens_and_broken_bytes_stay_aligned() {
        let pieces: [&[u8]; 5] = [b"a\xff", b"\xf0\x9f", b"\x98\x80", b"z", b"!"];
        let content = String::from_utf8_lossy(b"a\xff\xf0\x9f\x98\x80z!").into_owned();
        let stop = ["!".to_owned()];
        let completion = reply(&content, &pieces).into_completion(&stop).unwrap();
        assert_eq!(completion.text, "a\u{fffd}😀z");
        assert_eq!(texts(&completion).len(), 4);
        assert_eq!(texts(&completion)[3], "z");
    }

    #[test]
    fn leading_white_space_that_the_server_dropped_is_dropped_from_the_tokens() {
        let completion = reply("8", &[b" ", b"8"]).into_completion(&[]).unwrap();
        assert_eq!(texts(&completion), ["8"]);
    }

    #[test]
    fn tokens_that_do_not_spell_the_text_are_an_error() {
        assert_eq!(reply("8, 5", &[b"9"]).into_completion(&[]).unwrap_err(), Misaligned);
    }
}
