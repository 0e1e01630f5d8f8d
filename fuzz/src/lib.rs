//! What the fuzz targets share.

use rewarden_plugin::{Completion, FinishReason, ParseFailure, Parser, Scale, Score, Token};
use std::time::Duration;

/// Bytes that a target takes apart from the front; an empty rest gives zeros.
pub struct Choices<'a>(pub &'a [u8]);

impl<'a> Choices<'a> {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// The next two bytes as a number.
    pub fn short(&mut self) -> usize {
        usize::from(self.byte()) << 8 | usize::from(self.byte())
    }

    /// All that is left, as text.
    pub fn text(self) -> String {
        String::from_utf8_lossy(self.0).into_owned()
    }
}

/// Overwrites, cuts and repeats pieces of `base` as `choices` say: files that are nearly right get further than noise.
pub fn damaged(base: &[u8], mut choices: Choices<'_>) -> Vec<u8> {
    let mut bytes = base.to_vec();
    for _ in 0..16 {
        if choices.0.is_empty() || bytes.is_empty() {
            break;
        }
        let (kind, at, value) = (choices.byte(), choices.short() % bytes.len(), choices.byte());
        match kind % 8 {
            0 => bytes.truncate(at),
            1 => {
                let end = (at + usize::from(value)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            2 => {
                let end = (at + usize::from(value)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => bytes[at] = value,
        }
    }
    bytes
}

/// Has `parser` read a completion made of `data`, and holds it to the laws of the contract: one score per response
/// shown, every value on the scale, and whole where the scale is.
pub fn read_by<P: Parser>(parser: &P, data: &[u8]) {
    let mut choices = Choices(data);
    let flags = choices.byte();
    let shown = u32::from(choices.byte() % 5) + 1;
    let scale = match flags % 3 {
        0 => Scale { min: 1.0, max: 10.0, integer: true },
        1 => Scale { min: 0.0, max: 1.0, integer: false },
        _ => Scale { min: -5.0, max: 5.0, integer: true },
    };
    let finish = if flags & 0x40 == 0 { FinishReason::Stop } else { FinishReason::Length };
    let text = choices.text();
    // Tokens of a few characters with alternatives that are other tokens of the text.
    let pieces: Vec<String> = text.chars().collect::<Vec<_>>().chunks(3).map(|piece| piece.iter().collect()).collect();
    let tokens = if flags & 0x80 == 0 {
        Vec::new()
    } else {
        let alternative = |at: usize| rewarden_plugin::Alternative {
            text: pieces[at % pieces.len()].clone(),
            logprob: -((at % 7) as f64),
        };
        let token = |(at, text): (usize, &String)| Token {
            text: text.clone(),
            logprob: -0.5,
            alternatives: (at..at + usize::from(flags % 5)).map(alternative).collect(),
        };
        pieces.iter().enumerate().map(token).collect()
    };
    match parser.parse(&Completion { text, finish, tokens }, shown, scale) {
        Ok(judgement) => {
            assert_eq!(judgement.scores.len(), shown as usize, "one score per response shown");
            let probability = |value: f64| (0.0..=1.0).contains(&value);
            assert!(judgement.confidence.is_none_or(probability), "a confidence is from 0 to 1");
            for levels in &judgement.distributions {
                assert!(levels.iter().all(|level| probability(level.probability)), "probabilities are from 0 to 1");
                let total: f64 = levels.iter().map(|level| level.probability).sum();
                assert!(levels.is_empty() || (total - 1.0).abs() < 1e-6, "probabilities add up to 1");
            }
            for criterion in &judgement.criteria {
                assert!(criterion.response < shown, "a criterion is of a response that was shown");
            }
            for score in &judgement.scores {
                if let Score::Value(value) = score {
                    assert!((scale.min..=scale.max).contains(value), "{value} on {scale:?}");
                    assert!(!scale.integer || value.fract() == 0.0, "{value} on {scale:?}");
                }
            }
        }
        Err(ParseFailure::WrongCount(count)) => assert_ne!(count.expected, count.found),
        Err(_) => {}
    }
}

/// Returns the time on a processor that this thread has had. A deadline by the clock is missed by anything if the machine has
/// other work: a run of ten minutes beside two builds had a second pass for an input that takes no millisecond.
pub fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux keeps this for every thread");
    Duration::from_nanos(stat.split(' ').next().and_then(|time| time.parse().ok()).expect("nanoseconds stand first"))
}
