//! The table at the end of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use rewarden_record::Verdict;
use rewarden_types::{Score, Task};

use crate::display;

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    tasks: u64,
    bad_rows: u64,
    failed_tasks: u64,
    unscored_tasks: u64,
    samples: u64,
    valid: u64,
    tokens: u64,
    /// How many samples failed in each way, and what the first of them said.
    failures: BTreeMap<&'static str, (u64, String)>,
    labelled: u64,
    credit: f64,
    ties: u64,
    /// Prompts of the pack that were sent without their constraints.
    unconstrained: usize,
}

impl Summary {
    /// An empty one. `unconstrained` counts the pack's prompts that are sent without their constraints.
    pub(crate) fn new(unconstrained: usize) -> Self {
        Self { unconstrained, ..Self::default() }
    }

    /// Counts a row that was no task.
    pub(crate) fn bad_row(&mut self) {
        self.bad_rows += 1;
    }

    /// Counts a judged task.
    pub(crate) fn add(&mut self, task: &Task, verdict: &Verdict) {
        self.tasks += 1;
        self.samples += verdict.samples.len() as u64;
        self.valid += verdict.valid() as u64;
        for sample in verdict.samples.iter().filter_map(|sample| sample.completion.as_ref()) {
            self.tokens += u64::from(sample.usage.completion_tokens);
        }
        for (kind, message) in verdict.failure_messages() {
            let (count, _) = self.failures.entry(kind).or_insert_with(|| (0, message.to_owned()));
            *count += 1;
        }
        let (Ok(reward), Some(standing)) = (&verdict.reward, verdict.standing()) else {
            self.failed_tasks += 1;
            return;
        };
        if reward.scores.iter().all(|score| matches!(score, Score::Abstain(_))) {
            self.unscored_tasks += 1;
        }
        // With one response there is nothing to agree about.
        if let Some(preferred) = task.preferred.filter(|_| task.responses.len() > 1) {
            self.labelled += 1;
            self.credit += standing.credit(preferred);
            self.ties += u64::from(!standing.tied.is_empty());
        }
    }

    /// Returns whether anything ended without a score.
    pub(crate) fn has_errors(&self) -> bool {
        self.bad_rows + self.failed_tasks + self.unscored_tasks > 0
    }

    /// The table, a line per figure. `generated` is the number of tokens that this process had written; samples that a
    /// run held already cost nothing.
    pub(crate) fn text(&self, elapsed: Duration, generated: u64) -> String {
        let seconds = elapsed.as_secs_f64();
        let rate = generated as f64 / seconds.max(0.001);
        self.table(format!("{seconds:.1} s, {rate:.1} tokens/s"))
    }

    /// The table where nothing was generated.
    pub(crate) fn text_of_replay(&self, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs_f64();
        let rate = self.samples as f64 / seconds.max(0.001);
        self.table(format!("{seconds:.1} s, {rate:.0} samples/s"))
    }

    fn table(&self, time: String) -> String {
        let mut rows = vec![("tasks", self.tasks.to_string())];
        if self.has_errors() {
            rows.push((
                "errors",
                format!(
                    "{} bad rows, {} tasks without a reward, {} without any score",
                    self.bad_rows, self.failed_tasks, self.unscored_tasks
                ),
            ));
        }
        rows.push(("samples", format!("{}, {} valid", self.samples, percent(self.valid, self.samples))));
        if self.unconstrained > 0 {
            let valid = percent(self.valid, self.samples);
            rows.push((
                "constraints",
                format!("dropped, since the server lacks them; without them {valid} of the samples are valid"),
            ));
        }
        for (kind, (count, first)) in &self.failures {
            rows.push(("failed samples", format!("{count} {kind}, the first: {}", display::snippet(first, 200))));
        }
        if self.tokens > 0 {
            let mean = self.tokens as f64 / self.samples as f64;
            rows.push(("mean length", format!("{mean:.0} tokens")));
        }
        rows.push(("time", time));
        if self.labelled > 0 {
            let share = 100.0 * self.credit / self.labelled as f64;
            let ties =
                format!("{share:.1} % of {} labelled tasks ({} tied, worth their share)", self.labelled, self.ties);
            rows.push(("agreement", ties));
        }
        display::rows(&rows)
    }
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "–".to_owned() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}
