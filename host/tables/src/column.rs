//! The columns of a table that is written, and the check that a value fits its column.

use serde::Serialize;
use serde_json::Value;

use crate::TableError;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number from -2^63 to 2^63 - 1.
    Integer,
    /// A 64-bit float; a whole number too, where a float holds it exactly.
    Number,
    /// True or false.
    Flag,
    /// A list of [`Kind::Integer`]s.
    Integers,
    /// A list of [`Kind::Number`]s and nulls.
    Numbers,
    /// A list of texts.
    Texts,
    /// Any JSON value: as itself in JSON lines, as its JSON text in CSV and Parquet.
    Json,
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, unique in the table.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Whether a value may be missing.
    pub nullable: bool,
}

impl Column {
    /// A column with a value in every row.
    pub const fn required(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, nullable: false }
    }

    /// A column whose values may be missing.
    pub const fn optional(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, nullable: true }
    }

    /// `value` as this column's kind.
    pub(crate) fn cell<'a>(&self, row: u64, value: &'a Value) -> Result<Cell<'a>, TableError> {
        if value.is_null() && self.nullable {
            return Ok(Cell::Null);
        }
        self.kind.cell(value).ok_or_else(|| TableError::Value {
            row,
            column: self.name,
            expected: format!("{}{}", self.kind.words(), if self.nullable { " or null" } else { "" }),
            found: shown(value),
        })
    }
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "a whole number from -2^63 to 2^63 - 1",
            Self::Number => "a number that a 64-bit float holds exactly",
            Self::Flag => "true or false",
            Self::Integers => "a list of whole numbers from -2^63 to 2^63 - 1",
            Self::Numbers => "a list of nulls and of numbers that a 64-bit float holds exactly",
            Self::Texts => "a list of texts",
            Self::Json => "a value",
        }
    }

    fn cell(self, value: &Value) -> Option<Cell<'_>> {
        Some(match self {
            Self::Text => Cell::Text(value.as_str()?),
            Self::Integer => Cell::Integer(value.as_i64()?),
            Self::Number => Cell::Number(number(value)?),
            Self::Flag => Cell::Flag(value.as_bool()?),
            Self::Integers => Cell::Integers(list(value, Value::as_i64)?),
            Self::Numbers => Cell::Numbers(list(value, |item| match item {
                Value::Null => Some(None),
                item => number(item).map(Some),
            })?),
            Self::Texts => Cell::Texts(list(value, Value::as_str)?),
            Self::Json if value.is_null() => return None,
            Self::Json => Cell::Json(value),
        })
    }
}

/// A value that fits its column.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Cell<'a> {
    Null,
    Text(&'a str),
    Integer(i64),
    Number(f64),
    Flag(bool),
    Integers(Vec<i64>),
    Numbers(Vec<Option<f64>>),
    Texts(Vec<&'a str>),
    Json(&'a Value),
}

fn list<'a, T>(value: &'a Value, item: impl FnMut(&'a Value) -> Option<T>) -> Option<Vec<T>> {
    value.as_array()?.iter().map(item).collect()
}

fn number(value: &Value) -> Option<f64> {
    let float = value.as_f64()?;
    let whole = value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
    whole.is_none_or(|whole| float as i128 == whole).then_some(float)
}

/// As much of a value as a message has room for.
fn shown(value: &Value) -> String {
    const ROOM: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(ROOM) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
