//! Expected scores: `Σ score · p(score) / Σ p(score)` over the tokens that are scores (the mean of the judgement
//! distribution, arXiv 2503.03064).

use reading::number::{Value, value};
use rewarden_plugin::{CountMismatch, Level, ParseFailure, Scale, Score, Token, sum};

use crate::{
    config::Config,
    stream::{Stream, bare, odds},
};

/// What one response got: a score, and the distribution that it is the mean of.
pub(crate) type Expected = (Score, Vec<Level>);

/// One expected score for each response shown: numbers in a row, with commas or semicolons between them.
pub(crate) fn scores(
    config: &Config,
    stream: &Stream,
    shown: u32,
    scale: &Scale,
) -> Result<Vec<Expected>, ParseFailure> {
    check(config, scale)?;
    let unparsable = |message: String| Err(ParseFailure::Unparsable(message));
    let Some(mut at) = stream.place(&config.markers) else {
        return unparsable(format!("expected a score after one of {:?}, found none of them", config.markers));
    };
    let mut scores = Vec::new();
    while let Some((number, length)) = stream.text.get(at..).and_then(value) {
        scores.push(score(config, stream, at, number, scale)?);
        let after = stream.text.get(at + length..).unwrap_or_default();
        let rest = after.trim_start_matches([' ', '*', '`', '$']);
        let Some(next) = rest.strip_prefix([',', ';']) else { break };
        at = stream.past_dress(stream.text.len() - next.len());
    }
    if scores.is_empty() {
        let found: String = stream.text.get(at..).unwrap_or_default().chars().take(40).collect();
        return unparsable(format!("expected a score, found `{found}`"));
    }
    match u32::try_from(scores.len()) {
        Ok(count) if count == shown => Ok(scores),
        found => {
            let found = found.unwrap_or(u32::MAX);
            Err(ParseFailure::WrongCount(CountMismatch { expected: shown, found }))
        }
    }
}

fn check(config: &Config, scale: &Scale) -> Result<(), ParseFailure> {
    let unparsable = |message: String| Err(ParseFailure::Unparsable(message));
    if scale.integer {
        return unparsable("an expected score is a fraction: set `integer = false` in the pack's [scale]".to_owned());
    }
    // False for NaN too.
    if !(scale.min >= 0.0 && scale.max.is_finite() && scale.min < scale.max) {
        return unparsable(format!(
            "expected a scale from 0 or more on, since a minus sign is a token of its own; found {} to {}",
            scale.min, scale.max
        ));
    }
    if scale.max >= 10.0 && !config.numbers_are_tokens {
        return unparsable(format!(
            "expected a scale that ends below 10, found {}: a token `1` might begin a 10. Use 0 to 9, or set \
             `numbers_are_tokens` for a tokenizer that never splits numbers",
            scale.max
        ));
    }
    Ok(())
}

/// The expected score at a place where a number was written.
fn score(config: &Config, stream: &Stream, at: usize, number: Value, scale: &Scale) -> Result<Expected, ParseFailure> {
    let written = match number {
        Value::Number(number) => number,
        Value::Of(number, top) if top == scale.max => number,
        Value::Of(number, top) => {
            let max = scale.max;
            let message = format!("expected a score out of {max} or a plain number, found `{number}/{top}`");
            return Err(ParseFailure::Unparsable(message));
        }
        Value::None(text) => {
            return Ok((Score::Abstain(format!("the model wrote `{text}` instead of a score")), Vec::new()));
        }
        Value::NotFinite(text) => {
            return Err(ParseFailure::NotFinite(format!("a score is `{text}`, expected a finite number")));
        }
        Value::Other(text) => return Err(ParseFailure::Unparsable(format!("expected a plain score, found `{text}`"))),
    };
    let (min, max) = (scale.min, scale.max);
    if written < min || written > max {
        return Err(ParseFailure::OutOfScale(format!("a score is {written}, expected a number from {min} to {max}")));
    }
    let token = stream.token_at(at).filter(|token| whole(&token.text) == Some(written));
    match token {
        Some(token) => expected(token, config.min_mass, scale),
        None => Err(ParseFailure::Unparsable(format!(
            "expected the score {written} in a token of its own, found it in several, or in one with something else: \
             ask for whole numbers that the tokenizer does not split"
        ))),
    }
}

fn expected(token: &Token, min_mass: f64, scale: &Scale) -> Result<Expected, ParseFailure> {
    let odds = odds(token)?;
    let scores: Vec<(f64, f64)> = odds
        .0
        .iter()
        .filter_map(|(text, probability)| Some((whole(text)?, *probability)))
        .filter(|(score, _)| *score >= scale.min && *score <= scale.max)
        .collect();
    let mass = sum(scores.iter().map(|(_, probability)| *probability));
    // False for a mass of 0 too, whatever the least is.
    if mass >= min_mass && mass > 0.0 {
        let weighted = sum(scores.iter().map(|(score, probability)| score * probability));
        return Ok((Score::Value((weighted / mass).clamp(scale.min, scale.max)), distribution(&scores, mass)));
    }
    Err(ParseFailure::Unparsable(format!(
        "expected scores to have a probability of at least {min_mass} together at the token `{}`, found {mass:.3}",
        token.text
    )))
}

/// The scores with their shares of the mass, each once, from the lowest up.
fn distribution(scores: &[(f64, f64)], mass: f64) -> Vec<Level> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let level = |group: &[(f64, f64)]| {
        let (score, _) = *group.first()?;
        Some(Level { score, probability: (sum(group.iter().map(|(_, p)| *p)) / mass).min(1.0) })
    };
    sorted.chunk_by(|a, b| a.0 == b.0).filter_map(level).collect()
}

/// The whole number that a token is, blanks and dress aside.
fn whole(text: &str) -> Option<f64> {
    let digits = bare(text);
    let fits = !digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit());
    // `07` is no score of its own.
    if fits && (digits.len() == 1 || !digits.starts_with('0')) { digits.parse().ok() } else { None }
}
