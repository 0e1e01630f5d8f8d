//! The probability of yes: `p(yes) / (p(yes) + p(no))` at the token of the verdict (GenRM, arXiv 2408.15240).

use rewarden_plugin::{CountMismatch, Level, ParseFailure, Scale, Score, sum};

use crate::{
    config::Config,
    score::Expected,
    stream::{Stream, bare, odds},
};

/// The only score: the bottom of the scale for a certain no, its top for a certain yes.
pub(crate) fn score(config: &Config, stream: &Stream, shown: u32, scale: &Scale) -> Result<Expected, ParseFailure> {
    let unparsable = |message: String| Err(ParseFailure::Unparsable(message));
    if shown != 1 {
        return Err(ParseFailure::WrongCount(CountMismatch { expected: shown, found: 1 }));
    }
    if scale.integer || !(scale.min < scale.max && (scale.max - scale.min).is_finite()) {
        return unparsable(format!(
            "expected a scale of fractions, such as 0 to 1, for a probability; found {} to {}: correct [scale]",
            scale.min, scale.max
        ));
    }
    let words = || format!("one of {:?} and {:?}", config.yes, config.no);
    let Some(at) = stream.place(&config.markers) else {
        return unparsable(format!("expected {} after one of {:?}, found no such marker", words(), config.markers));
    };
    let written = stream.token_at(at).filter(|_| at < stream.text.len());
    let Some(token) = written.filter(|token| is(&token.text, &config.yes) || is(&token.text, &config.no)) else {
        let found: String = stream.text.get(at..).unwrap_or_default().chars().take(40).collect();
        return unparsable(format!("expected {} as a token, found `{found}`", words()));
    };
    let length = bare(&token.text).len();
    if stream.text.get(at + length..).is_some_and(|rest| rest.starts_with(char::is_alphanumeric)) {
        let found: String = stream.text.get(at..).unwrap_or_default().chars().take(40).collect();
        return unparsable(format!("expected {}, found the longer word in `{found}`", words()));
    }
    let odds = odds(token)?;
    let of = |words: &[String]| sum(odds.0.iter().filter(|(text, _)| is(text, words)).map(|(_, p)| *p));
    let (yes, no) = (of(&config.yes), of(&config.no));
    let (mass, least) = (yes + no, config.min_mass);
    // False for a mass of 0 too, whatever the least is.
    if mass >= least && mass > 0.0 {
        let share = (yes / mass).clamp(0.0, 1.0);
        let value = scale.min + (scale.max - scale.min) * share;
        let levels =
            vec![Level { score: scale.min, probability: 1.0 - share }, Level { score: scale.max, probability: share }];
        return Ok((Score::Value(value.clamp(scale.min, scale.max)), levels));
    }
    unparsable(format!("expected {} to have a probability of at least {least} together, found {mass:.3}", words()))
}

/// Whether a token is one of the words, blanks and dress aside.
fn is(token: &str, words: &[String]) -> bool {
    let word = bare(token).to_lowercase();
    words.iter().any(|other| other.to_lowercase() == word)
}
