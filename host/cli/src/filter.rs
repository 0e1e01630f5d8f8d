//! `--where FIELD=PATTERN`.

use std::str::FromStr;

use rewarden_types::Task;
use serde_json::Value;

/// Tasks whose metadata field matches a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    field: String,
    /// The pieces between the stars.
    pieces: Vec<String>,
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((field, pattern)) if !field.is_empty() => {
                Ok(Self { field: field.to_owned(), pieces: pattern.split('*').map(str::to_owned).collect() })
            }
            _ => Err("expected FIELD=PATTERN, such as subset=chat*".to_owned()),
        }
    }
}

impl Filter {
    /// Returns whether the task has the field, and its value fits.
    pub(crate) fn keeps(&self, task: &Task) -> bool {
        match self.field.as_str() {
            "id" => self.fits(&task.id),
            field => task.metadata.get(field).and_then(plain).is_some_and(|value| self.fits(&value)),
        }
    }

    fn fits(&self, value: &str) -> bool {
        let [first, middle @ .., last] = self.pieces.as_slice() else {
            return self.pieces.first().is_some_and(|only| only == value);
        };
        let Some(mut rest) = value.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()))
        else {
            return false;
        };
        for piece in middle {
            match rest.split_once(piece.as_str()) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        true
    }
}

/// A metadata value that can be told by its text.
pub(crate) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;

    #[test]
    fn a_star_stands_for_anything_and_everything_else_for_itself() {
        let fits = |pattern: &str, value: &str| format!("f={pattern}").parse::<Filter>().unwrap().fits(value);
        assert!(fits("CoT", "CoT") && !fits("CoT", "CoT2") && !fits("CoT", "aCoT"));
        assert!(fits("Rating*", "Rating") && fits("Rating*", "Rating_NoRules") && !fits("Rating*", "Swap"));
        assert!(fits("*CoT", "Swap_CoT") && fits("*a*b*", "xaybz") && !fits("*a*b*", "xbya"));
        assert!(fits("*", "") && !fits("ab*ba", "aba") && fits("", ""));
    }
}
