//! The figures of a group of tasks, summed one task at a time.

use std::collections::BTreeMap;

use crate::Figures;
use crate::interval::{Clustered, mean_credit};
use crate::task_figures::TaskFigures;

/// Sums of what tasks came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    tasks: u64,
    labelled: u64,
    credit: f64,
    tied: u64,
    failed_tasks: BTreeMap<String, u64>,
    samples: u64,
    valid: u64,
    failures: BTreeMap<String, u64>,
    swap: Clustered,
    first_shown: Clustered,
    tokens: Mean,
    seconds: Mean,
}

/// A mean over the tasks that have a value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Mean {
    sum: f64,
    tasks: u64,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.tasks += 1;
        }
    }

    fn value(self) -> Option<f64> {
        (self.tasks > 0).then(|| self.sum / self.tasks as f64)
    }
}

impl Tally {
    pub(crate) fn add(&mut self, task: &TaskFigures) {
        self.tasks += 1;
        if let Some(label) = &task.label {
            self.labelled += 1;
            self.credit += label.credit;
            self.tied += u64::from(label.tied);
        }
        if let Some(kind) = &task.failure {
            count(&mut self.failed_tasks, kind, 1);
        }
        self.samples += task.samples;
        self.valid += task.valid;
        for (kind, times) in &task.failures {
            count(&mut self.failures, kind, *times);
        }
        self.swap.add(task.swap.hits, task.swap.of);
        self.first_shown.add(task.first_shown.hits, task.first_shown.of);
        self.tokens.add(task.tokens);
        self.seconds.add(task.seconds);
    }

    pub(crate) fn figures(self) -> Figures {
        Figures {
            tasks: self.tasks,
            labelled: self.labelled,
            failed_tasks: self.failed_tasks,
            accuracy: mean_credit(self.credit, self.labelled),
            tie_rate: (self.labelled > 0).then(|| self.tied as f64 / self.labelled as f64),
            samples: self.samples,
            valid: self.valid,
            failures: self.failures,
            swap_consistency: self.swap.share(),
            first_shown_wins: self.first_shown.share(),
            tokens_per_task: self.tokens.value(),
            seconds_per_task: self.seconds.value(),
        }
    }
}

/// A kind is copied only the first time that it is seen.
fn count(counts: &mut BTreeMap<String, u64>, kind: &str, times: u64) {
    match counts.get_mut(kind) {
        Some(count) => *count += times,
        None => {
            counts.insert(kind.to_owned(), times);
        }
    }
}
