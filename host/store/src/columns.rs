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
        "judge",
        "asked",
        "built_on",
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
        "answer_logprob",
        "thinking_logprob",
        "judgement",
        "scores",
        "failure_kind",
        "failure_message",
        "extra",
    ],
};

/// As schemas 2 and 3 have it.
const SAMPLES_BEFORE_4: Table = SAMPLES.only(&[
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
]);

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

pub(crate) const REWARDS: Table = Table {
    name: "rewards",
    columns: &[
        "task",
        "scores",
        "used",
        "rejected",
        "criteria",
        "confidence",
        "details",
        "failure_kind",
        "failure_message",
    ],
};

/// As schemas 2 and 3 have it.
const REWARDS_BEFORE_4: Table = REWARDS.only(&["task", "scores", "used", "details", "failure_kind", "failure_message"]);

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

/// The version of a run's schema, which decides what its tables have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Schema(pub(crate) u32);

impl Schema {
    /// Whether a column of this name is missing in tables of this version alone.
    pub(crate) fn lacks(self, column: &str) -> bool {
        const NEW_IN_4: [&str; 8] =
            ["judge", "asked", "built_on", "answer_logprob", "thinking_logprob", "rejected", "criteria", "confidence"];
        !self.has_criteria() && NEW_IN_4.contains(&column)
    }

    /// Whether finished tasks have seals.
    pub(crate) fn is_sealed(self) -> bool {
        self >= Self(3)
    }

    /// Whether samples and rewards have the columns of contract 0.3.
    pub(crate) fn has_criteria(self) -> bool {
        self >= Self(4)
    }

    /// Whether components are compressed.
    pub(crate) fn packs_components(self) -> bool {
        self >= Self(5)
    }

    pub(crate) fn samples(self) -> Table {
        if self.has_criteria() { SAMPLES } else { SAMPLES_BEFORE_4 }
    }

    pub(crate) fn rewards(self) -> Table {
        if self.has_criteria() { REWARDS } else { REWARDS_BEFORE_4 }
    }
}

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
