//! The options of the parser, and the names that they make.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of the parser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the scores stand: names of fields with points between them, such as `scores` or `result.scores`. Empty: the
    /// object or array itself.
    pub path: String,
    /// Where the scores are fields of an object, their names: `{1}` stands for the number of a response in shown order,
    /// `{A}` and `{a}` for its letter.
    pub key: String,
    /// Where each entry is an object, its field with the score.
    pub field: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Config { path: "scores".to_owned(), key: "response_{1}".to_owned(), field: None }
    }
}

/// The slots of a name.
const SLOTS: [&str; 3] = ["{1}", "{A}", "{a}"];

impl Config {
    /// What is wrong with the configuration, and under which key.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        if !self.path.is_empty() && self.path.split('.').any(str::is_empty) {
            let path = &self.path;
            return Err(("path", format!("expected names of fields with points between them, found `{path}`")));
        }
        if SLOTS.iter().map(|slot| self.key.matches(slot).count()).sum::<usize>() != 1 {
            return Err(("key", format!("expected one of {{1}}, {{A}}, {{a}} in `{}`", self.key)));
        }
        if self.field.as_ref().is_some_and(String::is_empty) {
            return Err(("field", "expected the name of a field, found an empty one".to_owned()));
        }
        Ok(())
    }

    /// The names along the path.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &str> {
        self.path.split('.').filter(|step| !step.is_empty())
    }

    /// The name of the field for the response at this place in shown order, from 0; none where letters run out.
    pub(crate) fn name(&self, place: u32) -> Option<String> {
        if self.key.contains("{1}") {
            return Some(self.key.replace("{1}", &(u64::from(place) + 1).to_string()));
        }
        let letter = char::from(b'A' + u8::try_from(place).ok().filter(|place| *place < 26)?);
        Some(self.key.replace("{A}", &letter.to_string()).replace("{a}", &letter.to_ascii_lowercase().to_string()))
    }

    /// Whether a field is one for a response, shown or not.
    pub(crate) fn names(&self, field: &str) -> bool {
        SLOTS.iter().any(|slot| {
            let inside = self
                .key
                .split_once(slot)
                .and_then(|(before, after)| field.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)));
            inside.is_some_and(|inside| match *slot {
                "{1}" => !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_digit()),
                "{A}" => matches!(inside.as_bytes(), [b'A'..=b'Z']),
                _ => matches!(inside.as_bytes(), [b'a'..=b'z']),
            })
        })
    }
}
