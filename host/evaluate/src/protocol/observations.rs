//! Sums of what a protocol saw in the tasks.

use std::collections::BTreeMap;

use crate::ProtocolRow;
use crate::protocol::ties::{Margins, TieKind, Ties};

/// The two names that a mark is summed under, such as a domain and a difficulty.
pub(crate) type Place = (&'static str, &'static str);

/// What a protocol saw in a task.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Observation {
    /// Marks from 0 to 1.
    pub(crate) marks: Vec<(Place, f64)>,
    /// A prompt of RewardBench 2's Ties: its kind, its number, and its margins where everything has a score.
    pub(crate) tie: Option<(TieKind, u64, Option<Margins>)>,
}

impl Observation {
    pub(crate) fn of(marks: impl IntoIterator<Item = (Place, f64)>) -> Self {
        Self { marks: marks.into_iter().collect(), tie: None }
    }
}

/// What a protocol saw in all tasks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Observations {
    sums: BTreeMap<Place, (f64, u64)>,
    pub(crate) ties: Ties,
}

/// A mean of marks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mean {
    pub(crate) score: f64,
    pub(crate) tasks: u64,
}

impl Mean {
    pub(crate) fn row(self, level: &'static str, name: &str) -> ProtocolRow {
        ProtocolRow { level, name: name.to_owned(), score: self.score, tasks: self.tasks }
    }
}

impl Observations {
    pub(crate) fn add(&mut self, observation: Observation) {
        for (place, mark) in observation.marks {
            let (sum, tasks) = self.sums.entry(place).or_default();
            *sum += mark;
            *tasks += 1;
        }
        if let Some((kind, prompt, margins)) = observation.tie {
            self.ties.add(kind, prompt, margins);
        }
    }

    /// None without marks.
    pub(crate) fn mean(&self, place: Place) -> Option<Mean> {
        self.sums.get(&place).map(|(sum, tasks)| Mean { score: sum / *tasks as f64, tasks: *tasks })
    }
}

/// The unweighted mean of parts, and all their tasks; `None` if there is none or one of them is missing.
pub(crate) fn mean_of(parts: &[Option<Mean>]) -> Option<Mean> {
    let parts: Vec<Mean> = parts.iter().copied().collect::<Option<_>>()?;
    (!parts.is_empty()).then(|| Mean {
        score: parts.iter().map(|part| part.score).sum::<f64>() / parts.len() as f64,
        tasks: parts.iter().map(|part| part.tasks).sum(),
    })
}
