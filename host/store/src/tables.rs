//! Rows of the run's tables as they are written.

use std::cell::RefCell;
use std::path::Path;

use rewarden_types::{Completion, FinishReason, Outcome, Rating, Reward, Task};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use crate::cells::Cells;
use crate::encode;
use crate::error::StoreError;
use crate::principles::Cache;
use crate::seal::{RATING_SECONDS, SAMPLE_SECONDS, Sealed};
use rewarden_record::{MetaRecord, SampleRecord, TaskFailure, TaskKey};

/// How a task ended.
pub(crate) type End = Result<Reward, TaskFailure>;

/// A run's connection with the path that errors name.
pub(crate) struct Tables<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) path: &'a Path,
    /// Whether the run has seals.
    pub(crate) sealed: bool,
    /// Principles that were read, where tasks are read one after the other.
    pub(crate) principles: Option<&'a RefCell<Cache>>,
}

pub(crate) const TASK_COLUMNS: &str = "key, id, messages, responses, reference, preferred, metadata";
pub(crate) const SAMPLE_COLUMNS: &str = "task, id, round, shown, temperature, seed, prompt, text, thinking, finish, prompt_tokens, \
     completion_tokens, seconds, tokens, judgement, scores, failure_kind, failure_message, extra";
pub(crate) const RATING_COLUMNS: &str = "task, sample, rating, failure_kind, failure_message, prompt, text, thinking, finish, \
     prompt_tokens, completion_tokens, seconds, tokens";

pub(crate) const REWARD_COLUMNS: &str = "task, scores, used, details, failure_kind, failure_message";

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

/// The values of a completion's columns, and of what it cost.
struct CompletionCells<'a> {
    text: Cell<'a>,
    thinking: Cell<'a>,
    finish: Cell<'a>,
    prompt_tokens: Cell<'a>,
    completion_tokens: Cell<'a>,
    tokens: Cell<'a>,
}

impl<'a> CompletionCells<'a> {
    fn new(completion: Option<&'a Completion>) -> Self {
        // There is no prompt without tokens, so zero stands for "unknown".
        let usage = completion.map(|completion| completion.usage).filter(|usage| usage.prompt_tokens > 0);
        let tokens = completion.map(|completion| &completion.tokens).filter(|tokens| !tokens.is_empty());
        Self {
            text: optional(completion, |completion| text(&completion.text)),
            thinking: optional(completion.and_then(|completion| completion.thinking.as_deref()), text),
            finish: optional(completion, |completion| text(finish_name(completion.finish))),
            prompt_tokens: optional(usage, |usage| number(usage.prompt_tokens)),
            completion_tokens: optional(usage, |usage| number(usage.completion_tokens)),
            tokens: optional(tokens, |tokens| made(encode::plain_text(tokens))),
        }
    }
}

impl Tables<'_> {
    pub(crate) fn sqlite(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::sqlite(self.path, error)
    }

    /// Adds a task; none where there is one of this id.
    pub(crate) fn insert_task(&self, task: &Task) -> Result<Option<(TaskKey, Sealed)>, StoreError> {
        let preferred = task.preferred.and_then(|index| i64::try_from(index).ok());
        let row = [
            text(&task.id),
            made(encode::messages_text(&task.messages)),
            made(encode::plain_text(&task.responses)),
            optional(task.reference.as_deref(), text),
            optional(preferred, number),
            made(encode::plain_text(&task.metadata)),
        ];
        let sql = "INSERT INTO tasks (id, messages, responses, reference, preferred, metadata) \
                   VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";
        let inserted = self.prepare(sql)?.execute(params_from_iter(&row)).map_err(|error| self.sqlite(&error))?;
        let key = || TaskKey(self.connection.last_insert_rowid());
        Ok((inserted > 0).then(|| (key(), Sealed::written(&row, 0, None))))
    }

    pub(crate) fn insert_sample(&self, TaskKey(task): TaskKey, sample: &SampleRecord) -> Result<Sealed, StoreError> {
        let completion = CompletionCells::new(sample.completion.as_ref());
        let (scores, failure) = match &sample.outcome {
            Outcome::Scored(scores) => (Some(scores), None),
            Outcome::Failed(failure) => (None, Some(failure)),
        };
        let row = [
            number(task),
            number(sample.id),
            number(sample.round),
            made(encode::plain_text(&sample.order)),
            real(sample.temperature),
            // Seeds of samples have 53 bits.
            number(i64::try_from(sample.seed).unwrap_or(i64::MAX)),
            optional(sample.prompt, |digest| made(digest.to_string())),
            completion.text,
            completion.thinking,
            completion.finish,
            completion.prompt_tokens,
            completion.completion_tokens,
            optional(sample.seconds, real),
            completion.tokens,
            optional(sample.judgement.as_ref(), |judgement| made(encode::judgement_text(judgement))),
            optional(scores, |scores| made(encode::placed_text(scores))),
            optional(failure, |failure| text(failure.kind.name())),
            optional(failure, |failure| text(&failure.message)),
            optional((!sample.extra.is_empty()).then_some(&sample.extra), |extra| made(encode::plain_text(extra))),
        ];
        self.insert("samples", SAMPLE_COLUMNS, &row, Some(SAMPLE_SECONDS))
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
        let completion = CompletionCells::new(meta.completion.as_ref());
        let row = [
            number(task),
            number(sample),
            optional(rating, real),
            optional(failure, |failure| text(failure.kind.name())),
            optional(failure, |failure| text(&failure.message)),
            optional(meta.prompt, |digest| made(digest.to_string())),
            completion.text,
            completion.thinking,
            completion.finish,
            completion.prompt_tokens,
            completion.completion_tokens,
            optional(meta.seconds, real),
            completion.tokens,
        ];
        self.insert("ratings", RATING_COLUMNS, &row, Some(RATING_SECONDS))
    }

    pub(crate) fn insert_reward(&self, TaskKey(task): TaskKey, end: &End) -> Result<Sealed, StoreError> {
        let (reward, failure) = (end.as_ref().ok(), end.as_ref().err());
        let row = [
            number(task),
            optional(reward, |reward| made(encode::scores_text(&reward.scores))),
            optional(reward, |reward| made(encode::plain_text(&reward.used))),
            optional(reward, |reward| made(encode::details_text(&reward.details))),
            optional(failure, |failure| text(failure.kind.name())),
            optional(failure, |failure| text(&failure.message)),
        ];
        self.insert("rewards", REWARD_COLUMNS, &row, None)
    }

    /// Adds a row whose first value is its task's key.
    fn insert(
        &self,
        table: &'static str,
        columns: &str,
        row: &[Cell<'_>],
        seconds: Option<usize>,
    ) -> Result<Sealed, StoreError> {
        let sql = format!("INSERT INTO {table} ({columns}) VALUES ({})", vec!["?"; row.len()].join(", "));
        let inserted = self.prepare(&sql)?.execute(params_from_iter(row));
        inserted.map_err(|error| self.sqlite(&error))?;
        Ok(Sealed::written(row, 1, seconds))
    }

    pub(crate) fn prepare(&self, sql: &str) -> Result<rusqlite::CachedStatement<'_>, StoreError> {
        self.connection.prepare_cached(sql).map_err(|error| self.sqlite(&error))
    }

    /// Goes through the rows of a statement.
    pub(crate) fn each(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        mut take: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(parameters).map_err(|error| self.sqlite(&error))?;
        while let Some(row) = rows.next().map_err(|error| self.sqlite(&error))? {
            take(row)?;
        }
        Ok(())
    }

    /// A task's key in the first column, above the one before it. In a damaged file rows may come out of order, again, or
    /// without end.
    pub(crate) fn ascending_key(&self, row: &Row<'_>, table: &'static str, before: i64) -> Result<i64, StoreError> {
        let column = if table == "tasks" { "key" } else { "task" };
        let cells = Cells { tables: self, table, row, name: format!("after task {before}") };
        cells.integer(0, column, before.saturating_add(1)..=i64::MAX)
    }
}

pub(crate) fn finish_name(finish: FinishReason) -> &'static str {
    match finish {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
    }
}
