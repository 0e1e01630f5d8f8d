//! Single values of a row: of their type, in their range, or an error that names the place.

use std::ops::RangeInclusive;

use rewarden_types::{Completion, Failure, FailureKind, Sha256Digest, Token, Usage, strict_json as json};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::columns::Table;
use crate::encode::{self, Decoded};
use crate::error::StoreError;
use crate::foreign_text::shown;
use crate::packed::unpack;
use crate::tables::Tables;

/// Only samples have these.
const LOGPROBS: [&str; 2] = ["answer_logprob", "thinking_logprob"];

fn found(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "nothing".to_owned(),
        ValueRef::Integer(number) => format!("the integer {number}"),
        ValueRef::Real(number) => format!("the number {number}"),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => format!("the text `{}`", shown(text)),
            Err(_) => "text that is not UTF-8".to_owned(),
        },
        ValueRef::Blob(bytes) => format!("{} bytes of binary data", bytes.len()),
    }
}

/// One row of a statement of [`Table::select`], with the words for its errors.
pub(crate) struct Cells<'a> {
    pub(crate) tables: &'a Tables<'a>,
    pub(crate) table: Table,
    pub(crate) row: &'a Row<'a>,
    pub(crate) name: String,
}

impl<'a> Cells<'a> {
    pub(crate) fn error(&self, column: &'static str, message: String) -> StoreError {
        let path = self.tables.path.to_owned();
        StoreError::Value { path, table: self.table.name, row: self.name.clone(), column, message }
    }

    fn raw(&self, column: &'static str) -> Result<ValueRef<'a>, StoreError> {
        // By the list: SQLite compares names without regard to case, and copies each.
        let place = match self.table.place(column) {
            Some(place) => place,
            None if self.tables.schema.lacks(column) => return Ok(ValueRef::Null),
            None => return Err(self.error(column, "is not selected".to_owned())),
        };
        self.row.get_ref(place).map_err(|error| self.tables.sqlite(&error))
    }

    fn expected<T>(&self, column: &'static str, expected: &str, value: ValueRef<'_>) -> Result<T, StoreError> {
        Err(self.error(column, format!("expected {expected}, found {}", found(value))))
    }

    pub(crate) fn optional_text(&self, column: &'static str) -> Result<Option<&'a str>, StoreError> {
        match self.raw(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => self.expected(column, "text in UTF-8", ValueRef::Text(bytes)),
            },
            other => self.expected(column, "text", other),
        }
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<&'a str, StoreError> {
        match self.optional_text(column)? {
            Some(text) => Ok(text),
            None => self.expected(column, "text", ValueRef::Null),
        }
    }

    pub(crate) fn blob(&self, column: &'static str) -> Result<&'a [u8], StoreError> {
        match self.raw(column)? {
            ValueRef::Blob(bytes) => Ok(bytes),
            other => self.expected(column, "binary data", other),
        }
    }

    /// The component in the column `wasm`.
    pub(crate) fn component(&self) -> Result<Vec<u8>, StoreError> {
        unpack(self.blob("wasm")?, self.tables.schema).map_err(|message| self.error("wasm", message))
    }

    pub(crate) fn optional_integer(
        &self,
        column: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, StoreError> {
        match self.raw(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) if range.contains(&number) => Ok(Some(number)),
            other => {
                let expected = format!("an integer from {} to {}", range.start(), range.end());
                self.expected(column, &expected, other)
            }
        }
    }

    pub(crate) fn integer(&self, column: &'static str, range: RangeInclusive<i64>) -> Result<i64, StoreError> {
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        match self.optional_integer(column, range)? {
            Some(number) => Ok(number),
            None => self.expected(column, &expected, ValueRef::Null),
        }
    }

    fn u32_of(number: i64) -> u32 {
        // The range was checked.
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// A number that counts: ids, rounds.
    pub(crate) fn count(&self, column: &'static str) -> Result<u32, StoreError> {
        self.integer(column, 0..=i64::from(u32::MAX)).map(Self::u32_of)
    }

    fn optional_count(&self, column: &'static str) -> Result<Option<u32>, StoreError> {
        Ok(self.optional_integer(column, 0..=i64::from(u32::MAX))?.map(Self::u32_of))
    }

    /// Not negative: samples that the host draws have seeds of 53 bits, imported ones may have 63.
    pub(crate) fn seed(&self) -> Result<u64, StoreError> {
        self.integer("seed", 0..=i64::MAX).map(i64::unsigned_abs)
    }

    pub(crate) fn optional_number(&self, column: &'static str) -> Result<Option<f64>, StoreError> {
        match self.raw(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Real(number) if number.is_finite() => Ok(Some(number)),
            other => self.expected(column, "a finite number", other),
        }
    }

    /// The mean of logarithms of probabilities, in tables that have it.
    fn logprob(&self, column: &'static str) -> Result<Option<f64>, StoreError> {
        if self.table.place(column).is_none() {
            return Ok(None);
        }
        match self.optional_number(column)? {
            Some(mean) if mean > 0.0 => self.expected(column, "a number of at most 0", ValueRef::Real(mean)),
            mean => Ok(mean),
        }
    }

    pub(crate) fn optional_probability(&self, column: &'static str) -> Result<Option<f64>, StoreError> {
        match self.optional_number(column)? {
            Some(number) if !(0.0..=1.0).contains(&number) => {
                self.expected(column, "a number from 0 to 1", ValueRef::Real(number))
            }
            number => Ok(number),
        }
    }

    /// Seconds, where they are known.
    pub(crate) fn seconds(&self) -> Result<Option<f64>, StoreError> {
        match self.optional_number("seconds")? {
            Some(seconds) if seconds < 0.0 => {
                self.expected("seconds", "a number of at least 0", ValueRef::Real(seconds))
            }
            seconds => Ok(seconds),
        }
    }

    /// As of the command line and of requests: finite, at least 0, without an upper bound.
    pub(crate) fn temperature(&self) -> Result<f64, StoreError> {
        match self.raw("temperature")? {
            ValueRef::Real(number) if number.is_finite() && number >= 0.0 => Ok(number),
            other => self.expected("temperature", "a finite number of at least 0", other),
        }
    }

    pub(crate) fn decoded<T>(
        &self,
        column: &'static str,
        decode: impl Fn(&str) -> Decoded<T>,
    ) -> Result<T, StoreError> {
        decode(self.text(column)?).map_err(|message| self.error(column, message))
    }

    pub(crate) fn optional<T>(
        &self,
        column: &'static str,
        decode: impl Fn(&str) -> Decoded<T>,
    ) -> Result<Option<T>, StoreError> {
        let text = self.optional_text(column)?;
        text.map(decode).transpose().map_err(|message| self.error(column, message))
    }

    pub(crate) fn digest(&self, column: &'static str) -> Result<Option<Sha256Digest>, StoreError> {
        self.optional(column, digest)
    }

    /// What must be null where something else is.
    pub(crate) fn nothing(&self, column: &'static str, beside: &str) -> Result<(), StoreError> {
        match self.raw(column)? {
            ValueRef::Null => Ok(()),
            other => self.expected(column, &format!("nothing {beside}"), other),
        }
    }

    pub(crate) fn completion(&self) -> Result<Option<Completion>, StoreError> {
        let Some(text) = self.optional_text("text")? else {
            for column in ["thinking", "finish", "prompt_tokens", "completion_tokens", "tokens"] {
                self.nothing(column, "without a `text`")?;
            }
            for column in LOGPROBS.into_iter().filter(|column| self.table.place(column).is_some()) {
                self.nothing(column, "without a `text`")?;
            }
            return Ok(None);
        };
        Ok(Some(Completion {
            text: text.to_owned(),
            thinking: self.optional_text("thinking")?.map(str::to_owned),
            finish: self.decoded("finish", encode::finish)?,
            usage: Usage {
                prompt_tokens: self.optional_count("prompt_tokens")?.unwrap_or(0),
                completion_tokens: self.optional_count("completion_tokens")?.unwrap_or(0),
            },
            tokens: self.optional("tokens", |text| json::list::<Token>(text, json::MOST_VALUES))?.unwrap_or_default(),
            answer_logprob: self.logprob(LOGPROBS[0])?,
            thinking_logprob: self.logprob(LOGPROBS[1])?,
        }))
    }

    pub(crate) fn failure(&self) -> Result<Option<Failure>, StoreError> {
        let found = self.optional("failure_kind", |text| {
            FailureKind::from_name(text).ok_or_else(|| format!("unknown kind `{}`", shown(text)))
        })?;
        match found {
            Some(kind) => {
                let message = self.text("failure_message")?.to_owned();
                Ok(Some(Failure { kind, message }))
            }
            None => {
                self.nothing("failure_message", "without a `failure_kind`")?;
                Ok(None)
            }
        }
    }
}

impl Tables<'_> {
    /// Returns a task's key out of the first column, which has to be above the one before it. In a damaged file rows may come
    /// out of order, again, or without end.
    pub(crate) fn ascending_key(&self, row: &Row<'_>, table: Table, before: i64) -> Result<i64, StoreError> {
        let column = if table.name == "tasks" { "key" } else { "task" };
        let cells = Cells { tables: self, table, row, name: format!("after task {before}") };
        cells.integer(column, before.saturating_add(1)..=i64::MAX)
    }
}

/// A digest as [`Sha256Digest`] writes it: other spellings of it are other texts, and would not be found.
pub(crate) fn digest(text: &str) -> Decoded<Sha256Digest> {
    let digest: Option<Sha256Digest> = text.parse().ok();
    digest
        .filter(|digest| digest.to_string() == text)
        .ok_or_else(|| format!("expected `sha256:` and 64 lower-case hexadecimal digits, found `{}`", shown(text)))
}
