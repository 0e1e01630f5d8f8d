//! Voting on a rubric: `k` samples give a verdict under each criterion, the verdicts are voted on criterion by criterion, and
//! only then weighed.
//!
//! The rubric is the task's (`metadata.rubric`, see [`criteria`]) or the pack's; its template asks about it, and a parser reads
//! the verdicts by the names that the model wrote. What this policy takes:
//!
//! 1. A sample counts when it has one verdict on every criterion that it was asked about, for every response that it was
//!    shown, and no other. One that is unknown, missing or there twice rejects the sample: nobody knows what the model meant
//!    with the rest. Names are compared as ids, whatever their case.
//! 2. Each criterion of each response gets the `aggregate` of its verdicts. Where more samples say "n/a" than give a
//!    verdict, it does not apply, and `not_applicable` says what follows.
//! 3. A response's score is `min + (max - min) · Σ w·f / Σ w⁺`, held to the scale, where `f` is a criterion's share of the
//!    scale from 0 to 1 and `w⁺` are the weights above 0: with positive weights the weighted mean. Weights below 0 are
//!    faults and cost (HealthBench, arXiv 2505.08775).
//! 4. A `required` criterion whose share is below `pass` makes the response worth `min`, whatever the rest says.
//! 5. A response for which less than `minimum` of the rubric's weight was judged gets no score.
//!
//! A rubric that is longer than `max_criteria` is asked about in batches, `k` samples each.

mod config;
mod tally;
mod weigh;

use criteria::{Criterion, rubric};
use rewarden_plugin::{ConfigError, Context, Detail, Draw, Plugin, Policy, Refusal, Reward, Sample, Step, Task};
use voting::{check_k, orders};

pub use config::{Aggregate, Config, NotApplicable};
use tally::Tally;

/// The configured policy.
#[derive(Debug)]
pub struct RubricVote {
    config: Config,
}

impl Plugin for RubricVote {
    type Config = Config;

    const NAME: &str = "rubric-vote";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str =
        "Votes on each criterion of a rubric, then weighs them: gates that nothing outweighs, faults that cost, n/a.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        check_k(config.k)?;
        config.check().map_err(|(key, message)| ConfigError { key: Some(key.to_owned()), message })?;
        Ok(RubricVote { config })
    }
}

impl Policy for RubricVote {
    /// One round of draws, then the reward. Samples that are already there count as the first; those beyond are left out.
    fn next(&self, task: &Task, context: &Context, samples: &[Sample]) -> Result<Step, Refusal> {
        let rubric = rubric(&task.metadata)?;
        let wanted = self.draws(&rubric, task, context);
        let missing = wanted.len().saturating_sub(samples.len());
        if missing == 0 {
            return Ok(Step::Finish(self.reward(
                &rubric,
                task,
                context,
                samples.get(..wanted.len()).unwrap_or(samples),
            )));
        }
        if samples.is_empty() || context.samples_left > 0 {
            return self.draw(wanted, samples.len(), context);
        }
        // All there are: a replay that was given fewer than `k`.
        Ok(Step::Finish(self.reward(&rubric, task, context, samples)))
    }
}

impl RubricVote {
    /// All draws of a task: `k` orders of each batch, or each batch about each response `k` times.
    fn draws(&self, rubric: &[Criterion], task: &Task, context: &Context) -> Vec<Draw> {
        let (responses, k) = (task.responses.len(), self.config.k as usize);
        let orders = match self.config.pointwise {
            true => (0..k).flat_map(|_| (0..responses as u32).map(|response| vec![response])).collect(),
            false => orders(self.config.shuffle, responses, k, context.seed),
        };
        let batches = self.batches(rubric);
        let draw = |order: &Vec<u32>, asked: &Vec<String>| Draw { asked: asked.clone(), ..Draw::of(order.clone()) };
        orders.iter().flat_map(|order| batches.iter().map(move |asked| draw(order, asked))).collect()
    }

    /// The ids of each batch; of a rubric that fits into one prompt none, which asks about all.
    fn batches(&self, rubric: &[Criterion]) -> Vec<Vec<String>> {
        match self.config.max_criteria {
            Some(most) if rubric.len() > most as usize => rubric
                .chunks(most.max(1) as usize)
                .map(|batch| batch.iter().map(|criterion| criterion.id.clone()).collect())
                .collect(),
            _ => vec![Vec::new()],
        }
    }

    fn draw(&self, wanted: Vec<Draw>, have: usize, context: &Context) -> Result<Step, Refusal> {
        let missing = wanted.len() - have;
        if missing > context.samples_left as usize || context.rounds_left == 0 {
            return Err(Refusal::TooFewSamples(format!(
                "k = {} asks for {} samples in all and {missing} are missing, and the budget leaves {} in {} rounds: lower `k`, \
                 raise `max_criteria`, or raise the budget",
                self.config.k,
                wanted.len(),
                context.samples_left,
                context.rounds_left
            )));
        }
        Ok(Step::Draw(wanted.into_iter().skip(have).collect()))
    }

    fn reward(&self, rubric: &[Criterion], task: &Task, context: &Context, samples: &[Sample]) -> Reward {
        let tally = Tally::of(rubric, task.responses.len(), samples, self.config.not_applicable);
        let weighed = weigh::all(&self.config, rubric, &context.scale, &tally, task.responses.len());
        let mut details = vec![
            Detail::number("k", self.config.k),
            Detail::number("valid", tally.used.len() as u32),
            Detail::number("rejected", tally.rejected.len() as u32),
            Detail::number("criteria", rubric.len() as u32),
        ];
        details.extend(weighed.agreement.map(|agreement| Detail::number("agreement", agreement)));
        details.extend((0_u32..).zip(&weighed.gated).filter_map(|(response, gate)| {
            gate.as_ref().map(|id| Detail::text(&format!("gate_{response}"), id.clone()))
        }));
        Reward {
            scores: weighed.scores,
            used: tally.used,
            rejected: tally.rejected,
            criteria: weighed.criteria,
            confidence: None,
            details,
        }
    }
}

rewarden_plugin::export!(RubricVote: policy);
