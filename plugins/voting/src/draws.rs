//! What is to be drawn, within what may be drawn.

use rewarden_plugin::{Context, Draw, Refusal, Task};

use crate::{Shuffle, orders};

/// How many samples a policy wants, and how they show the responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Samples of a task.
    pub k: usize,
    /// In which orders.
    pub shuffle: Shuffle,
    /// Steps that the policy takes after the one that draws, the last included.
    pub steps_after: u32,
}

/// The draws that are missing of `k`, in the orders that they would have had if all were drawn at once; none are missing
/// where `have` is at least `k`. Samples that are there count as the first of the `k`, whoever drew them.
///
/// # Errors
/// A refusal where the budget of samples or of rounds does not allow for all that is missing.
pub fn missing(plan: &Plan, have: usize, task: &Task, context: &Context) -> Result<Vec<Draw>, Refusal> {
    let Plan { k, shuffle, steps_after } = *plan;
    let missing = k.saturating_sub(have);
    if missing == 0 {
        return Ok(Vec::new());
    }
    if missing > context.samples_left as usize {
        return Err(Refusal::TooFewSamples(format!(
            "k = {k} needs {missing} more samples, and the budget leaves {}: lower `k` or raise the budget",
            context.samples_left
        )));
    }
    if context.rounds_left < steps_after {
        return Err(Refusal::TooFewSamples(format!(
            "k = {k} needs {missing} more samples and {steps_after} more rounds after the one that draws them, and \
             {} are left: raise the budget of rounds",
            context.rounds_left
        )));
    }
    let orders = orders(shuffle, task.responses.len(), k, context.seed);
    Ok(orders.into_iter().skip(have).map(Draw::of).collect())
}
