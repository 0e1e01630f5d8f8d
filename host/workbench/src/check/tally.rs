//! What came of the laws of one part.

use rewarden_runtime::{CallError, Limits, Metered};

use crate::Lines;
use crate::golden::indented;
use crate::meter::FuelUsage;

/// Broken cases after which a law is not tried further: a plugin that loops costs a second a case.
const ENOUGH: u32 = 5;

/// One law, or one note.
pub(super) struct CheckTally {
    /// What must hold, as a sentence without its subject.
    law: &'static str,
    /// False for what a plugin may rightly do.
    is_law: bool,
    cases: u32,
    broken: u32,
    first: Option<String>,
}

impl CheckTally {
    /// What must hold.
    pub(super) fn law(law: &'static str) -> Self {
        Self { law, is_law: true, cases: 0, broken: 0, first: None }
    }

    /// What is worth knowing when it does not hold.
    pub(super) fn note(law: &'static str) -> Self {
        Self { is_law: false, ..Self::law(law) }
    }

    /// Counts a case; `Err` holds the counterexample.
    pub(super) fn case(&mut self, outcome: Result<(), String>) {
        self.cases += 1;
        if let Err(counterexample) = outcome {
            self.broken += 1;
            self.first.get_or_insert(counterexample);
        }
    }

    /// Returns whether there is no point in trying more.
    pub(super) fn is_settled(&self) -> bool {
        self.broken >= ENOUGH
    }
}

/// All that was found of one part.
#[derive(Default)]
pub(super) struct Report {
    tallies: Vec<CheckTally>,
    remarks: Vec<String>,
    usage: FuelUsage,
}

impl Report {
    /// Keeps what a call cost and unpacks it; a failed call becomes a counterexample's words.
    pub(super) fn value<T>(&mut self, called: Result<Metered<T>, CallError>) -> Result<T, String> {
        match called {
            Ok(metered) => {
                self.usage = self.usage.max(FuelUsage::from(&metered));
                Ok(metered.value)
            }
            Err(error) => Err(error.to_string()),
        }
    }

    pub(super) fn add(&mut self, tally: CheckTally) {
        self.tallies.push(tally);
    }

    /// Something that people should know, such as why a law was not tried.
    pub(super) fn remark(&mut self, remark: impl Into<String>) {
        self.remarks.push(remark.into());
    }

    /// Hands on its lines and returns the number of broken laws.
    pub(super) fn print(&self, limits: &Limits, lines: &mut Lines<'_>) -> usize {
        for tally in &self.tallies {
            let CheckTally { law, cases, broken, .. } = tally;
            match (&tally.first, tally.is_law) {
                (None, _) if *cases == 0 => lines(&format!("  -         no case for: {law}")),
                (None, _) => lines(&format!("  ok        {law}: {cases} cases")),
                (Some(first), true) => lines(&format!(
                    "  BROKEN    {law}: not in {broken} of {cases} cases; the first:\n{}",
                    indented(first)
                )),
                (Some(first), false) => lines(&format!(
                    "  note      does not hold: {law}: not in {broken} of {cases} cases; the first:\n{}",
                    indented(first)
                )),
            }
        }
        for remark in &self.remarks {
            lines(&format!("  note      {remark}"));
        }
        lines(&format!("  most used {}", self.usage.against(limits)));
        self.tallies.iter().filter(|tally| tally.is_law && tally.broken > 0).count()
    }
}
