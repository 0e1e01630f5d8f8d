//! What holds for a whole run.

use std::fmt;

use rusqlite::OptionalExtension;

use crate::cells::Cells;
use crate::columns::RUN;
use crate::error::StoreError;
use crate::foreign_text::shown;
use crate::tables::Tables;
use rewarden_record::{Drawn, HOST_VERSION, MOST_ROUNDS, Provenance, Strategy};
use rewarden_types::strict_json as json;

/// How a run came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunSource {
    /// Samples drawn from a model.
    Score,
    /// Completions recorded by something else.
    Import,
    /// Samples of another run, read and aggregated again.
    Replay,
}

impl RunSource {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Import => "import",
            Self::Replay => "replay",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Score, Self::Import, Self::Replay].into_iter().find(|source| source.name() == name)
    }
}

impl fmt::Display for RunSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// See the `run` table in `schema.sql`.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// How the run came to be.
    pub source: RunSource,
    /// Where an import or a replay came from, for people.
    pub origin: Option<String>,
    /// UTC time, ISO 8601; empty until the run is created.
    pub created: String,
    /// Version of the host that made it.
    pub host: String,
    /// How its samples were drawn.
    pub drawn: Drawn,
    /// What asked, read and aggregated; none in an import, whose completions nothing here has read yet.
    pub strategy: Option<Strategy>,
}

impl Header {
    /// The header of a new run, made by this host.
    pub fn new(source: RunSource, origin: Option<String>, drawn: Drawn, strategy: Option<Strategy>) -> Self {
        Self { source, origin, created: String::new(), host: HOST_VERSION.to_owned(), drawn, strategy }
    }

    /// Returns what its rewards go back to; `None` in an import.
    pub fn provenance(&self) -> Option<Provenance> {
        let strategy = self.strategy.clone()?;
        Some(Provenance { strategy, drawn: self.drawn.clone(), host: self.host.clone() })
    }
}

/// The keys of the table `run`.
const KEYS: [&str; 7] = ["created", "digest", "drawn", "host", "origin", "source", "strategy"];

impl Tables<'_> {
    /// The header; `None` if the run's creation was cut off.
    pub(crate) fn header(&self) -> Result<Option<Header>, StoreError> {
        let keys = RUN.only(&["key"]);
        self.each(&keys.select("ORDER BY key LIMIT 100"), [], |row| {
            let cells = Cells { tables: self, table: keys, row, name: "a row".to_owned() };
            match cells.text("key")? {
                key if KEYS.contains(&key) => Ok(()),
                key => Err(cells.error("key", format!("expected one of {}, found `{}`", KEYS.join(", "), shown(key)))),
            }
        })?;
        let Some(source) = self.header_value("source")? else { return Ok(None) };
        let source = RunSource::from_name(&source).ok_or_else(|| {
            self.wrong_header("source", format!("expected score, import or replay, found `{}`", shown(&source)))
        })?;
        let drawn = self
            .header_value("drawn")?
            .ok_or_else(|| self.wrong_header("drawn", "expected JSON, found nothing".to_owned()))?;
        let drawn: Drawn = json::form(&drawn).map_err(|message| self.wrong_header("drawn", message))?;
        if let Some(wrong) = out_of_range(&drawn) {
            return Err(self.wrong_header("drawn", wrong));
        }
        let strategy = self.header_value("strategy")?.map(|text| json::form(&text)).transpose();
        Ok(Some(Header {
            source,
            origin: self.header_value("origin")?,
            created: self.header_value("created")?.unwrap_or_default(),
            host: self.header_value("host")?.unwrap_or_default(),
            drawn,
            strategy: strategy.map_err(|message| self.wrong_header("strategy", message))?,
        }))
    }

    pub(crate) fn header_value(&self, key: &'static str) -> Result<Option<String>, StoreError> {
        let values = RUN.only(&["value"]);
        let mut statement = self.prepare(&values.select("WHERE key = ?"))?;
        let found = statement.query_row([key], |row| {
            let cells = Cells { tables: self, table: values, row, name: format!("key {key}") };
            Ok(cells.text("value").map(str::to_owned))
        });
        found.optional().map_err(|error| self.sqlite(&error))?.transpose()
    }

    pub(crate) fn wrong_header(&self, key: &'static str, message: String) -> StoreError {
        let path = self.path.to_owned();
        StoreError::Value { path, table: "run", row: format!("key {key}"), column: "value", message }
    }
}

/// What of it the host would not have begun with.
fn out_of_range(drawn: &Drawn) -> Option<String> {
    let sampling = &drawn.sampling;
    if !(sampling.temperature.is_finite() && sampling.temperature >= 0.0) {
        return Some(format!("expected a temperature of at least 0, found {}", sampling.temperature));
    }
    if let Some(top_p) = sampling.top_p.filter(|top_p| !(*top_p > 0.0 && *top_p <= 1.0)) {
        return Some(format!("expected a top_p above 0 and at most 1, found {top_p}"));
    }
    match drawn.budget.max_rounds {
        1..=MOST_ROUNDS => None,
        rounds => Some(format!("expected a budget of 1 to {MOST_ROUNDS} rounds, found {rounds}")),
    }
}
