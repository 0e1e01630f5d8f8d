//! What one task adds to the figures of its group.

use std::collections::BTreeMap;

use crate::credit::{credit, top};
use crate::named::{Named, named, opposite_orders};
use crate::{SampleOutcome, TaskOutcome};

/// What one task adds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TaskFigures {
    /// None for a task without a label, or with a single response, which wins whatever the scores.
    pub(crate) label: Option<Label>,
    pub(crate) failure: Option<String>,
    pub(crate) samples: u64,
    pub(crate) valid: u64,
    pub(crate) failures: BTreeMap<String, u64>,
    /// Pairs of samples in opposite orders that agree, of all such pairs.
    pub(crate) swap: Ratio,
    /// Samples whose lone winner was shown first, of all that have one.
    pub(crate) first_shown: Ratio,
    pub(crate) tokens: Option<f64>,
    pub(crate) seconds: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Label {
    pub(crate) credit: f64,
    pub(crate) tied: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ratio {
    pub(crate) hits: u64,
    pub(crate) of: u64,
}

impl TaskFigures {
    pub(crate) fn of(task: &TaskOutcome) -> Self {
        let mut figures = Self {
            label: label(task),
            failure: task.reward.as_ref().err().cloned(),
            samples: task.samples.len() as u64,
            swap: swaps(&task.samples),
            ..Self::default()
        };
        let mut tokens: Option<u64> = None;
        for sample in &task.samples {
            match &sample.outcome {
                Ok(_) => figures.valid += 1,
                Err(kind) => *figures.failures.entry(kind.clone()).or_default() += 1,
            }
            if let Some(Named::Winner(winner)) = named(sample) {
                figures.first_shown.of += 1;
                let first = sample.order.first().is_some_and(|first| *first as usize == winner);
                figures.first_shown.hits += u64::from(first);
            }
            for count in [sample.prompt_tokens, sample.completion_tokens].into_iter().flatten() {
                *tokens.get_or_insert_default() += u64::from(count);
            }
            if let Some(seconds) = sample.seconds {
                *figures.seconds.get_or_insert_default() += seconds;
            }
        }
        figures.tokens = tokens.map(|tokens| tokens as f64);
        figures
    }
}

fn label(task: &TaskOutcome) -> Option<Label> {
    (task.responses >= 2 && !task.correct.is_empty()).then(|| match &task.reward {
        Ok(scores) => Label { credit: credit(scores, &task.correct), tied: top(scores).len() > 1 },
        Err(_) => Label { credit: 0.0, tied: false },
    })
}

/// Of the pairs of samples in opposite orders, those in which both name a winner or a tie count.
fn swaps(samples: &[SampleOutcome]) -> Ratio {
    let mut swaps = Ratio::default();
    for (one, other) in opposite_orders(samples) {
        if let (Some(one), Some(other)) = (one, other) {
            swaps.of += 1;
            swaps.hits += u64::from(one == other);
        }
    }
    swaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scores;

    fn sample(order: &[u32], outcome: Result<Scores, &str>) -> SampleOutcome {
        SampleOutcome {
            order: order.to_vec(),
            outcome: outcome.map_err(str::to_owned),
            confidence: None,
            prompt_tokens: None,
            completion_tokens: None,
            seconds: None,
        }
    }

    fn scores<const N: usize>(scores: [f64; N]) -> Result<Scores, &'static str> {
        Ok(scores.map(Some).to_vec())
    }

    fn task(correct: &[usize], reward: Result<Scores, &str>, samples: Vec<SampleOutcome>) -> TaskOutcome {
        TaskOutcome {
            id: "t".into(),
            item: "t".into(),
            fields: BTreeMap::new(),
            responses: 2,
            correct: correct.to_vec(),
            reward: reward.map_err(str::to_owned),
            confidence: None,
            samples,
        }
    }

    #[test]
    fn a_task_without_a_reward_earns_nothing_and_names_its_failure() {
        let figures = TaskFigures::of(&task(&[0], Err("policy_refused"), vec![]));
        assert_eq!(figures.label, Some(Label { credit: 0.0, tied: false }));
        assert_eq!(figures.failure.as_deref(), Some("policy_refused"));
    }

    #[test]
    fn a_task_without_a_label_or_a_rival_is_not_labelled() {
        assert_eq!(TaskFigures::of(&task(&[], scores([1.0, 2.0]), vec![])).label, None);
        let single = TaskOutcome { responses: 1, ..task(&[0], scores([1.0]), vec![]) };
        assert_eq!(TaskFigures::of(&single).label, None);
    }

    #[test]
    fn samples_pair_with_those_in_the_reversed_order_one_by_one() {
        let samples = vec![
            sample(&[0, 1], scores([3.0, 1.0])), // agrees with the first reversed one
            sample(&[1, 0], scores([9.0, 2.0])),
            sample(&[0, 1], scores([3.0, 1.0])), // disagrees with the second
            sample(&[1, 0], scores([1.0, 2.0])),
            sample(&[0, 1], scores([2.0, 2.0])), // both tie
            sample(&[1, 0], scores([5.0, 5.0])),
            sample(&[0, 1], scores([2.0, 2.0])), // a tie is no win
            sample(&[1, 0], scores([5.0, 1.0])),
            sample(&[0, 1], Err("unparsable")), // no pair, and no shift of those after it
            sample(&[1, 0], scores([5.0, 1.0])),
            sample(&[0, 1], scores([5.0, 1.0])), // nothing to pair with
        ];
        assert_eq!(TaskFigures::of(&task(&[], Err("x"), samples)).swap, Ratio { hits: 2, of: 4 });
    }

    #[test]
    fn only_exact_reversals_are_swaps_and_a_single_response_has_none() {
        let samples = vec![
            sample(&[0, 1, 2], scores([1.0, 2.0, 3.0])),
            sample(&[1, 0, 2], scores([1.0, 2.0, 3.0])),
            sample(&[0], Ok(vec![Some(1.0), None, None])),
            sample(&[0], Ok(vec![Some(1.0), None, None])),
        ];
        assert_eq!(TaskFigures::of(&task(&[], Err("x"), samples)).swap, Ratio { hits: 0, of: 0 });
    }

    #[test]
    fn the_first_shown_wins_where_the_lone_winner_was_shown_first() {
        let samples = vec![
            sample(&[1, 0], scores([1.0, 2.0])),
            sample(&[0, 1], scores([1.0, 2.0])),
            sample(&[0, 1], scores([2.0, 2.0])),
            sample(&[0, 1], Err("unparsable")),
            sample(&[0, 1], Ok(vec![None, None])),
        ];
        let figures = TaskFigures::of(&task(&[], Err("x"), samples));
        assert_eq!(figures.first_shown, Ratio { hits: 1, of: 2 });
        assert_eq!((figures.samples, figures.valid), (5, 4));
        assert_eq!(figures.failures, BTreeMap::from([("unparsable".to_owned(), 1)]));
    }

    #[test]
    fn cost_is_summed_over_samples_and_absent_where_nothing_was_recorded() {
        let costly = |prompt_tokens, completion_tokens, seconds| SampleOutcome {
            prompt_tokens,
            completion_tokens,
            seconds,
            ..sample(&[0, 1], Err("unparsable"))
        };
        let samples = vec![costly(Some(100), Some(20), Some(0.5)), costly(None, Some(7), Some(0.25))];
        let figures = TaskFigures::of(&task(&[], Err("x"), samples));
        assert_eq!((figures.tokens, figures.seconds), (Some(127.0), Some(0.75)));
        let free = TaskFigures::of(&task(&[], Err("x"), vec![costly(None, None, None)]));
        assert_eq!((free.tokens, free.seconds), (None, None));
    }
}
