//! The loop of one task: what is wanted next, given what is known.
//!
//! A [`Rounds`] does nothing itself. Its driver asks the policy, draws, has samples rated, or looks both up in a run, and hands
//! in what came of it. Every way to judge a task drives the same one: with a model ([`crate::Judge`]), by rule, and over
//! the samples of a run ([`crate::Replayer`]), so a task fails in the same words whichever way it came in.

use std::sync::Arc;

use rewarden_record::{Budget, TaskFailure, TaskFailureKind};
use rewarden_types::{Context, NamedJudge, PolicyInput, Rating, Reward, Sample, Scale, Signal, Step, TaskView};

use crate::order::Order;
use crate::seed::sample_seed;
use crate::validate::{self, Drawable, StepError};

/// What a task's loop goes by.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// The scale of the samples' scores.
    pub(crate) scale: Scale,
    /// The task's seed.
    pub(crate) seed: u64,
    /// The temperature of a draw that names none.
    pub(crate) temperature: f64,
    pub(crate) budget: Budget,
    /// Whether draws that name no judge have anything to be drawn with, or from.
    pub(crate) has_own_judge: bool,
    /// The judges that draws may name.
    pub(crate) judges: Arc<[NamedJudge]>,
    /// Whether there is anything to rate samples with, or to take ratings from.
    pub(crate) can_rate: bool,
}

/// One task's loop.
#[derive(Clone, Debug)]
pub(crate) struct Rounds {
    terms: Terms,
    /// Steps that were asked for.
    round: u32,
    /// The input of the policy. It is shared with whoever asks it, and changed in between.
    input: Arc<PolicyInput>,
}

/// A sample that is wanted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) id: u32,
    /// The step that asked for it, 1 for the first.
    pub(crate) round: u32,
    pub(crate) seed: u64,
    pub(crate) order: Order,
    /// The judge to ask; `None` is the pack's own.
    pub(crate) judge: Option<String>,
    /// Criteria to ask about; empty for all.
    pub(crate) asked: Vec<String>,
    /// Earlier samples to show, by id.
    pub(crate) show: Vec<u32>,
    pub(crate) temperature: f64,
    /// Whether the policy named the temperature.
    pub(crate) named_temperature: bool,
}

/// What the driver is to do, and to hand in before it asks again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Next {
    /// Hand in each of these samples by [`Rounds::drew`], in this order.
    Draw(Vec<Wanted>),
    /// Hand in a rating of each of these samples by [`Rounds::rated`]. May be empty: what was rated before is not rated
    /// again.
    Rate(Vec<usize>),
    /// The task is over.
    Finish(Reward),
}

impl Rounds {
    /// Starts the loop of a task without samples.
    pub(crate) fn new(task: TaskView, signals: Arc<[Signal]>, terms: Terms) -> Self {
        let Terms { scale, seed, temperature, budget, has_own_judge, ref judges, .. } = terms;
        let context = Context {
            scale,
            seed,
            temperature,
            samples_left: budget.max_samples,
            rounds_left: budget.max_rounds,
            signals,
            judges: judges.clone(),
            has_own_judge,
        };
        Self { terms, round: 0, input: Arc::new(PolicyInput { task, context, samples: Vec::new() }) }
    }

    /// Starts the loop over these samples, numbered by their places, with no budget for more.
    pub(crate) fn over(task: TaskView, signals: Arc<[Signal]>, samples: Vec<Sample>, terms: Terms) -> Self {
        let budget = Budget { max_samples: u32::try_from(samples.len()).unwrap_or(u32::MAX), ..terms.budget };
        let mut rounds = Self::new(task, signals, Terms { budget, ..terms });
        for (sample, id) in samples.into_iter().zip(0..) {
            rounds.drew(Sample { id, rating: None, ..sample });
        }
        rounds
    }

    /// Returns the next input for the policy.
    ///
    /// # Errors
    /// Returns the end of the task if the policy may take no more steps.
    pub(crate) fn ask(&mut self) -> Result<Arc<PolicyInput>, TaskFailure> {
        let max_rounds = self.terms.budget.max_rounds;
        if self.round == max_rounds {
            return Err(invalid(StepError::TooManyRounds(max_rounds)));
        }
        self.round += 1;
        let (rounds_left, samples_left) = (max_rounds - self.round, self.samples_left());
        let context = &mut self.input().context;
        (context.rounds_left, context.samples_left) = (rounds_left, samples_left);
        Ok(self.input.clone())
    }

    /// Takes the policy's answer, and returns what follows from it.
    ///
    /// # Errors
    /// Returns the end of the task if the step cannot be taken.
    pub(crate) fn answer(&mut self, step: Step) -> Result<Next, TaskFailure> {
        self.next(step).map_err(invalid)
    }

    fn next(&self, step: Step) -> Result<Next, StepError> {
        let responses = self.input.task.responses.len();
        let samples = &self.input.samples;
        match step {
            Step::Draw(draws) => {
                let named: Vec<bool> = draws.iter().map(|draw| draw.temperature.is_some()).collect();
                let of = Drawable {
                    responses,
                    drawn: self.drawn(),
                    left: self.samples_left(),
                    temperature: self.terms.temperature,
                    has_own_judge: self.terms.has_own_judge,
                    judges: &self.terms.judges,
                };
                let draws = validate::draws(draws, of)?;
                let wanted = |((draw, named_temperature), id): ((validate::CheckedDraw, bool), u32)| Wanted {
                    id,
                    round: self.round,
                    seed: sample_seed(self.terms.seed, id),
                    order: draw.order,
                    judge: draw.judge,
                    asked: draw.asked,
                    show: draw.show,
                    temperature: draw.temperature,
                    named_temperature,
                };
                Ok(Next::Draw(draws.into_iter().zip(named).zip(self.drawn()..).map(wanted).collect()))
            }
            Step::Rate(ids) => {
                if !self.terms.can_rate {
                    return Err(StepError::NoMeta);
                }
                let mut wanted = validate::rated(&ids, samples.len())?;
                wanted.sort_unstable();
                wanted.dedup();
                wanted.retain(|index| samples.get(*index).is_some_and(|sample| sample.rating.is_none()));
                Ok(Next::Rate(wanted))
            }
            Step::Finish(reward) => {
                validate::reward(&reward, responses, self.drawn())?;
                Ok(Next::Finish(reward))
            }
        }
    }

    /// Hands in the next sample.
    pub(crate) fn drew(&mut self, sample: Sample) {
        self.input().samples.push(sample);
    }

    /// Hands in the rating of a sample, by its place.
    pub(crate) fn rated(&mut self, index: usize, rating: Rating) {
        if let Some(sample) = self.input().samples.get_mut(index) {
            sample.rating = Some(rating);
        }
    }

    /// Samples so far.
    pub(crate) fn drawn(&self) -> u32 {
        u32::try_from(self.input.samples.len()).unwrap_or(u32::MAX)
    }

    fn samples_left(&self) -> u32 {
        self.terms.budget.max_samples.saturating_sub(self.drawn())
    }

    /// The input, to be changed. Nothing is copied unless somebody still holds what was asked before.
    fn input(&mut self) -> &mut PolicyInput {
        Arc::make_mut(&mut self.input)
    }
}

fn invalid(error: StepError) -> TaskFailure {
    TaskFailure { kind: TaskFailureKind::PolicyStep, message: format!("the policy {error}") }
}

#[cfg(test)]
mod tests;
