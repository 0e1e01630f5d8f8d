//! What becomes of samples that do not count.

use rewarden_plugin::{Context, Draw, Outcome, Refusal, Sample};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use voting::Ballot;

/// What is done with a sample that does not count: it failed, or has no score for one of the responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Failed {
    /// It is left out.
    Drop,
    /// Another one is drawn in its place, in the same order, up to `redraw_limit` and as far as the budget goes. What
    /// is lacking even then is left out.
    Redraw,
    /// The task fails.
    Fail,
}

impl Failed {
    /// As in a configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Failed::Drop => "drop",
            Failed::Redraw => "redraw",
            Failed::Fail => "fail",
        }
    }
}

/// Which samples the reward is made of, or what is drawn before it is made.
pub(crate) enum Replaced {
    Draw(Vec<Draw>),
    /// The first samples, this many.
    Count(usize),
}

/// Looks for replacements of those of the first `k` samples that do not count, and for replacements of replacements, in
/// the samples after them. `orders` are those of the `k`.
pub(crate) fn replace(orders: &[Vec<u32>], limit: usize, context: &Context, samples: &[Sample]) -> Replaced {
    let k = orders.len();
    let responses = orders.first().map_or(0, Vec::len);
    let mut counted = k.min(samples.len());
    loop {
        let void: Vec<usize> = (samples.iter().take(counted).enumerate())
            .filter(|(_, sample)| Ballot::of(sample, responses).is_none())
            .map(|(place, _)| place)
            .collect();
        let redrawn = counted - k.min(counted);
        // The first void samples have their replacements already; replacement number r stands in for void sample r.
        let wanted = (void.len() - redrawn.min(void.len())).min(limit - redrawn.min(limit));
        let there = samples.len() - counted;
        if wanted > 0 && there > 0 {
            counted += wanted.min(there);
            continue;
        }
        let affordable = if context.rounds_left == 0 { 0 } else { wanted.min(context.samples_left as usize) };
        if affordable == 0 {
            return Replaced::Count(counted);
        }
        let draws = void.iter().skip(redrawn).take(affordable).filter_map(|&place| {
            let mut original = place;
            while let Some(replacement) = original.checked_sub(k) {
                original = *void.get(replacement)?;
            }
            Some(Draw::of(orders.get(original)?.clone()))
        });
        return Replaced::Draw(draws.collect());
    }
}

/// Refuses where any of the samples does not count.
pub(crate) fn none_void(samples: &[Sample], responses: usize) -> Result<(), Refusal> {
    let void: Vec<&Sample> = samples.iter().filter(|sample| Ballot::of(sample, responses).is_none()).collect();
    let Some(first) = void.first() else { return Ok(()) };
    let why = match &first.outcome {
        Outcome::Failed(failure) => failure.message.as_str(),
        Outcome::Scored(_) => "no score for one of the responses",
    };
    Err(Refusal::TooFewSamples(format!(
        "{} of {} samples do not count, the first of them sample {} ({why}), and `failed = \"fail\"` asks for all of \
         them: set it to `redraw` or `drop` to go on without",
        void.len(),
        samples.len(),
        first.id
    )))
}
