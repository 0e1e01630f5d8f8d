//! JSON in which no object has a key twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use rewarden_types::shown;

/// Reads one JSON value. A key that stands twice in one object is an error, where `serde_json` alone would take the last
/// one in silence: whoever reads the text would see the other. Nesting ends at 128 levels, as it does in `serde_json`.
///
/// # Errors
/// What is wrong with the text, with line and column.
pub fn unrepeated_json(text: &str) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = deserializer.deserialize_any(Unrepeated)?;
    deserializer.end()?;
    Ok(value)
}

struct Unrepeated;

impl<'de> DeserializeSeed<'de> for Unrepeated {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unrepeated {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Unrepeated)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key `{}` stands twice in one object", shown(&key))));
            }
            let value = entries.next_value_seed(Unrepeated)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_named_with_its_place() {
        let error = unrepeated_json(r#"{"a": {"b": 1, "b": 1}}"#).unwrap_err().to_string();
        assert_eq!(error, "the key `b` stands twice in one object at line 1 column 18");
        assert!(unrepeated_json(r#"{"a": {"b": 1}, "b": [{"b": 1}, {"b": 1}]}"#).is_ok());
        // Two spellings of one key.
        assert!(unrepeated_json(r#"{"a": 1, "\u0061": 2}"#).is_err());
    }

    #[test]
    fn depth_and_numbers_without_end_are_errors() {
        let error = unrepeated_json(&"[".repeat(60_000)).unwrap_err().to_string();
        assert!(error.starts_with("recursion limit exceeded"), "{error}");
        assert!(unrepeated_json("1e999").unwrap_err().to_string().starts_with("number out of range"));
        assert_eq!(unrepeated_json(&"9".repeat(300)).unwrap().as_f64(), Some(1e300));
        assert!(unrepeated_json(&"9".repeat(60_000)).is_err());
        assert!(unrepeated_json("{} x").is_err());
        // Plain text here, where serde_json's own reader would read what is in it.
        let raw = r#"{"$serde_json::private::RawValue": "[1]"}"#;
        assert!(unrepeated_json(raw).unwrap().is_object());
    }

    proptest! {
        #[test]
        fn what_serde_json_reads_is_read_alike_unless_a_key_stands_twice(text in "[\\[\\]{}\",:0-9ae. -]{0,40}") {
            match (unrepeated_json(&text), serde_json::from_str::<Value>(&text)) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
                (Err(error), Ok(_)) => prop_assert!(error.to_string().contains("stands twice")),
                (ours, theirs) => prop_assert_eq!(ours.is_ok(), theirs.is_ok()),
            }
        }
    }
}
