//! From tasks to an evaluation.

use std::collections::BTreeMap;

use crate::check::check;
use crate::curve::Curve;
use crate::histogram::{BinVerdict, Histogram};
use crate::protocol::{Observation, Observations};
use crate::reliability::{Claimed, Claims, claims};
use crate::subsets::{Credits, credits_at_k};
use crate::tally::Tally;
use crate::task_figures::TaskFigures;
use crate::voting::ballots::{Ballot, Ballots};
use crate::{Aggregate, EvaluateError, EvaluateOptions, Evaluation, Scores, TaskOutcome};

/// The value of a field that a task does not have.
const NO_VALUE: &str = "–";

/// Measures a run, task by task.
///
/// [`Evaluator::measure`] does everything that needs the policy and may be called from several threads at once;
/// [`Evaluator::add`] sums up, and wants the tasks in the order of the run, so that not even the last digit of a sum
/// depends on which thread was faster. What is kept does not grow with tasks or samples, except for two numbers a
/// prompt of RewardBench 2's Ties, for the groups, of which there may be as many as tasks, and for the items of
/// [`EvaluateOptions::voting`], whose votes come from many tasks.
#[derive(Debug)]
pub struct Evaluator {
    name: String,
    policy: String,
    model: String,
    options: EvaluateOptions,
    overall: Tally,
    groups: BTreeMap<Vec<String>, Tally>,
    curve: Curve,
    scores: Histogram,
    sample_scores: Histogram,
    reward_claims: Claimed,
    sample_claims: Claimed,
    observations: Observations,
    ballots: Ballots,
    error: Option<EvaluateError>,
}

/// A measured task: numbers, and the values that it is grouped by.
#[derive(Debug)]
pub struct Measured(Result<Numbers, EvaluateError>);

#[derive(Debug)]
struct Numbers {
    group: Vec<String>,
    figures: TaskFigures,
    at_k: BTreeMap<u32, Credits>,
    scores: Vec<(f64, BinVerdict)>,
    sample_scores: Vec<(f64, BinVerdict)>,
    reward_claims: Claims,
    sample_claims: Claims,
    observation: Option<Observation>,
    ballot: Option<Ballot>,
}

impl Evaluator {
    /// Prepares to measure a run that is called `name` in tables, with rewards of `policy` over samples of `model`.
    ///
    /// # Errors
    ///
    /// When a number of [`EvaluateOptions::at_k`] is 0.
    pub fn new(
        name: impl Into<String>,
        policy: impl Into<String>,
        model: impl Into<String>,
        options: EvaluateOptions,
    ) -> Result<Self, EvaluateError> {
        options.check()?;
        Ok(Self {
            name: name.into(),
            policy: policy.into(),
            model: model.into(),
            options,
            overall: Tally::default(),
            groups: BTreeMap::new(),
            curve: Curve::default(),
            scores: Histogram::new(),
            sample_scores: Histogram::new(),
            reward_claims: Claimed::default(),
            sample_claims: Claimed::default(),
            observations: Observations::default(),
            ballots: Ballots::default(),
            error: None,
        })
    }

    /// Measures a task. `aggregate` is called for accuracy@k and for protocols that need a reward for some of the
    /// samples, and never without either. A task that cannot be measured is reported by [`Evaluator::finish`].
    pub fn measure(&self, task: TaskOutcome, aggregate: &Aggregate<'_>) -> Measured {
        Measured(self.numbers(&task, aggregate))
    }

    fn numbers(&self, task: &TaskOutcome, aggregate: &Aggregate<'_>) -> Result<Numbers, EvaluateError> {
        check(task)?;
        let figures = TaskFigures::of(task);
        let value = |field: &String| task.fields.get(field).map_or(NO_VALUE, String::as_str).to_owned();
        let ballot =
            self.options.voting.as_ref().filter(|_| figures.label.is_some()).map(|options| {
                Ballot::of(task, options.judges.iter().map(value).collect(), value(&options.strategies))
            });
        let at_k = match &self.options.at_k {
            Some(at_k) if figures.label.is_some() => credits_at_k(task, aggregate, at_k),
            _ => BTreeMap::new(),
        };
        let samples = task.samples.iter().filter_map(|sample| sample.outcome.as_ref().ok());
        let (reward_claims, sample_claims) = claims(task);
        Ok(Numbers {
            group: self.options.by.iter().map(value).collect(),
            figures,
            at_k,
            scores: task.reward.iter().flat_map(|scores| verdicts(scores, &task.correct)).collect(),
            sample_scores: samples.flat_map(|scores| verdicts(scores, &task.correct)).collect(),
            reward_claims,
            sample_claims,
            observation: self.options.protocol.map(|protocol| protocol.observe(task, aggregate)).transpose()?,
            ballot,
        })
    }

    /// Adds a measured task.
    pub fn add(&mut self, measured: Measured) {
        let numbers = match measured.0 {
            Ok(numbers) => numbers,
            Err(error) => {
                // The first one stays: the others often follow from it.
                self.error.get_or_insert(error);
                return;
            }
        };
        self.overall.add(&numbers.figures);
        if !self.options.by.is_empty() {
            self.groups.entry(numbers.group).or_default().add(&numbers.figures);
        }
        self.curve.add(&numbers.at_k);
        numbers.scores.into_iter().for_each(|(score, verdict)| self.scores.add(score, verdict));
        numbers.sample_scores.into_iter().for_each(|(score, verdict)| self.sample_scores.add(score, verdict));
        self.reward_claims.add(&numbers.reward_claims);
        self.sample_claims.add(&numbers.sample_claims);
        if let Some(observation) = numbers.observation {
            self.observations.add(observation);
        }
        if let Some(ballot) = numbers.ballot
            && let Err(error) = self.ballots.add(ballot)
        {
            self.error.get_or_insert(error);
        }
    }

    /// The figures of everything that was added.
    ///
    /// # Errors
    ///
    /// The first task added whose numbers contradict each other or to which the protocol cannot be applied.
    pub fn finish(self) -> Result<Evaluation, EvaluateError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let group = |(values, tally): (Vec<String>, Tally)| crate::Group { values, figures: tally.figures() };
        Ok(Evaluation {
            name: self.name,
            digest: None,
            policy: self.policy,
            model: self.model,
            overall: self.overall.figures(),
            groups: self.groups.into_iter().map(group).collect(),
            by: self.options.by,
            at_k: self.options.at_k.map(|options| self.curve.points(&options)).unwrap_or_default(),
            scores: self.scores.bars(),
            sample_scores: self.sample_scores.bars(),
            reward_reliability: self.reward_claims.reliability(),
            sample_reliability: self.sample_claims.reliability(),
            protocol: self.options.protocol.map(|protocol| protocol.result(&self.observations)),
            voting: self.options.voting.map(|options| self.ballots.voting(options)),
        })
    }
}

fn verdicts<'a>(scores: &'a Scores, correct: &'a [usize]) -> impl Iterator<Item = (f64, BinVerdict)> + 'a {
    scores.iter().enumerate().filter_map(|(index, score)| {
        let verdict = if correct.is_empty() {
            BinVerdict::Unlabelled
        } else if correct.contains(&index) {
            BinVerdict::Correct
        } else {
            BinVerdict::Wrong
        };
        score.map(|score| (score, verdict))
    })
}
