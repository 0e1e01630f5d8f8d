//! The scale that a rating names beside its number: `out of 5`, `/5`, `on a scale of 1 to 5`, `stars`.

use crate::number::decimal;

/// What a text after a number says of its scale.
pub(crate) enum Top {
    /// The highest number, and where the text that says so ends.
    Of(f64, usize),
    /// It names a scale whose top cannot be read.
    Unreadable,
}

/// An empty star.
pub(crate) const EMPTY_STAR: char = '\u{2606}';

pub(crate) fn is_star(char: char) -> bool {
    matches!(char, EMPTY_STAR | '\u{2605}' | '\u{2b50}')
}

/// What a rating is counted in. Stars alone are of five.
const UNITS: [&str; 7] = ["points", "point", "pts", "marks", "stars", "star", "\u{2b50}"];

/// The top of the scale that is named right after a number; none where none is. `text` is in lower case.
pub(crate) fn top(text: &str) -> Option<Top> {
    let rest = text.trim_start_matches([' ', '-']);
    let unit = UNITS.iter().find(|unit| rest.strip_prefix(**unit).is_some_and(ends_word));
    let after_unit = unit.map_or(rest, |unit| rest.get(unit.len()..).unwrap_or_default());
    let opened = after_unit.trim_start_matches([' ', '(', '[', '-']);
    if let Some((top, after)) = named(opened) {
        let end = text.len() - after.len();
        return Some(top.map_or(Top::Unreadable, |top| Top::Of(top, end)));
    }
    let starred =
        text.trim_start_matches(' ').starts_with(is_star) || unit.is_some_and(|unit| unit.starts_with("star"));
    starred.then(|| {
        let after = text.trim_start_matches(' ').trim_start_matches(is_star);
        Top::Of(5.0, text.len() - if unit.is_some() { after_unit.len() } else { after.len() })
    })
}

fn ends_word(rest: &str) -> bool {
    !rest.starts_with(char::is_alphanumeric)
}

/// The top that the text names, if it names any, and what follows.
fn named(text: &str) -> Option<(Option<f64>, &str)> {
    let read = |rest: &str| {
        let digits = rest.trim_start_matches([' ', '-']);
        decimal(digits).map(|(top, length)| (top, rest.len() - digits.len() + length))
    };
    // A sign, or words that lead to nothing but the top.
    for lead in ["/", "\u{2044}", "\u{2215}", "out of", "out-of", "of"] {
        let Some(rest) = text.strip_prefix(lead) else { continue };
        if lead.ends_with(char::is_alphabetic) && !ends_word(rest) {
            continue;
        }
        if lead == "of" && read(rest).is_none() {
            // `7 of the claims`
            return None;
        }
        return Some(match read(rest) {
            Some((top, length)) if ends_word(rest.get(length..).unwrap_or_default()) => {
                (Some(top), rest.get(length..).unwrap_or_default())
            }
            _ => (None, rest),
        });
    }
    let text = text.strip_prefix("on ").unwrap_or(text);
    let text = text.strip_prefix("a ").or_else(|| text.strip_prefix("the ")).unwrap_or(text);
    if let Some(rest) = text.strip_prefix("scale") {
        let rest = rest.trim_start_matches([':', ' ']);
        let rest = ["of ", "from "].iter().find_map(|word| rest.strip_prefix(word)).unwrap_or(rest);
        let Some((first, length)) = decimal(rest) else { return Some((None, rest)) };
        let after = rest.get(length..).unwrap_or_default();
        let second = after.trim_start_matches([' ', '-', '\u{2013}', '\u{2014}']);
        let second = second.strip_prefix("to ").or_else(|| second.strip_prefix("through ")).unwrap_or(second);
        return Some(match decimal(second) {
            Some((last, length)) => (Some(last), second.get(length..).unwrap_or_default()),
            None => (Some(first), after),
        });
    }
    // `5-point scale`
    let (top, length) = decimal(text)?;
    let rest = text.get(length..)?.trim_start_matches([' ', '-']);
    let rest = rest.strip_prefix("point")?.trim_start_matches([' ', '-']).strip_prefix("scale")?;
    Some((Some(top), rest))
}
