//! Rows of the run's tables as they are written.

use std::cell::RefCell;
use std::path::Path;

use rewarden_inference::FinishReason;
use rewarden_runtime::contract::{Outcome, Rating, Reward};
use rusqlite::{Connection, Row, params};

use super::cells::Cells;
use super::encode;
use super::error::StoreError;
use super::principles::Cache;
use crate::sample::{MetaRecord, SampleRecord, failure_name};
use crate::task::Task;
use crate::verdict::TaskFailure;

/// A task within one run: its row in `tasks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskKey(pub(super) i64);

/// How a task ended.
pub(super) type End = Result<Reward, TaskFailure>;

/// A run's connection with the path that errors name.
pub(super) struct Tables<'a> {
    pub(super) connection: &'a Connection,
    pub(super) path: &'a Path,
    /// Whether the run has seals.
    pub(super) sealed: bool,
    /// Principles that were read, where tasks are read one after the other.
    pub(super) principles: Option<&'a RefCell<Cache>>,
}

pub(super) const TASK_COLUMNS: &str = "key, id, messages, responses, reference, preferred, metadata";
pub(super) const SAMPLE_COLUMNS: &str = "task, id, round, shown, temperature, seed, prompt, text, thinking, finish, prompt_tokens, \
     completion_tokens, seconds, tokens, judgement, scores, failure_kind, failure_message, extra";
pub(super) const RATING_COLUMNS: &str = "task, sample, rating, failure_kind, failure_message, prompt, text, thinking, finish, \
     prompt_tokens, completion_tokens, seconds, tokens";

pub(super) const REWARD_COLUMNS: &str = "task, scores, used, details, failure_kind, failure_message";

const INSERT_TASK: &str =
    "INSERT INTO tasks (id, messages, responses, reference, preferred, metadata) VALUES (?, ?, ?, ?, ?, ?)";
const INSERT_NEW_TASK: &str = "INSERT INTO tasks (id, messages, responses, reference, preferred, metadata) \
     VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";

/// The values of a row in `tasks`.
macro_rules! task_row {
    ($task:expr) => {
        params![
            $task.id,
            encode::messages_text(&$task.messages),
            encode::plain_text(&$task.responses),
            $task.reference,
            $task.preferred.and_then(|index| i64::try_from(index).ok()),
            encode::plain_text(&$task.metadata),
        ]
    };
}

impl Tables<'_> {
    pub(super) fn sqlite(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::sqlite(self.path, error)
    }

    pub(super) fn insert_task(&self, task: &Task) -> Result<TaskKey, StoreError> {
        let inserted = self.prepare(INSERT_TASK)?.insert(task_row!(task));
        inserted.map(TaskKey).map_err(|error| self.sqlite(&error))
    }

    /// None where there is a task of this id.
    pub(super) fn insert_new_task(&self, task: &Task) -> Result<Option<TaskKey>, StoreError> {
        let mut statement = self.prepare(INSERT_NEW_TASK)?;
        let inserted = statement.execute(task_row!(task)).map_err(|error| self.sqlite(&error))?;
        Ok((inserted > 0).then(|| TaskKey(self.connection.last_insert_rowid())))
    }

    pub(super) fn insert_sample(&self, TaskKey(task): TaskKey, sample: &SampleRecord) -> Result<(), StoreError> {
        let sql = format!("INSERT INTO samples ({SAMPLE_COLUMNS}) VALUES ({})", ["?"; 19].join(", "));
        let mut statement = self.prepare(&sql)?;
        let completion = sample.completion.as_ref();
        let usage = sample.usage();
        let (scores, failure) = match &sample.outcome {
            Outcome::Scored(scores) => (Some(encode::placed_text(scores)), None),
            Outcome::Failed(failure) => (None, Some(failure)),
        };
        let inserted = statement.execute(params![
            task,
            sample.id,
            sample.round,
            encode::plain_text(&sample.order),
            sample.temperature,
            // Seeds of samples have 53 bits.
            i64::try_from(sample.seed).unwrap_or(i64::MAX),
            sample.prompt.map(|digest| digest.to_string()),
            completion.map(|completion| &completion.text),
            completion.and_then(|completion| completion.thinking.as_ref()),
            completion.map(|completion| finish_name(completion.finish)),
            usage.map(|usage| usage.prompt_tokens),
            usage.map(|usage| usage.completion_tokens),
            sample.seconds,
            completion.filter(|c| !c.tokens.is_empty()).map(|completion| encode::plain_text(&completion.tokens)),
            sample.judgement.as_ref().map(encode::judgement_text),
            scores,
            failure.map(|failure| failure_name(failure.kind)),
            failure.map(|failure| &failure.message),
            (!sample.extra.is_empty()).then(|| encode::plain_text(&sample.extra)),
        ]);
        inserted.map(|_| ()).map_err(|error| self.sqlite(&error))
    }

    pub(super) fn insert_rating(
        &self,
        TaskKey(task): TaskKey,
        sample: u32,
        meta: &MetaRecord,
    ) -> Result<(), StoreError> {
        let sql = format!("INSERT INTO ratings ({RATING_COLUMNS}) VALUES ({})", ["?"; 13].join(", "));
        let mut statement = self.prepare(&sql)?;
        let (rating, failure) = match &meta.rating {
            Rating::Rated(rating) => (Some(rating), None),
            Rating::Failed(failure) => (None, Some(failure)),
        };
        let completion = meta.completion.as_ref();
        let usage = completion.map(|completion| completion.usage).filter(|usage| usage.prompt_tokens > 0);
        let inserted = statement.execute(params![
            task,
            sample,
            rating,
            failure.map(|failure| failure_name(failure.kind)),
            failure.map(|failure| &failure.message),
            meta.prompt.map(|digest| digest.to_string()),
            completion.map(|completion| &completion.text),
            completion.and_then(|completion| completion.thinking.as_ref()),
            completion.map(|completion| finish_name(completion.finish)),
            usage.map(|usage| usage.prompt_tokens),
            usage.map(|usage| usage.completion_tokens),
            meta.seconds,
            completion.filter(|c| !c.tokens.is_empty()).map(|completion| encode::plain_text(&completion.tokens)),
        ]);
        inserted.map(|_| ()).map_err(|error| self.sqlite(&error))
    }

    pub(super) fn insert_reward(
        &self,
        TaskKey(task): TaskKey,
        reward: &Result<Reward, TaskFailure>,
    ) -> Result<(), StoreError> {
        let mut statement =
            self.prepare(&format!("INSERT INTO rewards ({REWARD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"))?;
        let (reward, failure) = (reward.as_ref().ok(), reward.as_ref().err());
        let inserted = statement.execute(params![
            task,
            reward.map(|reward| encode::scores_text(&reward.scores)),
            reward.map(|reward| encode::plain_text(&reward.used)),
            reward.map(|reward| encode::details_text(&reward.details)),
            failure.map(|failure| failure.kind.name()),
            failure.map(|failure| &failure.message),
        ]);
        inserted.map(|_| ()).map_err(|error| self.sqlite(&error))
    }

    pub(super) fn prepare(&self, sql: &str) -> Result<rusqlite::CachedStatement<'_>, StoreError> {
        self.connection.prepare_cached(sql).map_err(|error| self.sqlite(&error))
    }

    /// Goes through the rows of a statement.
    pub(super) fn each(
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
    pub(super) fn ascending_key(&self, row: &Row<'_>, table: &'static str, before: i64) -> Result<i64, StoreError> {
        let column = if table == "tasks" { "key" } else { "task" };
        let cells = Cells { tables: self, table, row, name: format!("after task {before}") };
        cells.integer(0, column, before.saturating_add(1)..=i64::MAX)
    }
}

pub(super) fn finish_name(finish: FinishReason) -> &'static str {
    match finish {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
    }
}
