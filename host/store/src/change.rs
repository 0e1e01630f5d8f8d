//! What is not as it was when a run was written.

use std::fmt;

use rewarden_types::Sha256Digest;

use crate::foreign_text::shown;
use crate::seal::RunDigest;

/// A difference between a run and what was sealed of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Rows of a task are not those that were sealed.
    Sealed {
        /// The task's id.
        task: String,
        /// The tables; `seconds` where nothing but times was changed.
        tables: Vec<&'static str>,
    },
    /// A finished task, or any task of a closed run, without a seal.
    Unsealed {
        /// The task's id.
        task: String,
    },
    /// A row that belongs to nothing.
    Orphan {
        /// Its table.
        table: &'static str,
        /// Its keys, in words.
        row: String,
        /// What is not there.
        missing: &'static str,
    },
    /// What names and describes the run.
    Header,
    /// The components' names, digests or number.
    Components,
    /// A component that is not what its digest says.
    Component {
        /// Its name.
        name: String,
        /// The digest in its row.
        recorded: String,
        /// That of its bytes.
        found: Sha256Digest,
    },
    /// The seals of a closed run are others.
    Seals {
        /// How many there were.
        then: u64,
        /// How many there are.
        now: u64,
    },
    /// The digest of a closed run is another.
    Digest {
        /// What it was closed with.
        then: Sha256Digest,
        /// What its rows give.
        now: Sha256Digest,
    },
}

/// Returns what differs between a run as it was closed and as it is: all parts that can be named, or the whole.
pub(crate) fn of_digest(then: &RunDigest, now: &RunDigest) -> Vec<Change> {
    let mut changes = Vec::new();
    if then.header != now.header {
        changes.push(Change::Header);
    }
    if then.components != now.components {
        changes.push(Change::Components);
    }
    if (&then.tasks, then.count) != (&now.tasks, now.count) {
        changes.push(Change::Seals { then: then.count, now: now.count });
    }
    if then.run != now.run {
        changes.push(Change::Digest { then: then.run, now: now.run });
    }
    changes
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sealed { task, tables } => {
                let place = |table: &&'static str| match *table {
                    "seconds" => "the column `seconds`".to_owned(),
                    table => format!("table {table}"),
                };
                let tables: Vec<_> = tables.iter().map(place).collect();
                write!(f, "task {}: {} changed since the task was sealed", shown(task), tables.join(", "))
            }
            Self::Unsealed { task } => write!(f, "task {}: its row in table seals is missing", shown(task)),
            Self::Orphan { table, row, missing } => write!(f, "table {table}, {row}: there is no {missing}"),
            Self::Header => f.write_str("table run changed since the run was closed"),
            Self::Components => f.write_str("table components changed since the run was closed"),
            Self::Component { name, recorded, found } => write!(
                f,
                "table components, {}: recorded as {}, but its bytes have the digest {found}",
                shown(name),
                shown(recorded)
            ),
            Self::Seals { then, now } if then == now => f.write_str("table seals changed since the run was closed"),
            Self::Seals { then, now } => {
                write!(f, "the run was closed with {then} tasks, and has seals of {now} now")
            }
            Self::Digest { then, now } => write!(f, "the run was closed with the digest {then}, and has {now} now"),
        }
    }
}
