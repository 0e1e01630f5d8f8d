//! A task with all that belongs to it, every value checked, and its seal.

use std::collections::HashSet;
use std::sync::Arc;

use rewarden_record::{MetaRecord, Recorded, SampleRecord, TaskFailure, TaskFailureKind, TaskKey};
use rewarden_types::{Outcome, Rating, Reward, Task, strict_json as json};
use rusqlite::Row;

use crate::cells::Cells;
use crate::change::Change;
use crate::columns::{RATINGS, TASKS};
use crate::encode;
use crate::error::StoreError;
use crate::foreign_text::shown;
use crate::seal::{Sealed, Sealing};
use crate::tables::Tables;
use crate::written_rows::End;

/// A task as it was read.
pub(crate) struct Whole {
    pub(crate) recorded: Recorded,
    /// What differs from its seal; nothing in a run without seals.
    pub(crate) change: Option<Change>,
    /// Bytes of its texts.
    pub(crate) bytes: u64,
}

/// Which task to read.
#[derive(Clone, Copy)]
pub(crate) enum Which<'a> {
    /// The first one after this key.
    After(TaskKey),
    /// The one with this id.
    Id(&'a str),
    /// The one with this key.
    Key(TaskKey),
}

/// What one task may take.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    /// Bytes of all its texts.
    pub(crate) bytes: u64,
}

impl Room {
    fn check(self, tables: &Tables<'_>, TaskKey(task): TaskKey, bytes: u64) -> Result<(), StoreError> {
        if bytes <= self.bytes {
            return Ok(());
        }
        Err(StoreError::Crowded { path: tables.path.to_owned(), task, most: self.bytes })
    }
}

impl Tables<'_> {
    /// Reads a task; `None` if there is no such task.
    pub(crate) fn whole(&self, which: Which<'_>, room: Room) -> Result<Option<Whole>, StoreError> {
        let mut seal = Sealing::new();
        let Some((key, task)) = self.task(which, &mut seal)? else { return Ok(None) };
        let principles = self.principles_of(key)?;
        let record = principles.as_ref().map(|(held, _)| held.record.clone());
        if let Some((held, bytes)) = principles {
            seal.principles(&held.sealed, bytes);
        }
        let of = |table: &'static str| move || format!("table {table}, task {}: a row", key.0);
        let samples = self.samples(key, task.responses.len(), &mut seal, room);
        let mut samples = samples.map_err(|error| error.at(of("samples")))?;
        self.ratings(key, &mut samples, &mut seal, room).map_err(|error| error.at(of("ratings")))?;
        let reward = self.reward(key, &task, &samples, &mut seal).map_err(|error| error.at(of("rewards")))?;
        let bytes = seal.bytes();
        let change = match self.schema.is_sealed().then(|| self.find_seal(key)).transpose()?.flatten() {
            Some(then) => {
                let tables = then.changed(&seal.finish());
                (!tables.is_empty()).then(|| Change::Sealed { task: task.id.clone(), tables })
            }
            None if self.schema.is_sealed() && reward.is_some() => Some(Change::Unsealed { task: task.id.clone() }),
            None => None,
        };
        let recorded = Recorded { key, task, principles: record, samples, reward };
        Ok(Some(Whole { recorded, change, bytes }))
    }

    /// Reads a task as [`whole`](Tables::whole) does, and refuses one that is not as it was sealed.
    pub(crate) fn unchanged(&self, which: Which<'_>, room: Room) -> Result<Option<Recorded>, StoreError> {
        match self.whole(which, room)? {
            Some(Whole { change: Some(change), .. }) => {
                Err(StoreError::Changed { path: self.path.to_owned(), change: Box::new(change) })
            }
            whole => Ok(whole.map(|whole| whole.recorded)),
        }
    }

    fn task(&self, which: Which<'_>, seal: &mut Sealing) -> Result<Option<(TaskKey, Task)>, StoreError> {
        let (condition, before) = match which {
            Which::After(TaskKey(key)) => ("WHERE key > ? ORDER BY key LIMIT 1", key),
            Which::Id(_) => ("WHERE id = ?", 0),
            Which::Key(TaskKey(key)) => ("WHERE key = ?", key.saturating_sub(1)),
        };
        let mut statement = self.prepare(&TASKS.select(condition))?;
        let sqlite = |error: rusqlite::Error| self.sqlite(&error);
        let mut rows = match which {
            Which::After(TaskKey(key)) | Which::Key(TaskKey(key)) => statement.query([key]),
            Which::Id(id) => statement.query([id]),
        }
        .map_err(sqlite)?;
        let Some(row) = rows.next().map_err(sqlite)? else { return Ok(None) };
        let key = self.ascending_key(row, TASKS, before)?;
        seal.content(&Sealed::read(row, TASKS).map_err(sqlite)?);
        let cells = Cells { tables: self, table: TASKS, row, name: format!("key {key}") };
        let responses: Vec<Arc<str>> = cells.decoded("responses", |text| json::list(text, json::MOST_VALUES))?;
        let last = match i64::try_from(responses.len()).unwrap_or(i64::MAX) {
            0 => return Err(cells.error("responses", "expected at least one response, found none".to_owned())),
            count => count - 1,
        };
        let task = Task {
            id: cells.text("id")?.to_owned(),
            messages: cells.decoded("messages", encode::messages)?.into(),
            responses: responses.into(),
            reference: cells.optional_text("reference")?.map(Arc::from),
            preferred: cells
                .optional_integer("preferred", 0..=last)?
                .and_then(|preferred| usize::try_from(preferred).ok()),
            metadata: cells.decoded("metadata", json::object)?,
        };
        if task.messages.is_empty() {
            return Err(cells.error("messages", "expected at least one message, found none".to_owned()));
        }
        if let Which::Id(id) = which
            && id != task.id
        {
            return Err(cells.error("id", format!("its index says `{}`", shown(id))));
        }
        Ok(Some((TaskKey(key), task)))
    }

    fn samples(
        &self,
        key: TaskKey,
        responses: usize,
        seal: &mut Sealing,
        room: Room,
    ) -> Result<Vec<SampleRecord>, StoreError> {
        let table = self.schema.samples();
        let sql = table.select("WHERE task = ? ORDER BY id");
        let mut samples: Vec<SampleRecord> = Vec::new();
        self.each(&sql, [key.0], |row| {
            let sealed = Sealed::read(row, table).map_err(|error| self.sqlite(&error))?;
            room.check(self, key, seal.bytes() + sealed.bytes())?;
            let least = samples.last().map_or(0, |before| i64::from(before.id) + 1);
            let sample = self.sample(key, row, least, responses)?;
            seal.sample(i64::from(sample.id), &sealed);
            samples.push(sample);
            Ok(())
        })?;
        Ok(samples)
    }

    fn sample(
        &self,
        TaskKey(key): TaskKey,
        row: &Row<'_>,
        least: i64,
        responses: usize,
    ) -> Result<SampleRecord, StoreError> {
        let cells = Cells { tables: self, table: self.schema.samples(), row, name: format!("task {key}") };
        let id = cells.integer("id", least..=i64::from(u32::MAX))?;
        let cells = Cells { name: format!("task {key}, id {id}"), ..cells };
        let failure = cells.failure()?;
        let outcome = match (cells.optional("scores", |text| encode::placed(text, responses))?, failure) {
            (Some(scores), None) => Outcome::Scored(scores),
            (None, Some(failure)) => Outcome::Failed(failure),
            (None, None) => return Err(cells.error("scores", "expected scores or a failure, found neither".to_owned())),
            (Some(_), Some(_)) => {
                return Err(cells.error("scores", "expected scores or a failure, found both".to_owned()));
            }
        };
        Ok(SampleRecord {
            id: u32::try_from(id).unwrap_or(u32::MAX),
            round: cells.count("round")?,
            order: cells.decoded("shown", |text| encode::order(text, responses))?,
            temperature: cells.temperature()?,
            seed: cells.seed()?,
            prompt: cells.digest("prompt")?,
            judge: cells.optional_text("judge")?.map(str::to_owned),
            asked: cells.optional("asked", encode::asked)?.unwrap_or_default(),
            built_on: cells.optional("built_on", |text| encode::built_on(text, id))?.unwrap_or_default(),
            completion: cells.completion()?,
            seconds: cells.seconds()?,
            judgement: cells.optional("judgement", encode::judgement)?,
            outcome,
            meta: None,
            extra: cells.optional("extra", json::object)?.unwrap_or_default(),
        })
    }

    /// Gives each rating to its sample.
    fn ratings(
        &self,
        key: TaskKey,
        samples: &mut [SampleRecord],
        seal: &mut Sealing,
        room: Room,
    ) -> Result<(), StoreError> {
        let sql = RATINGS.select("WHERE task = ? ORDER BY sample");
        let mut rest = samples.iter_mut();
        self.each(&sql, [key.0], |row| {
            let sealed = Sealed::read(row, RATINGS).map_err(|error| self.sqlite(&error))?;
            room.check(self, key, seal.bytes() + sealed.bytes())?;
            let TaskKey(key) = key;
            let cells = Cells { tables: self, table: RATINGS, row, name: format!("task {key}") };
            let id = cells.count("sample")?;
            seal.rating(i64::from(id), &sealed);
            let cells = Cells { name: format!("task {key}, sample {id}"), ..cells };
            let meta = rating(&cells)?;
            // Both come by the sample's id.
            match rest.find(|sample| sample.id == id) {
                Some(sample) => sample.meta = Some(meta),
                None => return Err(cells.error("sample", format!("the task has no sample {id}, or rates it twice"))),
            }
            Ok(())
        })
    }

    fn reward(
        &self,
        TaskKey(key): TaskKey,
        task: &Task,
        samples: &[SampleRecord],
        seal: &mut Sealing,
    ) -> Result<Option<End>, StoreError> {
        let mut found = None;
        let table = self.schema.rewards();
        self.each(&table.select("WHERE task = ?"), [key], |row| {
            seal.reward(&Sealed::read(row, table).map_err(|error| self.sqlite(&error))?);
            let cells = Cells { tables: self, table, row, name: format!("task {key}") };
            found = Some(reward(&cells, task, samples)?);
            Ok(())
        })?;
        Ok(found)
    }
}

fn rating(cells: &Cells<'_>) -> Result<MetaRecord, StoreError> {
    let rating = match (cells.optional_number("rating")?, cells.failure()?) {
        (Some(rating), None) => Rating::Rated(rating),
        (None, Some(failure)) => Rating::Failed(failure),
        (None, None) => return Err(cells.error("rating", "expected a number or a failure, found neither".to_owned())),
        (Some(_), Some(_)) => {
            return Err(cells.error("rating", "expected a number or a failure, found both".to_owned()));
        }
    };
    Ok(MetaRecord {
        rating,
        prompt: cells.digest("prompt")?,
        completion: cells.completion()?,
        seconds: cells.seconds()?,
    })
}

fn reward(cells: &Cells<'_>, task: &Task, samples: &[SampleRecord]) -> Result<End, StoreError> {
    let kind = cells.optional("failure_kind", |text| {
        TaskFailureKind::from_name(text).ok_or_else(|| format!("unknown kind `{}`", shown(text)))
    })?;
    match (cells.optional("scores", |text| encode::scores(text, task.responses.len()))?, kind) {
        (Some(scores), None) => {
            cells.nothing("failure_message", "beside scores")?;
            for (place, sample) in samples.iter().enumerate() {
                if usize::try_from(sample.id).is_ok_and(|id| id != place) {
                    return Err(cells.error("scores", format!("the task has scores, but no sample {place}")));
                }
            }
            let known: HashSet<u32> = samples.iter().map(|sample| sample.id).collect();
            let used: Vec<u32> = cells.decoded("used", |text| json::list(text, json::MOST_VALUES))?;
            if let Some(unknown) = used.iter().find(|id| !known.contains(id)) {
                return Err(cells.error("used", format!("the task has no sample {unknown}")));
            }
            let rejected = cells.optional("rejected", encode::rejected)?.unwrap_or_default();
            if let Some(wrong) = rejected.iter().find(|rejection| !known.contains(&rejection.sample)) {
                return Err(cells.error("rejected", format!("the task has no sample {}", wrong.sample)));
            }
            let criteria = cells.optional("criteria", encode::criteria)?.unwrap_or_default();
            if let Some(wrong) = criteria.iter().find(|score| score.response as usize >= task.responses.len()) {
                return Err(cells.error("criteria", format!("the task has no response {}", wrong.response)));
            }
            let details = cells.decoded("details", encode::details)?;
            let confidence = cells.optional_probability("confidence")?;
            Ok(Ok(Reward { scores, used, rejected, criteria, confidence, details }))
        }
        (None, Some(kind)) => {
            cells.nothing("used", "without scores")?;
            for column in ["rejected", "criteria", "confidence"] {
                cells.nothing(column, "without scores")?;
            }
            cells.nothing("details", "without scores")?;
            Ok(Err(TaskFailure { kind, message: cells.text("failure_message")?.to_owned() }))
        }
        (None, None) => Err(cells.error("scores", "expected scores or a failure, found neither".to_owned())),
        (Some(_), Some(_)) => Err(cells.error("scores", "expected scores or a failure, found both".to_owned())),
    }
}
