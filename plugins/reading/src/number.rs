//! A number as a model writes a rating.

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
    let Some((number, length)) = decimal(text) else { return number_word(text) };
    let rest = text.get(length..).unwrap_or_default();
    if goes_on(rest) {
        return Some((Value::Other(words(text)), length));
    }
    let spaced = rest.trim_start_matches(' ');
    if let Some(top) = spaced.strip_prefix('/').or_else(|| spaced.strip_prefix("out of ")) {
        let top = top.trim_start_matches(' ');
        return Some(match decimal(top) {
            Some((top_number, top_length)) if !goes_on(top.get(top_length..).unwrap_or_default()) => {
                (Value::Of(number, top_number), text.len() - top.len() + top_length)
            }
            _ => (Value::Other(words(text)), length),
        });
    }
    let range = ["or ", "to ", "- ", "\u{2013} ", "~ "].iter().find_map(|word| spaced.strip_prefix(word));
    if range.is_some_and(|rest| decimal(rest.trim_start_matches(' ')).is_some()) {
        return Some((Value::Other(words(text)), length));
    }
    Some((Value::Number(number), length))
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
        Some('%' | '_' | '*' | '^' | '+') => true,
        Some('.' | ',' | '-' | '\u{2013}' | '~' | ':') => chars.next().is_some_and(char::is_numeric),
        _ => false,
    }
}

/// `7`, `-3`, `7.5`; no exponent, no bare point.
fn decimal(text: &str) -> Option<(f64, usize)> {
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
    }

    #[test]
    fn what_only_begins_as_a_number_is_something_else() {
        for text in ["7-8", "7 - 8", "7 or 8", "7 to 8", "70%", "1e3", "7th", "7,5", "1*0", "1_0", "7.5.1", "7/x", "7+"]
        {
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
