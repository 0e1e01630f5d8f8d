//! The tables of a run with the columns that are written and read, in the order in which seals take them in.

/// A table, or those columns of one that a statement selects.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [&'static str],
}

pub(crate) const RUN: Table = Table { name: "run", columns: &["key", "value"] };

pub(crate) const COMPONENTS: Table = Table { name: "components", columns: &["digest", "name", "wasm"] };

pub(crate) const TASKS: Table =
    Table { name: "tasks", columns: &["key", "id", "messages", "responses", "reference", "preferred", "metadata"] };

pub(crate) const SAMPLES: Table = Table {
    name: "samples",
    columns: &[
        "task",
        "id",
        "round",
        "shown",
        "temperature",
        "seed",
        "prompt",
        "text",
        "thinking",
        "finish",
        "prompt_tokens",
        "completion_tokens",
        "seconds",
        "tokens",
        "judgement",
        "scores",
        "failure_kind",
        "failure_message",
        "extra",
    ],
};

pub(crate) const RATINGS: Table = Table {
    name: "ratings",
    columns: &[
        "task",
        "sample",
        "rating",
        "failure_kind",
        "failure_message",
        "prompt",
        "text",
        "thinking",
        "finish",
        "prompt_tokens",
        "completion_tokens",
        "seconds",
        "tokens",
    ],
};

pub(crate) const REWARDS: Table =
    Table { name: "rewards", columns: &["task", "scores", "used", "details", "failure_kind", "failure_message"] };

pub(crate) const PRINCIPLES: Table = Table {
    name: "principles",
    columns: &[
        "query",
        "temperature",
        "seed",
        "prompt",
        "text",
        "thinking",
        "finish",
        "prompt_tokens",
        "completion_tokens",
        "seconds",
        "tokens",
        "principles",
        "failure_kind",
        "failure_message",
    ],
};

pub(crate) const QUERIES: Table = Table { name: "queries", columns: &["task", "query"] };

pub(crate) const SEALS: Table =
    Table { name: "seals", columns: &["task", "content", "principles", "samples", "ratings", "reward", "clock"] };

impl Table {
    /// Returns these columns alone.
    pub(crate) const fn only(self, columns: &'static [&'static str]) -> Self {
        Self { columns, ..self }
    }

    /// Returns the statement that selects all columns; `rest` is what follows the table's name.
    pub(crate) fn select(self, rest: &str) -> String {
        format!("SELECT {} FROM {} {rest}", self.columns.join(", "), self.name)
    }

    /// Returns the place of a column in the statement of [`select`](Self::select).
    pub(crate) fn place(self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| *known == column)
    }
}
