//! JSON out of a run's cells and out of rows: bounded, and without a key twice.
//!
//! Each value of JSON costs more memory decoded than written (two bytes of `0,` become 24 or more), so their number is bounded
//! beside the bytes of the row. Depth is bounded by `serde_json` itself, at 128.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::text::shown_within;

/// What is wrong with a text, with its line and column.
type Decoded<T> = Result<T, String>;

/// Values, list entries included, that the JSON in one cell may have: more than the longest answers have tokens. Decoded
/// they take 40 MB at most.
pub const MOST_VALUES: usize = 500_000;

/// Returns how many values an object has, itself not counted.
pub fn values(object: &Map<String, Value>) -> usize {
    object.values().map(count).sum()
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(entries) => entries.iter().map(count).sum(),
        Value::Object(object) => values(object),
        _ => 0,
    }
}

/// Reads JSON of at most 500,000 values in which no object has a key twice: which of two would count is anybody's guess, and
/// two readers guess differently.
///
/// # Errors
/// Returns what is wrong, with the line and column of the text.
pub fn value(text: &str) -> Result<Value, String> {
    let left = Cell::new(MOST_VALUES);
    whole(text, Strict { left: &left })
}

/// Reads a JSON object, as [`value`] reads JSON.
///
/// # Errors
/// See [`value`].
pub fn object(text: &str) -> Decoded<Map<String, Value>> {
    match value(text)? {
        Value::Object(object) => Ok(object),
        _ => Err("expected a JSON object".to_owned()),
    }
}

/// Reads JSON of a known form, as [`value`] reads JSON.
///
/// # Errors
/// See [`value`].
pub fn form<T: DeserializeOwned>(text: &str) -> Decoded<T> {
    serde_json::from_value(value(text)?).map_err(|error| error.to_string())
}

/// Reads a list of at most `most` entries; the rest of a longer one is not read.
///
/// # Errors
/// Returns what is wrong, with the line and column of the text.
pub fn list<T: for<'de> Deserialize<'de>>(text: &str, most: usize) -> Decoded<Vec<T>> {
    whole(text, List { most, entry: PhantomData })
}

fn whole<'de, S: DeserializeSeed<'de>>(text: &'de str, seed: S) -> Decoded<S::Value> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = seed.deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(read)
}

struct List<T> {
    most: usize,
    entry: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for List<T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {} entries", self.most)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = entries.next_element()? {
            if all.len() == self.most {
                return Err(A::Error::custom(format!("expected a list of at most {} entries", self.most)));
            }
            all.push(entry);
        }
        Ok(all)
    }
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    left: &'a Cell<usize>,
}

impl Strict<'_> {
    fn count<E: serde::de::Error>(self) -> Result<(), E> {
        match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(E::custom(format!("expected at most {MOST_VALUES} values in JSON, found more"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        self.count()?;
        Ok(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        self.count()?;
        Ok(value.into())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        self.count()?;
        Ok(value.into())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        self.count()?;
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        self.count()?;
        Ok(value.into())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.count()?;
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.count()?;
        let mut all = Vec::new();
        while let Some(entry) = entries.next_element_seed(self)? {
            all.push(entry);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.count()?;
        let mut all = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if all.contains_key(&key) {
                return Err(A::Error::custom(format!("the key `{}` is there twice", shown_within(&key, 80))));
            }
            let value = entries.next_value_seed(self)?;
            all.insert(key, value);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e300_f64..1e300).prop_map(Value::from),
            ".{0,5}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_is_read_as_serde_json_reads_it(written in any_json()) {
            prop_assert_eq!(value(&written.to_string()), Ok(written));
        }
    }

    #[test]
    fn a_key_that_is_there_twice_is_named_at_any_depth() {
        let error = value(r#"{"a": [{"b": 1, "b": 2}]}"#).unwrap_err();
        assert!(error.starts_with("the key `b` is there twice"), "{error}");
    }

    #[test]
    fn json_of_too_many_values_and_lists_of_too_many_entries_are_refused() {
        let zeros = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        let Value::Object(counted) = json!({"a": [0, 0, {"b": 1}], "c": null}) else { unreachable!() };
        assert_eq!(values(&counted), 6);
        assert!(value(&zeros(MOST_VALUES)).unwrap_err().starts_with("expected at most 500000 values in JSON"));
        assert_eq!(list::<u32>(&zeros(2), 2), Ok(vec![0, 0]));
        assert!(list::<u32>(&zeros(3), 2).unwrap_err().starts_with("expected a list of at most 2 entries"));
    }

    #[test]
    fn deep_json_and_what_follows_json_are_refused() {
        assert!(value(&"[".repeat(100_000)).unwrap_err().starts_with("recursion limit exceeded"));
        assert!(value("{} {}").unwrap_err().starts_with("trailing characters"));
        assert_eq!(form::<Vec<u8>>("[1, 2]"), Ok(vec![1, 2]));
        assert_eq!(object("{}"), Ok(Map::new()));
        assert_eq!(object("[]"), Err("expected a JSON object".to_owned()));
        assert_eq!(value("1.5"), Ok(json!(1.5)));
    }
}
