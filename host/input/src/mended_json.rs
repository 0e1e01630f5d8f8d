//! JSON that common libraries write and strict readers refuse.

use std::borrow::Cow;

/// The numbers that Python and JavaScript write and JSON does not have, longest first.
const NO_NUMBERS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// Returns the JSON with what strict readers refuse written so that they take it:
///
/// - half of a surrogate pair (`"\ud83d"`, from a text that was cut inside an emoji) is U+FFFD, as in any text that is decoded;
/// - `NaN`, `Infinity` and `-Infinity` are null, which is what NaN stands for in a table;
/// - an integer beyond 64 bits is the text of its digits, which a reader would round.
///
/// Python's `json` writes all three. JSON without them is returned as it is, and so is what is no JSON.
pub fn mended(json: &[u8]) -> Cow<'_, [u8]> {
    let mut mended: Option<Vec<u8>> = None;
    // What of `json` stands in `mended` already.
    let mut taken = 0;
    let mut at = 0;
    while let Some(first) = json.get(at) {
        let rest = json.get(at..).unwrap_or_default();
        let (length, instead) = match first {
            b'"' => {
                let (length, halves) = string(rest);
                for half in halves {
                    put(&mut mended, json, &mut taken, at + half, 6, b"\\ufffd");
                }
                (length, None)
            }
            b'N' | b'I' | b'-' | b'0'..=b'9' => match NO_NUMBERS.iter().find(|name| rest.starts_with(name)) {
                Some(name) => (name.len(), Some(b"null".to_vec())),
                None => number(rest),
            },
            _ => (1, None),
        };
        if let Some(instead) = instead {
            put(&mut mended, json, &mut taken, at, length, &instead);
        }
        at += length.max(1);
    }
    match mended {
        None => Cow::Borrowed(json),
        Some(mut mended) => {
            mended.extend_from_slice(json.get(taken..).unwrap_or_default());
            Cow::Owned(mended)
        }
    }
}

/// Writes `instead` for the `length` bytes at `at`, after all that stands before them.
fn put(mended: &mut Option<Vec<u8>>, json: &[u8], taken: &mut usize, at: usize, length: usize, instead: &[u8]) {
    let mended = mended.get_or_insert_with(|| Vec::with_capacity(json.len() + 16));
    mended.extend_from_slice(json.get(*taken..at).unwrap_or_default());
    mended.extend_from_slice(instead);
    *taken = at + length;
}

/// The bytes of the string that the text begins with, with its quotes, and where in it are escapes of half a pair.
fn string(text: &[u8]) -> (usize, Vec<usize>) {
    let mut halves = Vec::new();
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return (at + 1, halves),
            b'\\' => match surrogate(text, at) {
                Some(high) if high < 0xdc00 => match surrogate(text, at + 6) {
                    Some(low) if low >= 0xdc00 => at += 12,
                    _ => {
                        halves.push(at);
                        at += 6;
                    }
                },
                Some(_) => {
                    halves.push(at);
                    at += 6;
                }
                None => at += 2,
            },
            _ => at += 1,
        }
    }
    (text.len(), halves)
}

/// The surrogate that is escaped here.
fn surrogate(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    let unit = u32::from_str_radix(digits, 16).ok()?;
    (0xd800..0xe000).contains(&unit).then_some(unit)
}

/// The bytes of the number that the text begins with, and its text if a reader would round it.
fn number(text: &[u8]) -> (usize, Option<Vec<u8>>) {
    let length = text.iter().position(|byte| !matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E' | b'0'..=b'9'));
    let number = text.get(..length.unwrap_or(text.len())).unwrap_or_default();
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    let rounded = digits.len() > 18 && digits.iter().all(u8::is_ascii_digit) && digits.first() != Some(&b'0') && {
        let written = std::str::from_utf8(number).unwrap_or_default();
        written.parse::<i64>().is_err() && written.parse::<u64>().is_err()
    };
    (number.len(), rounded.then(|| [b"\"".as_slice(), number, b"\""].concat()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mended_text(json: &str) -> String {
        String::from_utf8(mended(json.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn halves_of_pairs_no_numbers_and_long_integers_are_written_so_that_json_has_them() {
        for (json, expected) in [
            (r#"{"a": "x \ud83d y", "b": "\udc00"}"#, r#"{"a": "x \ufffd y", "b": "\ufffd"}"#),
            (r#"["\ud83d\ud83d\ude00", "\ud83d\n", "\\ud83d"]"#, r#"["\ufffd\ud83d\ude00", "\ufffd\n", "\\ud83d"]"#),
            (
                r#"{"a": NaN, "b": [-Infinity, Infinity], "NaN": "NaN"}"#,
                r#"{"a": null, "b": [null, null], "NaN": "NaN"}"#,
            ),
            (r#"[18446744073709551616, -9223372036854775809]"#, r#"["18446744073709551616", "-9223372036854775809"]"#),
            (r#"{"a": "say \"NaN\"", "b": NaN}"#, r#"{"a": "say \"NaN\"", "b": null}"#),
        ] {
            assert_eq!(mended_text(json), expected);
        }
        for whole in [
            r#"{"a": "\ud83d\ude00", "b": [18446744073709551615, -9223372036854775808, 1e30, 0.5, -1]}"#,
            r#"{"never closed": "\ud8"#,
            "Nothing",
            "",
        ] {
            assert!(matches!(mended(whole.as_bytes()), Cow::Borrowed(_)), "{whole}");
        }
    }

    proptest! {
        #[test]
        fn json_is_left_as_it_is(value in "[\\\\\"a-z\u{1f600}\u{e9}0-9]{0,20}", number: u64) {
            let json = serde_json::json!([value, number, { value.as_str(): -1.5e-7 }]).to_string();
            prop_assert_eq!(mended_text(&json), json);
        }

        #[test]
        fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..60), tail in "[\\\\u\"dDcC8e0-9NaInfity-]{0,40}") {
            let odd = [bytes.as_slice(), tail.as_bytes()].concat();
            let once = mended(&odd).into_owned();
            prop_assert_eq!(mended(&once).into_owned(), once.clone());
        }
    }
}
