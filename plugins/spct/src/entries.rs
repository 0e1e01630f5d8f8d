//! What stands in a box: a list of scores.

use std::borrow::Cow;

/// One entry of the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// `2` where the entry reads `Response 2: 7`.
    pub label: Option<u32>,
    pub value: Value,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A plain decimal number.
    Number(f64),
    /// A fraction such as `8/10`; the second number must be the top of the scale.
    Of(f64, f64),
    /// The model says that it gives no score, in these words.
    None(String),
    /// `nan`, `inf` and their like.
    NotFinite(String),
    /// Anything else.
    Other(String),
}

impl Value {
    /// Whether this is an attempt at a score, rather than a placeholder or some word.
    fn is_attempt(&self) -> bool {
        match self {
            Value::Other(text) => text.chars().any(char::is_numeric),
            _ => true,
        }
    }
}

/// Whether a list is an attempt at scores. `x, x` is not, and neither is a formula without a digit.
pub(crate) fn is_attempt(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| entry.value.is_attempt())
}

/// Reads a list: entries between commas or semicolons, each perhaps in LaTeX or Markdown dress.
pub(crate) fn read(content: &str) -> Vec<Entry> {
    let bare = undress(content);
    let list = unwrap(bare.trim());
    list.split([',', ';', '\u{ff0c}', '\u{ff1b}', '\u{3001}']).map(|entry| read_entry(entry.trim())).collect()
}

fn read_entry(entry: &str) -> Entry {
    let (label, rest) = split_label(entry).map_or((None, entry), |(label, rest)| (Some(label), rest));
    Entry { label, value: read_value(rest) }
}

/// `Response 2: 7` and `R2 = 7` are `(2, "7")`.
fn split_label(entry: &str) -> Option<(u32, &str)> {
    let (label, rest) = entry.split_once([':', '=', '\u{ff1a}'])?;
    let label = label.trim();
    let number = ["response", "r"].iter().find_map(|word| {
        let (head, number) = label.split_at_checked(word.len())?;
        head.eq_ignore_ascii_case(word).then_some(number.trim_start())
    })?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((number.parse().ok()?, rest.trim()))
}

fn read_value(text: &str) -> Value {
    if let Some(number) = read_number(text) {
        return Value::Number(number);
    }
    if let Some((score, top)) = text.split_once('/')
        && let (Some(score), Some(top)) = (read_number(score.trim_end()), read_number(top.trim_start()))
    {
        return Value::Of(score, top);
    }
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "n/a" | "na" | "none" | "abstain" => return Value::None(text.to_owned()),
        _ => {}
    }
    match lower.trim_start_matches(['+', '-', '\u{2212}']) {
        "nan" | "inf" | "infinity" | "\\infty" | "\u{221e}" => Value::NotFinite(text.to_owned()),
        _ => Value::Other(text.to_owned()),
    }
}

/// A plain decimal number in ASCII digits: `7`, `-3`, `7.5`. Nothing else that `f64::from_str` would take: no
/// exponent, no `inf`, no bare point.
fn read_number(text: &str) -> Option<f64> {
    let (negative, digits) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return None;
    }
    let number: f64 = digits.parse().ok()?;
    Some(if negative { -number } else { number })
}

/// Commands that change how their argument looks and not what it says.
const DRESS: &[&str] = &[
    "bf",
    "bm",
    "boldsymbol",
    "displaystyle",
    "large",
    "left",
    "mathbf",
    "mathit",
    "mathrm",
    "mathsf",
    "mathtt",
    "qquad",
    "quad",
    "right",
    "text",
    "textbf",
    "textit",
    "textrm",
    "textsf",
    "texttt",
    "underline",
];

/// After a backslash: thin spaces, escaped braces, and the brackets of a formula.
const SPACES_AND_BRACKETS: [char; 12] = [',', ';', ':', '!', ' ', '{', '}', '$', '(', ')', '[', ']'];

/// The text with LaTeX and Markdown dress replaced by spaces, so that taking it off never joins two numbers into one.
fn undress(text: &str) -> Cow<'_, str> {
    if !text.contains(['\\', '{', '}', '$', '*', '`', '"', '~']) {
        return Cow::Borrowed(text);
    }
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        rest = rest.get(char.len_utf8()..).unwrap_or_default();
        match char {
            '\\' => {
                let name_length = rest.find(|char: char| !char.is_ascii_alphabetic()).unwrap_or(rest.len());
                let (name, after) = rest.split_at_checked(name_length).unwrap_or((rest, ""));
                if DRESS.contains(&name) {
                    bare.push(' ');
                    rest = after;
                } else if name.is_empty() && (rest.is_empty() || rest.starts_with(SPACES_AND_BRACKETS)) {
                    // A backslash at the end belonged to an escaped closing brace. The others are one byte each.
                    bare.push(' ');
                    rest = rest.get(1..).unwrap_or_default();
                } else {
                    bare.push('\\');
                }
            }
            '{' | '}' | '$' | '*' | '`' | '"' | '~' => bare.push(' '),
            char => bare.push(char),
        }
    }
    Cow::Owned(bare)
}

/// `[8, 5]` and `(8, 5)` are `8, 5`.
fn unwrap(list: &str) -> &str {
    [('[', ']'), ('(', ')')]
        .into_iter()
        .find_map(|(open, close)| list.strip_prefix(open)?.strip_suffix(close))
        .map_or(list, str::trim)
}
