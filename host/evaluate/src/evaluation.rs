//! What comes out: every figure that tables, charts and pages show.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Reliability, Voting};

/// A share of labelled tasks with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// 0 to 1.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
    /// Tasks that it was measured on.
    pub tasks: u64,
}

/// A point of the accuracy@k curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AtK {
    /// Samples a task.
    pub k: u32,
    /// Mean accuracy over random subsets of k of each task's samples, with a bootstrap interval over tasks and subsets.
    pub accuracy: Share,
}

/// The figures of a group of tasks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Tasks, labelled or not.
    pub tasks: u64,
    /// Tasks with a label and at least two responses.
    pub labelled: u64,
    /// Tasks without a reward, by the kind of the failure.
    pub failed_tasks: BTreeMap<String, u64>,
    /// Accuracy against the label: 1 when the right response won alone, 1/t when it is one of t tied, 0 otherwise or
    /// without a reward. Wilson interval. None without labelled tasks.
    pub accuracy: Option<Share>,
    /// Share of labelled tasks whose top is shared.
    pub tie_rate: Option<f64>,
    /// Samples.
    pub samples: u64,
    /// Samples with a judgement.
    pub valid: u64,
    /// Samples without one, by the kind of the failure.
    pub failures: BTreeMap<String, u64>,
    /// Of the pairs of samples of a task that saw the same responses in opposite orders, the share that named the same
    /// winner (or both a tie). None without such pairs.
    pub swap_consistency: Option<Share>,
    /// Of the samples that named a single winner, the share that named the response shown first. None without any.
    pub first_shown_wins: Option<Share>,
    /// Mean tokens read and written for a task; `None` if nothing was recorded.
    pub tokens_per_task: Option<f64>,
    /// Mean seconds of generation for a task; `None` if nothing was recorded.
    pub seconds_per_task: Option<f64>,
}

/// A group of tasks: those that share the values of the fields that were grouped by.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// The values, in the order of [`Evaluation::by`].
    pub values: Vec<String>,
    /// Its figures.
    pub figures: Figures,
}

/// A bar of a histogram: `[from, to)`, the last one `[from, to]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bar {
    /// Lower edge.
    pub from: f64,
    /// Upper edge.
    pub to: f64,
    /// How many values lie in it, for responses that the label calls right.
    pub correct: u64,
    /// The same for responses that it calls wrong.
    pub wrong: u64,
    /// The same for responses of tasks without a label.
    pub unlabelled: u64,
}

/// The result of a benchmark's own protocol.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProtocolResult {
    /// The protocol's name, such as `rewardbench`.
    pub protocol: &'static str,
    /// What is counted and how, in one or two sentences for a reader of the table.
    pub rule: &'static str,
    /// The benchmark's rows (subsets, sections, domains, difficulties): name, score from 0 to 1, tasks.
    pub rows: Vec<ProtocolRow>,
    /// The benchmark's headline figure, from 0 to 1; `None` if a part of it is missing, which `rows` shows.
    pub total: Option<f64>,
}

/// See [`ProtocolResult::rows`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProtocolRow {
    /// `section` or `subset` or whatever the benchmark calls it.
    pub level: &'static str,
    /// Its name.
    pub name: String,
    /// 0 to 1.
    pub score: f64,
    /// Tasks in it.
    pub tasks: u64,
}

/// Everything that was measured on one run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// What the run is called in tables: its file's name, or what the user calls it.
    pub name: String,
    /// What names the run that was measured and all that it holds, `sha256:` and 64 digits. None for a run without a digest.
    pub digest: Option<String>,
    /// The policy that aggregated, such as `vote 0.1.0`.
    pub policy: String,
    /// The model that was sampled.
    pub model: String,
    /// All tasks.
    pub overall: Figures,
    /// The metadata fields that groups are made by; empty without groups.
    pub by: Vec<String>,
    /// Sorted by their values.
    pub groups: Vec<Group>,
    /// Ascending k; empty when it was not asked for or when no task is labelled.
    pub at_k: Vec<AtK>,
    /// Final scores of responses.
    pub scores: Vec<Bar>,
    /// Scores of responses in single samples.
    pub sample_scores: Vec<Bar>,
    /// The policy's confidence against the label, over tasks; none where it says none.
    pub reward_reliability: Option<Reliability>,
    /// The samples' own confidence against the label; none where they say none.
    pub sample_reliability: Option<Reliability>,
    /// None unless a protocol was asked for.
    pub protocol: Option<ProtocolResult>,
    /// None unless it was asked for.
    pub voting: Option<Voting>,
}
