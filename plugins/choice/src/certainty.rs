//! How sure a judge was of its choice, by what it could have written at the token that decides.
//!
//! A token decides when the text with one of its alternatives in its place says something else. Looked for from the end of the
//! text, among the last tokens: that is where verdicts stand.

use reading::odds::{bare, odds};
use rewarden_plugin::{Completion, Level, Scale, Score, Token, sum};

use crate::read::Reader;

/// Tokens that are looked at, from the end, and how many of them are tried with other texts: each try reads the whole text.
const LOOKED_AT: usize = 96;
const TRIED: usize = 8;

/// The least probability that all readable alternatives must have together: below it the model was about to write something
/// else.
const MIN_MASS: f64 = 0.5;

/// How sure the judge was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Certainty {
    /// The probability of the verdict that was read, among all readable ones.
    pub(crate) confidence: f64,
    /// For each response the probabilities of its scores.
    pub(crate) distributions: Vec<Vec<Level>>,
}

/// None without log-probabilities, and where no token decides.
pub(crate) fn of(
    reader: &Reader,
    completion: &Completion,
    shown: u32,
    scale: &Scale,
    scores: &[Score],
) -> Option<Certainty> {
    if shown < 2 {
        return None;
    }
    let tokens = &completion.tokens;
    let looked_at = tokens.iter().enumerate().rev().take(LOOKED_AT);
    let candidates = looked_at.filter(|(_, token)| may_decide(token)).take(TRIED);
    candidates.filter_map(|(place, token)| deciding(reader, completion, place, token, shown, scale, scores)).next()
}

/// Whether a token is like one that names a response: short, with a letter or digit in it, and others could have stood there.
fn may_decide(token: &Token) -> bool {
    let plausible = |text: &str| {
        let text = bare(text);
        (1..=16).contains(&text.len()) && text.contains(char::is_alphanumeric)
    };
    let others = token.alternatives.iter().filter(|other| other.text != token.text && plausible(&other.text));
    plausible(&token.text) && others.count() > 0
}

fn deciding(
    reader: &Reader,
    completion: &Completion,
    place: usize,
    token: &Token,
    shown: u32,
    scale: &Scale,
    scores: &[Score],
) -> Option<Certainty> {
    let odds = odds(token).ok()?.0;
    let said = |text: &str| -> Option<Vec<f64>> {
        let pieces = completion.tokens.iter().enumerate();
        let text = pieces.map(|(at, other)| if at == place { text } else { other.text.as_str() }).collect();
        let changed = Completion { text, finish: completion.finish, tokens: Vec::new() };
        numbers(&reader.scores(&changed, shown, scale).ok()?.0)
    };
    let read = numbers(scores)?;
    let readable: Vec<(Vec<f64>, f64)> =
        odds.into_iter().filter_map(|(text, probability)| Some((said(text)?, probability))).collect();
    if readable.iter().all(|(scores, _)| *scores == read) {
        return None;
    }
    let mass = sum(readable.iter().map(|(_, probability)| *probability));
    if mass < MIN_MASS {
        return None;
    }
    let agreeing = readable.iter().filter(|(scores, _)| *scores == read).map(|(_, probability)| *probability);
    let confidence = (sum(agreeing) / mass).clamp(0.0, 1.0);
    let distributions = (0..read.len()).map(|response| distribution(&readable, response, mass)).collect();
    Some(Certainty { confidence, distributions })
}

fn numbers(scores: &[Score]) -> Option<Vec<f64>> {
    let number = |score: &Score| match score {
        Score::Value(value) => Some(*value),
        Score::Abstain(_) => None,
    };
    scores.iter().map(number).collect()
}

fn distribution(readable: &[(Vec<f64>, f64)], response: usize, mass: f64) -> Vec<Level> {
    let mut of: Vec<(f64, f64)> =
        readable.iter().filter_map(|(scores, probability)| Some((*scores.get(response)?, *probability))).collect();
    of.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let level = |group: &[(f64, f64)]| {
        let (score, _) = *group.first()?;
        Some(Level { score, probability: (sum(group.iter().map(|(_, p)| *p)) / mass).min(1.0) })
    };
    of.chunk_by(|a, b| a.0 == b.0).filter_map(level).collect()
}
