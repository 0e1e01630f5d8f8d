//! JSON read into types, with errors that name the field at fault.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::problem::{Problem, ProblemKind};

/// Reads a body. What Python's `json` writes and JSON does not have is mended first (see [`rewarden_input::mended`]).
///
/// # Errors
///
/// The bytes are not JSON or not what the type expects, or an object has a key twice. The problem's pointer names the field.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Tracking the path costs time, so the body is read a second time only if something is wrong.
    // Before anything is built of it. What is no JSON at all is told better by what follows.
    let mended = rewarden_input::mended(bytes);
    let bytes = mended.as_ref();
    measure(bytes)?;
    let error = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let reader = &mut serde_json::Deserializer::from_slice(bytes);
    let pointer = match serde_path_to_error::deserialize::<_, T>(reader) {
        Err(error) => pointer(error.path()),
        Ok(_) => None,
    };
    let what = if error.is_data() { "the body is not what is expected here" } else { "the body is not JSON" };
    Err(Problem { pointer, ..Problem::new(ProblemKind::InvalidRequest, format!("{what}: {error}")) })
}

/// Values that a body may have, list entries included: more than the longest batch of token numbers. Two bytes of `1,` are 32
/// once they are read, and copies of those; a body of 16 MB took 1.1 GB.
const MOST_VALUES: usize = 500_000;

/// Refuses a body of too many values, and a key that an object has twice, however deep and whether anybody reads it: which of
/// two counts is anybody's guess, and a proxy in front may guess otherwise.
fn measure(bytes: &[u8]) -> Result<(), Problem> {
    let (left, refused) = (Cell::new(MOST_VALUES), Cell::new(false));
    let reader = &mut serde_json::Deserializer::from_slice(bytes);
    let measured = Measured { left: &left, refused: &refused }.deserialize(reader);
    match measured {
        Err(error) if refused.get() => {
            let detail = format!("the body is not what is expected here: {error}");
            Err(Problem::new(ProblemKind::InvalidRequest, detail))
        }
        _ => Ok(()),
    }
}

/// Reads anything, and keeps nothing but the keys of the objects around.
#[derive(Clone, Copy)]
struct Measured<'a> {
    left: &'a Cell<usize>,
    /// Whether reading ended for a reason of ours.
    refused: &'a Cell<bool>,
}

impl Measured<'_> {
    fn refuse<E: serde::de::Error>(self, what: String) -> E {
        self.refused.set(true);
        E::custom(what)
    }

    fn count<E: serde::de::Error>(self) -> Result<(), E> {
        match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(self.refuse(format!("expected at most {MOST_VALUES} values in JSON, found more"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Measured<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Measured<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.count()
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.count()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.count()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.count()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.count()
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.count()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.count()?;
        while entries.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.count()?;
        let mut keys = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            entries.next_value_seed(self)?;
            if let Some(twice) = keys.replace(key) {
                let shown: String = twice.chars().take(80).flat_map(char::escape_debug).collect();
                return Err(self.refuse(format!("the key `{shown}` is there twice")));
            }
        }
        Ok(())
    }
}

/// Reads a value that is JSON already. Errors name the field, relative to the value.
pub(crate) fn view<T: DeserializeOwned>(body: &Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(body).map_err(|error| {
        let detail = format!("the body is not what is expected here: {}", error.inner());
        Problem::at(pointer(error.path()).unwrap_or_default(), detail)
    })
}

/// A path as a JSON pointer. `None` for the whole document.
fn pointer(path: &serde_path_to_error::Path) -> Option<String> {
    use serde_path_to_error::Segment;

    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => pointer.push_str(variant),
            Segment::Unknown => {
                pointer.pop();
            }
        }
    }
    (!pointer.is_empty()).then_some(pointer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_twice_is_refused_wherever_it_stands() {
        let refused = |text: &str| parse::<Value>(text.as_bytes()).unwrap_err().detail;
        for text in [r#"{"a": 1, "a": 2}"#, r#"{"b": [{"a": 1, "\u0061": 2}]}"#, r#"[{}, {"m": {"a": {}, "a": {}}}]"#] {
            assert!(refused(text).contains("the key `a` is there twice"), "{}", refused(text));
        }
        let many = |count: usize| format!("[{}0]", "1,".repeat(count));
        assert!(refused(&many(500_000)).contains("expected at most 500000 values in JSON"));
        assert!(parse::<Value>(many(400_000).as_bytes()).is_ok());
        assert!(parse::<Value>(br#"{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}"#).is_ok());
    }
}
