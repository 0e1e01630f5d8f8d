//! Single values of a row: of their type, in their range, or an error that names the place.

use std::ops::RangeInclusive;

use rewarden_types::{Completion, Failure, FailureKind, FinishReason, Sha256Digest, Token, Usage, strict_json as json};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::encode::Decoded;
use crate::error::StoreError;
use crate::tables::Tables;

/// Characters of a foreign text that an error shows: a digest in full.
const SHOWN: usize = 80;

/// The beginning of a foreign text, with nothing in it that a terminal obeys.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

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

/// One row, with the words for its errors.
pub(crate) struct Cells<'a> {
    pub(crate) tables: &'a Tables<'a>,
    pub(crate) table: &'static str,
    pub(crate) row: &'a Row<'a>,
    pub(crate) name: String,
}

/// Where the columns of a completion stand in a row.
pub(crate) struct CompletionColumns {
    pub(crate) text: usize,
    pub(crate) thinking: usize,
    pub(crate) finish: usize,
    pub(crate) prompt_tokens: usize,
    pub(crate) completion_tokens: usize,
    pub(crate) tokens: usize,
}

impl<'a> Cells<'a> {
    pub(crate) fn error(&self, column: &'static str, message: String) -> StoreError {
        let path = self.tables.path.to_owned();
        StoreError::Value { path, table: self.table, row: self.name.clone(), column, message }
    }

    fn raw(&self, index: usize) -> Result<ValueRef<'a>, StoreError> {
        self.row.get_ref(index).map_err(|error| self.tables.sqlite(&error))
    }

    fn expected<T>(&self, column: &'static str, expected: &str, value: ValueRef<'_>) -> Result<T, StoreError> {
        Err(self.error(column, format!("expected {expected}, found {}", found(value))))
    }

    pub(crate) fn optional_text(&self, index: usize, column: &'static str) -> Result<Option<&'a str>, StoreError> {
        match self.raw(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => self.expected(column, "text in UTF-8", ValueRef::Text(bytes)),
            },
            other => self.expected(column, "text", other),
        }
    }

    pub(crate) fn text(&self, index: usize, column: &'static str) -> Result<&'a str, StoreError> {
        match self.optional_text(index, column)? {
            Some(text) => Ok(text),
            None => self.expected(column, "text", ValueRef::Null),
        }
    }

    pub(crate) fn blob(&self, index: usize, column: &'static str) -> Result<&'a [u8], StoreError> {
        match self.raw(index)? {
            ValueRef::Blob(bytes) => Ok(bytes),
            other => self.expected(column, "binary data", other),
        }
    }

    pub(crate) fn optional_integer(
        &self,
        index: usize,
        column: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, StoreError> {
        match self.raw(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) if range.contains(&number) => Ok(Some(number)),
            other => {
                let expected = format!("an integer from {} to {}", range.start(), range.end());
                self.expected(column, &expected, other)
            }
        }
    }

    pub(crate) fn integer(
        &self,
        index: usize,
        column: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<i64, StoreError> {
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        match self.optional_integer(index, column, range)? {
            Some(number) => Ok(number),
            None => self.expected(column, &expected, ValueRef::Null),
        }
    }

    fn u32_of(number: i64) -> u32 {
        // The range was checked.
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// A number that counts: ids, rounds.
    pub(crate) fn count(&self, index: usize, column: &'static str) -> Result<u32, StoreError> {
        self.integer(index, column, 0..=i64::from(u32::MAX)).map(Self::u32_of)
    }

    fn optional_count(&self, index: usize, column: &'static str) -> Result<Option<u32>, StoreError> {
        Ok(self.optional_integer(index, column, 0..=i64::from(u32::MAX))?.map(Self::u32_of))
    }

    /// Not negative: samples that the host draws have seeds of 53 bits, imported ones may have 63.
    pub(crate) fn seed(&self, index: usize) -> Result<u64, StoreError> {
        self.integer(index, "seed", 0..=i64::MAX).map(i64::unsigned_abs)
    }

    pub(crate) fn optional_number(&self, index: usize, column: &'static str) -> Result<Option<f64>, StoreError> {
        match self.raw(index)? {
            ValueRef::Null => Ok(None),
            ValueRef::Real(number) if number.is_finite() => Ok(Some(number)),
            other => self.expected(column, "a finite number", other),
        }
    }

    /// Seconds, where they are known.
    pub(crate) fn seconds(&self, index: usize) -> Result<Option<f64>, StoreError> {
        match self.optional_number(index, "seconds")? {
            Some(seconds) if seconds < 0.0 => {
                self.expected("seconds", "a number of at least 0", ValueRef::Real(seconds))
            }
            seconds => Ok(seconds),
        }
    }

    /// As of the command line and of requests: finite, at least 0, without an upper bound.
    pub(crate) fn temperature(&self, index: usize) -> Result<f64, StoreError> {
        match self.raw(index)? {
            ValueRef::Real(number) if number.is_finite() && number >= 0.0 => Ok(number),
            other => self.expected("temperature", "a finite number of at least 0", other),
        }
    }

    pub(crate) fn decoded<T>(
        &self,
        index: usize,
        column: &'static str,
        decode: impl Fn(&str) -> Decoded<T>,
    ) -> Result<T, StoreError> {
        decode(self.text(index, column)?).map_err(|message| self.error(column, message))
    }

    pub(crate) fn optional<T>(
        &self,
        index: usize,
        column: &'static str,
        decode: impl Fn(&str) -> Decoded<T>,
    ) -> Result<Option<T>, StoreError> {
        let text = self.optional_text(index, column)?;
        text.map(decode).transpose().map_err(|message| self.error(column, message))
    }

    pub(crate) fn digest(&self, index: usize, column: &'static str) -> Result<Option<Sha256Digest>, StoreError> {
        self.optional(index, column, digest)
    }

    /// What must be null where something else is.
    pub(crate) fn nothing(&self, index: usize, column: &'static str, beside: &str) -> Result<(), StoreError> {
        match self.raw(index)? {
            ValueRef::Null => Ok(()),
            other => self.expected(column, &format!("nothing {beside}"), other),
        }
    }

    pub(crate) fn completion(&self, at: &CompletionColumns) -> Result<Option<Completion>, StoreError> {
        let Some(text) = self.optional_text(at.text, "text")? else {
            for (index, column) in [
                (at.thinking, "thinking"),
                (at.finish, "finish"),
                (at.prompt_tokens, "prompt_tokens"),
                (at.completion_tokens, "completion_tokens"),
                (at.tokens, "tokens"),
            ] {
                self.nothing(index, column, "without a `text`")?;
            }
            return Ok(None);
        };
        Ok(Some(Completion {
            text: text.to_owned(),
            thinking: self.optional_text(at.thinking, "thinking")?.map(str::to_owned),
            finish: self.decoded(at.finish, "finish", |text| match text {
                "stop" => Ok(FinishReason::Stop),
                "length" => Ok(FinishReason::Length),
                other => Err(format!("expected stop or length, found `{}`", shown(other))),
            })?,
            usage: Usage {
                prompt_tokens: self.optional_count(at.prompt_tokens, "prompt_tokens")?.unwrap_or(0),
                completion_tokens: self.optional_count(at.completion_tokens, "completion_tokens")?.unwrap_or(0),
            },
            tokens: self
                .optional(at.tokens, "tokens", |text| json::list::<Token>(text, json::MOST_VALUES))?
                .unwrap_or_default(),
        }))
    }

    /// The failure in two neighbouring columns.
    pub(crate) fn failure(&self, index: usize) -> Result<Option<Failure>, StoreError> {
        let found = self.optional(index, "failure_kind", |text| {
            FailureKind::from_name(text).ok_or_else(|| format!("unknown kind `{}`", shown(text)))
        })?;
        match found {
            Some(kind) => {
                let message = self.text(index + 1, "failure_message")?.to_owned();
                Ok(Some(Failure { kind, message }))
            }
            None => {
                self.nothing(index + 1, "failure_message", "without a `failure_kind`")?;
                Ok(None)
            }
        }
    }
}

/// A digest as [`Sha256Digest`] writes it: other spellings of it are other texts, and would not be found.
pub(crate) fn digest(text: &str) -> Decoded<Sha256Digest> {
    let digest: Option<Sha256Digest> = text.parse().ok();
    digest
        .filter(|digest| digest.to_string() == text)
        .ok_or_else(|| format!("expected `sha256:` and 64 lower-case hexadecimal digits, found `{}`", shown(text)))
}
