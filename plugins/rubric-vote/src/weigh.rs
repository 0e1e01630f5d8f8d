//! From the votes under each criterion to the scores.

use criteria::Criterion;
use rewarden_plugin::{CriterionScore, Scale, Score, decimal_mean, decimal_sum, sum, weighted_sum};

use crate::config::{Aggregate, Config, NotApplicable};
use crate::tally::{Tally, Votes};

/// What becomes of all responses.
pub(crate) struct Weighed {
    pub(crate) scores: Vec<Score>,
    pub(crate) criteria: Vec<CriterionScore>,
    /// For each response the required criterion that it fails, if any.
    pub(crate) gated: Vec<Option<String>>,
    /// The share of verdicts that are the most frequent one of their criterion and response; none without any.
    pub(crate) agreement: Option<f64>,
}

/// What the samples say under one criterion.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Voted {
    Value(f64),
    NotApplicable,
    /// No sample that counts was asked, or could be read.
    Unknown,
}

pub(crate) fn all(config: &Config, rubric: &[Criterion], scale: &Scale, tally: &Tally, responses: usize) -> Weighed {
    let mut weighed =
        Weighed { scores: Vec::new(), criteria: Vec::new(), gated: Vec::new(), agreement: agreement(&tally.votes) };
    for (response, votes) in (0_u32..).zip(tally.votes.iter().take(responses)) {
        let voted: Vec<Voted> = votes.iter().map(|votes| voted(votes, config.aggregate)).collect();
        for (criterion, voted) in rubric.iter().zip(&voted) {
            let score = match voted {
                Voted::Value(value) => Score::Value(*value),
                Voted::NotApplicable => Score::Abstain("n/a".to_owned()),
                Voted::Unknown => continue,
            };
            weighed.criteria.push(CriterionScore { criterion: criterion.id.clone(), response, score, reason: None });
        }
        let (score, gate) = score(config, rubric, scale, &voted);
        weighed.scores.push(score);
        weighed.gated.push(gate);
    }
    weighed
}

/// A response's score, and the required criterion that it fails.
fn score(config: &Config, rubric: &[Criterion], scale: &Scale, voted: &[Voted]) -> (Score, Option<String>) {
    let share = |value: f64| (value - scale.min) / (scale.max - scale.min);
    let weight = |of: &dyn Fn(&Voted) -> bool| {
        sum(rubric.iter().zip(voted).filter(|(_, voted)| of(voted)).map(|(criterion, _)| criterion.weight.abs()))
    };
    let (all, judged) = (weight(&|_| true), weight(&|voted| *voted != Voted::Unknown));
    // Rounding of the sums must not make a whole rubric less than all of it.
    if judged < config.minimum * all * (1.0 - 1e-12) {
        let message =
            format!("{:.3} of the rubric's weight was judged, expected at least {}", judged / all, config.minimum);
        return (Score::Abstain(message), None);
    }
    let gate = rubric.iter().zip(voted).find(|(criterion, voted)| {
        criterion.required
            && match voted {
                Voted::Value(value) => share(*value) < config.pass,
                Voted::NotApplicable => config.not_applicable == NotApplicable::Zero,
                // A gate that nobody looked at does not open.
                Voted::Unknown => true,
            }
    });
    if let Some((criterion, voted)) = gate {
        if *voted == Voted::Unknown {
            return (Score::Abstain(format!("the required criterion `{}` was not judged", criterion.id)), None);
        }
        return (Score::Value(scale.min), Some(criterion.id.clone()));
    }
    let counted: Vec<(f64, f64)> = rubric
        .iter()
        .zip(voted)
        .filter_map(|(criterion, voted)| match voted {
            Voted::Value(value) => Some((criterion.weight, share(*value))),
            Voted::NotApplicable if config.not_applicable == NotApplicable::Zero => Some((criterion.weight, 0.0)),
            Voted::NotApplicable | Voted::Unknown => None,
        })
        .collect();
    let earned = weighted_sum(counted.iter().copied());
    let possible = decimal_sum(counted.iter().map(|(weight, _)| weight.max(0.0)));
    if possible > 0.0 {
        let share = (earned / possible).clamp(0.0, 1.0);
        // The ends of the scale are exact, whatever the arithmetic in between.
        let value = if share == 1.0 { scale.max } else { scale.min + (scale.max - scale.min) * share };
        return (Score::Value(value), None);
    }
    (Score::Abstain("no criterion that could earn anything applies".to_owned()), None)
}

fn voted(votes: &Votes, aggregate: Aggregate) -> Voted {
    if votes.values.is_empty() && votes.not_applicable == 0 {
        return Voted::Unknown;
    }
    if votes.not_applicable > votes.values.len() {
        return Voted::NotApplicable;
    }
    let mut values = votes.values.clone();
    values.sort_unstable_by(f64::total_cmp);
    let mean = |values: &[f64]| decimal_mean(values.iter().copied());
    Voted::Value(match aggregate {
        Aggregate::Mean => mean(&values),
        Aggregate::Median => {
            let (low, high) = ((values.len() - 1) / 2, values.len() / 2);
            mean(values.get(low..=high).unwrap_or_default())
        }
        Aggregate::Majority => mean(&most_frequent(&values)),
    })
}

/// The values that are there most often, each once; `sorted` is in order.
fn most_frequent(sorted: &[f64]) -> Vec<f64> {
    let groups: Vec<(f64, usize)> =
        sorted.chunk_by(|a, b| a == b).filter_map(|group| Some((*group.first()?, group.len()))).collect();
    let most = groups.iter().map(|(_, count)| *count).max().unwrap_or_default();
    groups.into_iter().filter(|(_, count)| *count == most).map(|(value, _)| value).collect()
}

fn agreement(votes: &[Vec<Votes>]) -> Option<f64> {
    let (mut agreeing, mut all) = (0, 0);
    for votes in votes.iter().flatten() {
        let mut values = votes.values.clone();
        values.sort_unstable_by(f64::total_cmp);
        let most = values.chunk_by(|a, b| a == b).map(<[f64]>::len).max().unwrap_or_default();
        agreeing += most.max(votes.not_applicable);
        all += values.len() + votes.not_applicable;
    }
    (all > 0).then(|| f64::from(u32::try_from(agreeing).unwrap_or(u32::MAX)) / all as f64)
}
