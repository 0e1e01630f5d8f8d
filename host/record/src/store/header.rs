//! What holds for a whole run.

use std::fmt;

use crate::provenance::{Drawn, HOST_VERSION, Provenance, Strategy};

/// How a run came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Samples drawn from a model.
    Score,
    /// Completions recorded by something else.
    Import,
    /// Samples of another run, read and aggregated again.
    Replay,
}

impl Source {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Import => "import",
            Self::Replay => "replay",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Score, Self::Import, Self::Replay].into_iter().find(|source| source.name() == name)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// See the `run` table in `schema.sql`.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// How the run came to be.
    pub source: Source,
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
    pub fn new(source: Source, origin: Option<String>, drawn: Drawn, strategy: Option<Strategy>) -> Self {
        Self { source, origin, created: String::new(), host: HOST_VERSION.to_owned(), drawn, strategy }
    }

    /// What its rewards go back to; none in an import.
    pub fn provenance(&self) -> Option<Provenance> {
        let strategy = self.strategy.clone()?;
        Some(Provenance { strategy, drawn: self.drawn.clone(), host: self.host.clone() })
    }
}
