//! A number as a model writes a rating.

use crate::scale::{self, Top};

/// What stands where a rating is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A plain decimal number in ASCII digits.
    Number(f64),
    /// `7/10` or `7 out of 10`.
    Of(f64, f64),
    /// `nan`, `inf` and their like.
    NotFinite(String),
    /// The model says that it gives no rating: `N/A`.
    None(String),
    /// Begins as a number and goes on as something else: `7-8`, `7 or 8`, `70%`, `1e3`.
    Other(String),
}

impl Value {
    /// Whether it only begins as a number.
    pub fn is_other(&self) -> bool {
        matches!(self, Value::Other(_))
    }
}

/// The value at the beginning of `text` and its length in bytes; none where no number or number word begins. `text`
/// is in lower case.
pub fn value(text: &str) -> Option<(Value, usize)> {
    if let Some(stars) = stars(text) {
        return Some(stars);
    }
    let Some((number, length)) = decimal(text) else { return number_word(text) };
    let rest = text.get(length..).unwrap_or_default();
    let other = Some((Value::Other(words(text)), length));
    match scale::top(rest) {
        Some(Top::Of(top, after)) => return Some((Value::Of(number, top), length + after)),
        Some(Top::Unreadable) => return other,
        None => {}
    }
    if goes_on(rest) || joins(rest) {
        return other;
    }
    Some((Value::Number(number), length))
}

/// `★★★★☆`: so many of so many stars. Without the empty ones nobody can tell of how many.
fn stars(text: &str) -> Option<(Value, usize)> {
    let stars = text.get(..text.find(|char| !scale::is_star(char)).unwrap_or(text.len()))?;
    if stars.is_empty() {
        return None;
    }
    let (full, all) = (stars.chars().filter(|star| *star != scale::EMPTY_STAR).count(), stars.chars().count());
    let value = if full == all { Value::Other(words(text)) } else { Value::Of(full as f64, all as f64) };
    Some((value, stars.len()))
}

/// Whether the text after a number joins another to it, on the same line: by a dash, an arrow or another sign, or by a word.
fn joins(rest: &str) -> bool {
    let spaced = rest.trim_start_matches(' ');
    let numbered = |rest: &str| {
        let second = rest.trim_start_matches([' ', '(']);
        // `7 Response 2: 8` are the ratings of two.
        decimal(second).is_some_and(|(_, length)| !second.get(length..).is_some_and(|rest| rest.starts_with(':')))
    };
    let after_sign =
        if spaced.starts_with("..") { spaced.trim_start_matches('.') } else { spaced.trim_start_matches(is_joint) };
    if after_sign.len() < spaced.len() && numbered(after_sign) {
        return true;
    }
    // `7 to 8` and `7-to-8`, but not `7 - has 2 errors`.
    let words = rest.strip_prefix('-').unwrap_or(spaced);
    let word = words.find(|char: char| !char.is_alphabetic()).unwrap_or(words.len());
    let after_word = words.get(word..).unwrap_or_default();
    word > 0 && after_word.starts_with([' ', '-']) && numbered(after_word.trim_start_matches('-'))
}

/// A sign that makes one thing of the numbers around it. Commas, brackets and the ends of sentences do not.
fn is_joint(char: char) -> bool {
    matches!(char, '-' | '=' | '/' | '<' | '>' | '~' | '+' | '&' | '\u{b1}' | '\u{d7}' | '\u{2026}' | '\u{2044}')
        || matches!(char, '\u{2010}'..='\u{2015}' | '\u{2190}'..='\u{22ff}' | '\u{27f0}'..='\u{27ff}' | '\u{2900}'..='\u{297f}')
        || matches!(char, '\u{2794}'..='\u{27be}' | '\u{2b00}'..='\u{2b4f}' | '\u{301c}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' | '\u{ff5e}')
}

/// The beginning of the line, for messages.
fn words(text: &str) -> String {
    text.chars().take(40).take_while(|char| *char != '\n').collect()
}

/// Whether what follows a number directly makes something else of it.
fn goes_on(rest: &str) -> bool {
    let mut chars = rest.chars();
    match chars.next() {
        Some(char) if char.is_alphanumeric() => true,
        Some('%' | '_' | '*' | '^' | '+' | '\u{2030}') => true,
        Some('.' | ',' | ':') => chars.next().is_some_and(char::is_numeric),
        _ => false,
    }
}

/// `7`, `-3`, `7.5`; no exponent, no bare point.
pub(crate) fn decimal(text: &str) -> Option<(f64, usize)> {
    let signless = text.strip_prefix(['-', '+', '\u{2212}']).unwrap_or(text);
    let negative = text.starts_with(['-', '\u{2212}']);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(signless);
    if whole == 0 {
        return None;
    }
    let fraction = signless.get(whole..).and_then(|rest| rest.strip_prefix('.')).map_or(0, digits);
    let length = if fraction == 0 { whole } else { whole + 1 + fraction };
    let number: f64 = signless.get(..length)?.parse().ok()?;
    Some((if negative { 0.0 - number } else { number }, text.len() - signless.len() + length))
}

fn number_word(text: &str) -> Option<(Value, usize)> {
    let signless = text.strip_prefix(['-', '+', '\u{2212}']).unwrap_or(text);
    let sign = text.len() - signless.len();
    let word =
        |word: &&&str| signless.strip_prefix(**word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    if let Some(word) = ["nan", "infinity", "inf", "\\infty", "\u{221e}"].iter().find(word) {
        let length = sign + word.len();
        return Some((Value::NotFinite(text.get(..length)?.to_owned()), length));
    }
    let none = ["n/a", "none"].iter().find(word)?;
    Some((Value::None((*none).to_owned()), none.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers_and_fractions_of_the_top_are_read() {
        assert_eq!(value("7 is fair"), Some((Value::Number(7.0), 1)));
        assert_eq!(value("7."), Some((Value::Number(7.0), 1)));
        assert_eq!(value("-2.5, then"), Some((Value::Number(-2.5), 4)));
        assert_eq!(value("7/10"), Some((Value::Of(7.0, 10.0), 4)));
        assert_eq!(value("7 out of 10."), Some((Value::Of(7.0, 10.0), 11)));
        assert_eq!(value("7]]"), Some((Value::Number(7.0), 1)));
        for text in [
            "7",
            "7, as 2 of 3 hold",
            "7 (2 errors)",
            "7\n8",
            "7. 2 errors",
            "7 it is",
            "7 | 8",
            "7 response 2: 8",
            "7 - good",
        ] {
            assert_eq!(value(text), Some((Value::Number(7.0), 1)), "{text}");
        }
    }

    #[test]
    fn a_number_of_another_top_is_told_with_its_top() {
        for text in [
            "4/5",
            "4 / 5",
            "4 out of 5",
            "4 of 5",
            "4 (out of 5)",
            "4 [of 5]",
            "4 points out of 5",
            "4 stars out of 5",
            "4-out-of-5",
            "4\u{2044}5",
            "4 on a scale of 1 to 5",
            "4 (on a scale from 1-5)",
            "4 on a 5-point scale",
            "4 (scale: 1-5)",
            "4 stars",
            "4\u{2605}",
            "4 \u{2b50}",
            "\u{2605}\u{2605}\u{2605}\u{2605}\u{2606}",
        ] {
            assert!(matches!(value(text), Some((Value::Of(4.0, 5.0), _))), "{text}: {:?}", value(text));
        }
        assert!(matches!(value("7 on a scale of 1 to 10."), Some((Value::Of(7.0, 10.0), 23))));
        assert!(matches!(value("\u{2605}\u{2605}\u{2605}"), Some((Value::Other(_), _))));
        assert!(matches!(value("4 out of several"), Some((Value::Other(_), _))));
    }

    #[test]
    fn what_only_begins_as_a_number_is_something_else() {
        for text in [
            "7-8",
            "7 - 8",
            "7 or 8",
            "7 to 8",
            "70%",
            "1e3",
            "7th",
            "7,5",
            "1*0",
            "1_0",
            "7.5.1",
            "7/x",
            "7+",
            "7 \u{2013}8",
            "7\u{2014}8",
            "7 \u{2014} 8",
            "7\u{2192}8",
            "7 -> 8",
            "7 => 8",
            "7 \u{21d2} 8",
            "7 and 8",
            "7 through 8",
            "7 bis 8",
            "7 because 2 are wrong",
            "7\u{b1}1",
            "7 +/- 1",
            "7 vs 8",
            "7..8",
            "7 \u{ff5e} 8",
            "7 \u{2212} 8",
            "7-to-8",
            "8 out of ten",
        ] {
            assert!(matches!(value(text), Some((Value::Other(_), _))), "{text}: {:?}", value(text));
        }
    }

    #[test]
    fn words_that_are_no_numbers_are_none() {
        for text in ["good", "", "x", ".5", "nanny", "information"] {
            assert_eq!(value(text), None, "{text}");
        }
        assert!(matches!(value("-inf"), Some((Value::NotFinite(word), 4)) if word == "-inf"));
        assert!(matches!(value("n/a"), Some((Value::None(_), 3))));
    }
}
