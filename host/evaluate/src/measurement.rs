//! What goes in: one task at a time, already reduced to numbers.

use std::collections::BTreeMap;

/// One score per response of a task, in the task's own order; `None` if there is no score for it.
pub type Scores = Vec<Option<f64>>;

/// What a sample came to.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleOutcome {
    /// Indices of the responses shown, in shown order.
    pub order: Vec<u32>,
    /// The scores, or the kind of the failure (`unparsable`, `model_error` …).
    pub outcome: Result<Scores, String>,
    /// How sure it was, 0 to 1; `None` if it does not say.
    pub confidence: Option<f64>,
    /// Tokens of the prompt; `None` if that was not recorded.
    pub prompt_tokens: Option<u32>,
    /// Tokens written; `None` if that was not recorded.
    pub completion_tokens: Option<u32>,
    /// Wall-clock seconds of the generation; `None` if that was not recorded.
    pub seconds: Option<f64>,
}

/// A judged task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskOutcome {
    /// The task's id.
    pub id: String,
    /// What is judged: the same for tasks that ask about the same responses to the same conversation, under whichever
    /// judge and strategy. Looked at by [`EvaluateOptions::voting`](crate::EvaluateOptions::voting) only.
    pub item: String,
    /// Fields of the task's metadata that results can be grouped by: text, numbers and flags, as text.
    pub fields: BTreeMap<String, String>,
    /// How many responses it has, at least 1.
    pub responses: usize,
    /// Indices of the responses that are right, by the label; empty without a label. More than one only where the
    /// data set says so (RewardBench 2's Ties).
    pub correct: Vec<usize>,
    /// The final scores, or the kind of the failure (`policy_refused` …).
    pub reward: Result<Scores, String>,
    /// How sure the policy is of the reward's order, 0 to 1; `None` if it does not say.
    pub confidence: Option<f64>,
    /// Every sample, by id.
    pub samples: Vec<SampleOutcome>,
}

/// Makes a reward from some of a task's samples, as the run's own policy would have made it had it been given only
/// these: the argument holds indices into [`TaskOutcome::samples`], each at most once. None when the policy gives none.
pub type Aggregate<'a> = dyn Fn(&[usize]) -> Option<Scores> + Sync + 'a;
