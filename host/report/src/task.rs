//! One task for the page's table, with everything that the runs made of it.

use std::collections::BTreeMap;

use serde::Serialize;

/// A turn of the conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BrowsedMessage {
    /// `user`, `assistant`, `system`, or whatever the task says.
    pub role: String,
    /// What was said.
    pub content: String,
}

/// One task. Responses are numbered from 0, in the task's own order, everywhere.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BrowsedTask {
    /// The task's id.
    pub id: String,
    /// What the responses answer.
    pub conversation: Vec<BrowsedMessage>,
    /// The candidates.
    pub responses: Vec<String>,
    /// The label: which response is right.
    pub preferred: Option<usize>,
    /// A reference answer, where the task has one.
    pub reference: Option<String>,
    /// Metadata by name.
    pub fields: BTreeMap<String, String>,
    /// What each run made of it; a run that does not have the task is left out.
    pub runs: Vec<BrowsedRun>,
}

/// What one run made of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BrowsedRun {
    /// [`rewarden_evaluate::Evaluation::name`].
    pub run: String,
    /// The final scores, none for a response that has none; none at all without a reward.
    pub scores: Option<Vec<Option<f64>>>,
    /// The single winner.
    pub best: Option<usize>,
    /// Who shares the top; empty where nobody does.
    pub tied: Vec<usize>,
    /// What the policy made of the samples by criterion.
    pub criteria: Vec<BrowsedCriterion>,
    /// How sure the policy is of the order.
    pub confidence: Option<f64>,
    /// What the responses were judged under, where that was written beforehand.
    pub principles: Vec<BrowsedPrinciple>,
    /// Why there is no reward; [`BrowsedRun::UNFINISHED`] where the run ended before the task did.
    pub error: Option<String>,
    /// In the order of their ids.
    pub samples: Vec<BrowsedSample>,
}

impl BrowsedRun {
    /// The [`BrowsedRun::error`] of a task that the run began and did not end.
    pub const UNFINISHED: &str = "unfinished";
}

/// One sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BrowsedSample {
    /// Its number within the task.
    pub id: u32,
    /// The judge that was asked; none is the pack's own.
    pub judge: Option<String>,
    /// The responses shown, in the order in which they were shown.
    pub order: Vec<usize>,
    /// In the task's order (not the order shown), none where the sample abstained or did not show the response; none at
    /// all without a judgement.
    pub scores: Option<Vec<Option<f64>>>,
    /// Why there is no judgement.
    pub failure: Option<String>,
    /// What the model wrote as its thinking, if the server tells it apart.
    pub thinking: Option<String>,
    /// The whole completion.
    pub text: Option<String>,
    /// The critique, where the parser read one.
    pub critique: Option<String>,
    /// The principles, where the parser read some.
    pub principles: Vec<BrowsedPrinciple>,
    /// Its scores by criterion.
    pub criteria: Vec<BrowsedCriterion>,
    /// How sure it was.
    pub confidence: Option<f64>,
    /// The meta model's rating of this sample.
    pub rating: Option<f64>,
    /// Tokens read and written.
    pub tokens: Option<u64>,
    /// Seconds of generation.
    pub seconds: Option<f64>,
}

/// A score of one response under one criterion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BrowsedCriterion {
    /// Its id, or in samples the name that the model wrote.
    pub criterion: String,
    /// The response, in the task's own order.
    pub response: u32,
    /// None where it does not apply.
    pub score: Option<f64>,
}

/// A principle of a sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BrowsedPrinciple {
    /// What it is called.
    pub name: String,
    /// Its weight, as the model gave it.
    pub weight: Option<f64>,
    /// What it says.
    pub text: String,
}

/// How a run's reward stands to the label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskVerdict {
    /// The preferred response won alone.
    Right,
    /// The preferred response is one of those that share the top: worth 1/t.
    Shared,
    /// Another response won, or others share the top.
    Wrong,
    /// There is no reward, and there will be none.
    Failed,
    /// The run ended before the task did: the task is in none of the run's figures.
    Unfinished,
    /// There is a reward but no label, or only one response, so that there is nothing to be right about.
    Unlabelled,
}

impl BrowsedTask {
    /// Compares the reward of `run` with the label.
    pub fn verdict(&self, run: &BrowsedRun) -> TaskVerdict {
        if run.error.as_deref() == Some(BrowsedRun::UNFINISHED) {
            return TaskVerdict::Unfinished;
        }
        if run.scores.is_none() || run.error.is_some() {
            return TaskVerdict::Failed;
        }
        match self.preferred {
            Some(_) if self.responses.len() < 2 => TaskVerdict::Unlabelled,
            Some(preferred) if run.tied.contains(&preferred) => TaskVerdict::Shared,
            Some(preferred) if run.tied.is_empty() && run.best == Some(preferred) => TaskVerdict::Right,
            Some(_) => TaskVerdict::Wrong,
            None => TaskVerdict::Unlabelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn the_verdict_follows_the_label_the_winner_and_the_tie() {
        let mut task = fixtures::task(0);
        task.preferred = Some(1);
        let run = |best, tied: &[usize]| BrowsedRun { best, tied: tied.to_vec(), ..task.runs[0].clone() };
        assert_eq!(task.verdict(&run(Some(1), &[])), TaskVerdict::Right);
        assert_eq!(task.verdict(&run(Some(0), &[])), TaskVerdict::Wrong);
        assert_eq!(task.verdict(&run(None, &[0, 1])), TaskVerdict::Shared);
        assert_eq!(task.verdict(&run(None, &[0, 2])), TaskVerdict::Wrong);
        assert_eq!(task.verdict(&BrowsedRun { scores: None, ..run(Some(1), &[]) }), TaskVerdict::Failed);
        let failed = |error: &str| BrowsedRun { scores: None, error: Some(error.into()), ..run(None, &[]) };
        assert_eq!(task.verdict(&failed("no_valid_sample: all were unparsable")), TaskVerdict::Failed);
        assert_eq!(task.verdict(&failed(BrowsedRun::UNFINISHED)), TaskVerdict::Unfinished);
        let reward = run(Some(1), &[]);
        assert_eq!(BrowsedTask { preferred: None, ..task.clone() }.verdict(&reward), TaskVerdict::Unlabelled);
        let alone = BrowsedTask { responses: vec!["only".into()], preferred: Some(0), ..task.clone() };
        assert_eq!(alone.verdict(&run(Some(0), &[])), TaskVerdict::Unlabelled);
    }
}
