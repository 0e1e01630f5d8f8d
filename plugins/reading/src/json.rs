//! JSON as a model writes it: somewhere in a text. Strict in all else: no comments, no trailing commas, no key twice.

use std::collections::BTreeSet;

/// How deep values may be nested. A guest's stack is small, and answers are flat.
const DEEPEST: usize = 32;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it is written, by JSON's grammar.
    Number(String),
    /// A string without its quotes and escapes.
    String(String),
    /// The items in order.
    Array(Vec<Json>),
    /// The fields in order, no name twice.
    Object(Vec<(String, Json)>),
}

/// A value and where it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The byte offset of its first sign.
    pub start: usize,
    /// The byte offset after its last sign.
    pub end: usize,
    /// The object or array.
    pub value: Json,
}

impl Json {
    /// The value of a field; none where this is no object or has no such field.
    pub fn field(&self, name: &str) -> Option<&Json> {
        let Json::Object(fields) = self else { return None };
        fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// What kind of value it is, with an article, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }
}

/// The value that the text is as a whole, white space aside; none where it is no JSON, or nested deeper than 32.
pub fn whole(text: &str) -> Option<Json> {
    let start = text.len() - blank_start(text).len();
    let (value, end) = value(text, start, 0, &mut BTreeSet::new())?;
    text.get(end..).is_some_and(|rest| blank_start(rest).is_empty()).then_some(value)
}

/// Every object and array that stands in the text and is no part of another one, in order. One that nests deeper than 32
/// is none. Takes time linear in the length of the text, but for sorting.
pub fn outermost(text: &str) -> Vec<Found> {
    let mut all = Vec::new();
    let mut doomed = BTreeSet::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(['{', '['])) {
        let start = from + at;
        from = start + 1;
        if doomed.remove(&start) {
            continue;
        }
        if let Some((value, end)) = value(text, start, 0, &mut doomed) {
            all.push(Found { start, end, value });
            from = end;
        }
        doomed.remove(&start);
    }
    all
}

/// The text from its first sign that is not JSON's white space.
fn blank_start(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

/// The place of the next sign from `at`, and the sign.
fn sign(text: &str, at: usize) -> Option<(usize, u8)> {
    let after = text.get(at..)?.as_bytes();
    let blank = after.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
    Some((at + blank, *after.get(blank)?))
}

/// The value that begins at `at`, and where it ends. Where it is none, `doomed` gets the places of all brackets on the way
/// to what is wrong: read from there, it is as wrong.
fn value(text: &str, at: usize, depth: usize, doomed: &mut BTreeSet<usize>) -> Option<(Json, usize)> {
    if depth > DEEPEST {
        return None;
    }
    let rest = text.get(at..)?;
    // Brackets first: a model that is caught in a loop writes thousands of them.
    let word = |word: &str, value: Json| rest.starts_with(word).then(|| (value, at + word.len()));
    match rest.bytes().next()? {
        bracket @ (b'[' | b'{') => {
            let inside = if bracket == b'[' { array(text, at, depth, doomed) } else { object(text, at, depth, doomed) };
            if inside.is_none() {
                doomed.insert(at);
            }
            inside
        }
        b'"' => string(text, at).map(|(string, end)| (Json::String(string), end)),
        b'n' => word("null", Json::Null),
        b't' => word("true", Json::Bool(true)),
        b'f' => word("false", Json::Bool(false)),
        _ => {
            let length = number(rest)?;
            Some((Json::Number(rest.get(..length)?.to_owned()), at + length))
        }
    }
}

fn object(text: &str, start: usize, depth: usize, doomed: &mut BTreeSet<usize>) -> Option<(Json, usize)> {
    let mut fields: Vec<(String, Json)> = Vec::new();
    let (mut at, first) = sign(text, start + 1)?;
    if first == b'}' {
        return Some((Json::Object(fields), at + 1));
    }
    loop {
        let (name, end) = string(text, at)?;
        // Answers have a handful of fields; a longer object is read up to here and no further.
        if fields.len() >= 1024 || fields.iter().any(|(field, _)| *field == name) {
            return None;
        }
        let (colon, _) = sign(text, end).filter(|(_, sign)| *sign == b':')?;
        let (begin, _) = sign(text, colon + 1)?;
        let (value, end) = value(text, begin, depth + 1, doomed)?;
        fields.push((name, value));
        match sign(text, end)? {
            (end, b'}') => return Some((Json::Object(fields), end + 1)),
            (comma, b',') => at = sign(text, comma + 1)?.0,
            _ => return None,
        }
    }
}

fn array(text: &str, start: usize, depth: usize, doomed: &mut BTreeSet<usize>) -> Option<(Json, usize)> {
    let mut items = Vec::new();
    let (mut at, first) = sign(text, start + 1)?;
    if first == b']' {
        return Some((Json::Array(items), at + 1));
    }
    loop {
        let (item, end) = value(text, at, depth + 1, doomed)?;
        items.push(item);
        match sign(text, end)? {
            (end, b']') => return Some((Json::Array(items), end + 1)),
            (comma, b',') => at = sign(text, comma + 1)?.0,
            _ => return None,
        }
    }
}

fn string(text: &str, start: usize) -> Option<(String, usize)> {
    let inside = text.get(start..)?.strip_prefix('"')?;
    let mut content = String::new();
    let mut rest = inside;
    loop {
        let plain = rest.find(|char: char| char == '"' || char == '\\' || char < ' ')?;
        content.push_str(rest.get(..plain)?);
        let stop = rest.get(plain..)?;
        if let Some(after) = stop.strip_prefix('"') {
            return Some((content, text.len() - after.len()));
        }
        let (char, after) = escaped(stop.strip_prefix('\\')?)?;
        content.push(char);
        rest = after;
    }
}

/// The character of an escape, from after its backslash, and what follows.
fn escaped(text: &str) -> Option<(char, &str)> {
    let char = match text.chars().next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        same @ ('"' | '\\' | '/') => same,
        'u' => return unicode(text.get(1..)?),
        _ => return None,
    };
    Some((char, text.get(1..)?))
}

/// `00e9`, or a pair of surrogates: `d83d\ude00`.
fn unicode(text: &str) -> Option<(char, &str)> {
    let code = |text: &str| {
        let digits = text.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    };
    let first = code(text)?;
    let rest = text.get(4..)?;
    if let Some(char) = char::from_u32(first) {
        return Some((char, rest));
    }
    let low = rest.strip_prefix("\\u")?;
    let second = code(low).filter(|code| (0xdc00..0xe000).contains(code) && first < 0xdc00)?;
    let char = char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?;
    Some((char, low.get(4..)?))
}

/// The length of the number at the start of the text.
fn number(text: &str) -> Option<usize> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(unsigned);
    if whole == 0 || (whole > 1 && unsigned.starts_with('0')) {
        return None;
    }
    let mut rest = unsigned.get(whole..)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.get(Some(digits(fraction)).filter(|count| *count > 0)?..)?;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        rest = exponent.get(Some(digits(exponent)).filter(|count| *count > 0)?..)?;
    }
    Some(text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn as_serde(value: &Json) -> serde_json::Value {
        match value {
            Json::Null => serde_json::Value::Null,
            Json::Bool(value) => (*value).into(),
            Json::Number(text) => serde_json::from_str(text).unwrap_or(serde_json::Value::Null),
            Json::String(text) => text.as_str().into(),
            Json::Array(items) => items.iter().map(as_serde).collect(),
            Json::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), as_serde(value))).collect(),
        }
    }

    #[test]
    fn values_are_found_in_and_around_other_text() {
        let text = "I [think] so:\n```json\n{\"a\": [1, {\"b\": null}]}\n``` or [2]";
        let found: Vec<_> =
            outermost(text).into_iter().map(|found| text.get(found.start..found.end).unwrap()).collect();
        assert_eq!(found, ["{\"a\": [1, {\"b\": null}]}", "[2]"]);
    }

    #[test]
    fn what_is_not_quite_json_is_none() {
        for text in [
            "{'a': 1}",
            "{\"a\": 1,}",
            "{\"a\": 01}",
            "{\"a\": NaN}",
            "{\"a\": 1",
            "{\"a\": 1, \"a\": 2}",
            "{\"a\": .5}",
            "{\"a\": 1.}",
            "{\"a\": \"\n\"}",
            "{\"a\": \"\\x\"}",
            "{\"a\": \"\\ud800\"}",
            "{\"a\" 1}",
            "{a: 1}",
            "",
        ] {
            assert_eq!(whole(text), None, "{text}");
        }
        assert_eq!(whole(&("[".repeat(33) + &"]".repeat(33))).map(|value| value.kind()), Some("an array"));
        assert_eq!(whole(&("[".repeat(34) + &"]".repeat(34))), None);
    }

    #[test]
    fn values_inside_of_something_broken_are_found_whole() {
        let parts = |text: &str| {
            outermost(text).iter().map(|found| text.get(found.start..found.end).unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(parts("[1, {\"a\": [2]}, x, [3"), ["{\"a\": [2]}"]);
        assert_eq!(parts("[[[1], x], {}]"), ["[1]", "{}"]);
        assert_eq!(parts("[\"unclosed [1] and {}"), ["[1]", "{}"]);
        assert_eq!(parts(&format!("{}{} [7]", "[".repeat(40), "]".repeat(40))).last().map(String::as_str), Some("[7]"));
    }

    #[test]
    fn a_long_text_of_anything_takes_linear_time() {
        for piece in ["[", "{", "[1,", "{\"a\":", "[\"", "\"", "{\"\\", "[[],", "[1,[2,", "[\"[\",\"", "[\"[1,\",", "["]
        {
            let text = piece.repeat((1 << 16) / piece.len());
            let start = std::time::Instant::now();
            let _ = outermost(&text);
            // Quadratic time would be a minute or more.
            assert!(start.elapsed() < std::time::Duration::from_secs(5), "{piece:?} took {:?}", start.elapsed());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn what_is_read_is_what_serde_reads(pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", "\"a\"", "\"b\"", ":", ",", "1", "-2.5e3", "null", "true", " ", "\"\\u00e9\\n\"", "\"",
            "\\ud83d\\ude00", "0", ".", "x",
        ]), 0..16)) {
            let text = pieces.concat();
            if let Some(value) = whole(&text) {
                match serde_json::from_str::<serde_json::Value>(&text) {
                    Ok(expected) => prop_assert_eq!(as_serde(&value), expected),
                    // Kept as text here, so that whoever wants a score can say what it was.
                    Err(error) => prop_assert!(error.to_string().contains("number out of range"), "{text}: {error}"),
                }
            } else if let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) {
                // serde keeps the last of fields with one name.
                prop_assert!(text.matches("\"a\"").count() > 1 || text.matches("\"b\"").count() > 1
                    || text.matches("\\u00e9").count() > 1, "{text} is {value}");
            }
        }

        #[test]
        fn what_serde_writes_is_read(text in any::<String>(), number in any::<i32>(), flag: bool) {
            let value = serde_json::json!({"text": text.as_str(), text.as_str(): [number, flag, null_of(flag)], "more": {}});
            prop_assume!(text != "text" && text != "more");
            let read = whole(&value.to_string()).unwrap();
            prop_assert_eq!(read.field("text"), Some(&Json::String(text.clone())));
            prop_assert_eq!(as_serde(&read).to_string(), value.to_string());
        }

        #[test]
        fn arbitrary_text_is_never_a_panic(text in any::<String>()) {
            let _ = (whole(&text), outermost(&text));
        }
    }

    fn null_of(flag: bool) -> Option<u8> {
        flag.then_some(1)
    }
}
