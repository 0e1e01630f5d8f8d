//! Rows of a run's tables as they are written.

use rewarden_record::{MetaRecord, PrinciplesRecord, SampleRecord, TaskFailure, TaskKey};
use rewarden_types::{Completion, Failure, Outcome, Rating, Reward, Sha256Digest, Task};
use rusqlite::params_from_iter;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use crate::columns::{PRINCIPLES, QUERIES, RATINGS, TASKS, Table};
use crate::encode;
use crate::error::StoreError;
use crate::seal::Sealed;
use crate::tables::Tables;

/// How a task ended.
pub(crate) type End = Result<Reward, TaskFailure>;

/// A value as a row takes it.
type Cell<'a> = ToSqlOutput<'a>;

fn text(text: &str) -> Cell<'_> {
    Cell::Borrowed(ValueRef::Text(text.as_bytes()))
}

fn number<'a>(number: impl Into<i64>) -> Cell<'a> {
    Cell::Borrowed(ValueRef::Integer(number.into()))
}

fn real<'a>(number: f64) -> Cell<'a> {
    Cell::Borrowed(ValueRef::Real(number))
}

fn made<'a>(text: String) -> Cell<'a> {
    Cell::Owned(Value::Text(text))
}

fn optional<'a, T>(value: Option<T>, cell: impl FnOnce(T) -> Cell<'a>) -> Cell<'a> {
    value.map_or(Cell::Borrowed(ValueRef::Null), cell)
}

/// A list that is not empty.
fn some<T>(list: Option<&Vec<T>>) -> Option<&Vec<T>> {
    list.filter(|list| !list.is_empty())
}

/// A list as JSON; nothing for an empty one.
fn listed<T: serde::Serialize>(list: &Vec<T>) -> Cell<'_> {
    optional(some(Some(list)), |list| made(encode::plain_text(list)))
}

/// A row as it is written: its values by their columns, in the order of the table's.
type NamedCells<'a> = Vec<(&'static str, Cell<'a>)>;

/// The values of a completion's columns, and of the seconds that it took: all tables have them in this order.
fn completion_cells(completion: Option<&Completion>, seconds: Option<f64>) -> [(&'static str, Cell<'_>); 7] {
    // There is no prompt without tokens, so zero stands for "unknown".
    let usage = completion.map(|completion| completion.usage).filter(|usage| usage.prompt_tokens > 0);
    let tokens = completion.map(|completion| &completion.tokens).filter(|tokens| !tokens.is_empty());
    [
        ("text", optional(completion, |completion| text(&completion.text))),
        ("thinking", optional(completion.and_then(|completion| completion.thinking.as_deref()), text)),
        ("finish", optional(completion, |completion| text(encode::finish_name(completion.finish)))),
        ("prompt_tokens", optional(usage, |usage| number(usage.prompt_tokens))),
        ("completion_tokens", optional(usage, |usage| number(usage.completion_tokens))),
        ("seconds", optional(seconds, real)),
        ("tokens", optional(tokens, |tokens| made(encode::plain_text(tokens)))),
    ]
}

fn failure_cells(failure: Option<&Failure>) -> [(&'static str, Cell<'_>); 2] {
    [
        ("failure_kind", optional(failure, |failure| text(failure.kind.name()))),
        ("failure_message", optional(failure, |failure| text(&failure.message))),
    ]
}

fn digest<'a>(digest: Option<Sha256Digest>) -> Cell<'a> {
    optional(digest, |digest| made(digest.to_string()))
}

/// Seeds of samples and principles have 53 bits.
fn seed<'a>(seed: u64) -> Cell<'a> {
    number(i64::try_from(seed).unwrap_or(i64::MAX))
}

impl Tables<'_> {
    /// Adds a task. Returns `None` if there is one of this id.
    pub(crate) fn insert_task(&self, task: &Task) -> Result<Option<(TaskKey, Sealed)>, StoreError> {
        let preferred = task.preferred.and_then(|index| i64::try_from(index).ok());
        let row = vec![
            ("id", text(&task.id)),
            ("messages", made(encode::messages_text(&task.messages))),
            ("responses", made(encode::plain_text(&task.responses))),
            ("reference", optional(task.reference.as_deref(), text)),
            ("preferred", optional(preferred, number)),
            ("metadata", made(encode::plain_text(&task.metadata))),
        ];
        let inserted = self.insert(TASKS, &row, "INSERT", "ON CONFLICT (id) DO NOTHING")?;
        let key = || TaskKey(self.connection.last_insert_rowid());
        Ok((inserted > 0).then(|| (key(), Sealed::written(&row))))
    }

    pub(crate) fn insert_sample(&self, TaskKey(task): TaskKey, sample: &SampleRecord) -> Result<Sealed, StoreError> {
        let (scores, failure) = match &sample.outcome {
            Outcome::Scored(scores) => (Some(scores), None),
            Outcome::Failed(failure) => (None, Some(failure)),
        };
        let mut row = vec![
            ("task", number(task)),
            ("id", number(sample.id)),
            ("round", number(sample.round)),
            ("shown", made(encode::plain_text(&sample.order))),
            ("judge", optional(sample.judge.as_deref(), text)),
            ("asked", listed(&sample.asked)),
            ("built_on", listed(&sample.built_on)),
            ("temperature", real(sample.temperature)),
            ("seed", seed(sample.seed)),
            ("prompt", digest(sample.prompt)),
        ];
        row.extend(completion_cells(sample.completion.as_ref(), sample.seconds));
        let completion = sample.completion.as_ref();
        row.push(("answer_logprob", optional(completion.and_then(|completion| completion.answer_logprob), real)));
        row.push(("thinking_logprob", optional(completion.and_then(|completion| completion.thinking_logprob), real)));
        let judgement = sample.judgement.as_ref();
        row.push(("judgement", optional(judgement, |judgement| made(encode::judgement_text(judgement)))));
        row.push(("scores", optional(scores, |scores| made(encode::placed_text(scores)))));
        row.extend(failure_cells(failure));
        let extra = (!sample.extra.is_empty()).then_some(&sample.extra);
        row.push(("extra", optional(extra, |extra| made(encode::plain_text(extra)))));
        row.retain(|(column, _)| !self.schema.lacks(column));
        self.insert(self.schema.samples(), &row, "INSERT", "").map(|_| Sealed::written(&row))
    }

    pub(crate) fn insert_rating(
        &self,
        TaskKey(task): TaskKey,
        sample: u32,
        meta: &MetaRecord,
    ) -> Result<Sealed, StoreError> {
        let (rating, failure) = match &meta.rating {
            Rating::Rated(rating) => (Some(*rating), None),
            Rating::Failed(failure) => (None, Some(failure)),
        };
        let mut row = vec![("task", number(task)), ("sample", number(sample)), ("rating", optional(rating, real))];
        row.extend(failure_cells(failure));
        row.push(("prompt", digest(meta.prompt)));
        row.extend(completion_cells(meta.completion.as_ref(), meta.seconds));
        self.insert(RATINGS, &row, "INSERT", "").map(|_| Sealed::written(&row))
    }

    pub(crate) fn insert_reward(&self, TaskKey(task): TaskKey, end: &End) -> Result<Sealed, StoreError> {
        let (reward, failure) = (end.as_ref().ok(), end.as_ref().err());
        let mut row = vec![
            ("task", number(task)),
            ("scores", optional(reward, |reward| made(encode::scores_text(&reward.scores)))),
            ("used", optional(reward, |reward| made(encode::plain_text(&reward.used)))),
            ("rejected", optional(some(reward.map(|reward| &reward.rejected)), |all| made(encode::rejected_text(all)))),
            ("criteria", optional(some(reward.map(|reward| &reward.criteria)), |all| made(encode::criteria_text(all)))),
            ("confidence", optional(reward.and_then(|reward| reward.confidence), real)),
            ("details", optional(reward, |reward| made(encode::details_text(&reward.details)))),
            ("failure_kind", optional(failure, |failure| text(failure.kind.name()))),
            ("failure_message", optional(failure, |failure| text(&failure.message))),
        ];
        row.retain(|(column, _)| !self.schema.lacks(column));
        self.insert(self.schema.rewards(), &row, "INSERT", "").map(|_| Sealed::written(&row))
    }

    /// Adds the principles, unless those of the query are there, and says that the task is judged under them.
    pub(crate) fn insert_principles(
        &self,
        TaskKey(task): TaskKey,
        record: &PrinciplesRecord,
    ) -> Result<(), StoreError> {
        let (given, failure) = (record.outcome.as_ref().ok(), record.outcome.as_ref().err());
        let query = || made(record.query.to_string());
        let mut row = vec![
            ("query", query()),
            ("temperature", real(record.temperature)),
            ("seed", seed(record.seed)),
            ("prompt", digest(record.prompt)),
        ];
        row.extend(completion_cells(record.completion.as_ref(), record.seconds));
        row.push(("principles", optional(given, |given| made(encode::principles_text(given)))));
        row.extend(failure_cells(failure));
        self.insert(PRINCIPLES, &row, "INSERT OR IGNORE", "")?;
        let link = vec![("task", number(task)), ("query", query())];
        self.insert(QUERIES, &link, "INSERT OR IGNORE", "").map(|_| ())
    }

    /// Adds a row with all columns of its table; a key may be left to SQLite. Returns how many rows there are more.
    fn insert(&self, table: Table, row: &NamedCells<'_>, how: &str, rest: &str) -> Result<usize, StoreError> {
        let names = || row.iter().map(|(name, _)| *name);
        if !table.columns.iter().copied().filter(|column| *column != "key").eq(names()) {
            let names = names().collect::<Vec<_>>().join(", ");
            let message = format!("a row of {names} is no row of {}; this is a fault of the host", table.name);
            return Err(StoreError::Io { path: self.path.to_owned(), message });
        }
        let columns = names().collect::<Vec<_>>().join(", ");
        let places = vec!["?"; row.len()].join(", ");
        let sql = format!("{how} INTO {} ({columns}) VALUES ({places}) {rest}", table.name);
        let inserted = self.prepare(&sql)?.execute(params_from_iter(row.iter().map(|(_, cell)| cell)));
        inserted.map_err(|error| self.sqlite(&error))
    }
}
