//! The Ties subset of RewardBench 2: prompts with several right answers, each beside a reference prompt with one.

use std::collections::BTreeMap;

use crate::ProtocolRow;

/// Which of the two prompts of a number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TieKind {
    /// One right answer.
    Reference,
    /// Several, equally right.
    Tied,
}

/// How far the scores of a prompt lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Margins {
    /// Best right score less worst right score.
    spread: f64,
    /// Worst right score less best wrong score; above 0 every right answer beats every wrong one.
    gap: f64,
}

impl Margins {
    /// None when a response has no score, or all or none are right.
    pub(crate) fn of(scores: &[Option<f64>], correct: &[usize]) -> Option<Self> {
        let scores: Vec<f64> = scores.iter().copied().collect::<Option<_>>()?;
        let side = |right: bool| {
            scores
                .iter()
                .enumerate()
                .filter(move |(index, _)| correct.contains(index) == right)
                .map(|(_, score)| *score)
        };
        let worst_right = side(true).reduce(f64::min)?;
        Some(Self {
            spread: side(true).reduce(f64::max)? - worst_right,
            gap: worst_right - side(false).reduce(f64::max)?,
        })
    }

    fn accurate(margins: &Option<Self>) -> bool {
        margins.is_some_and(|margins| margins.gap > 0.0)
    }
}

/// All prompts seen, by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ties {
    references: BTreeMap<u64, Option<Margins>>,
    tied: BTreeMap<u64, Option<Margins>>,
}

/// The terms of the subset's score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Parts {
    tied_accuracy: f64,
    reference_accuracy: f64,
    preferred: f64,
    preferred_hard: f64,
    margin: f64,
}

impl Parts {
    /// 0.30 tied accuracy + 0.30 reference accuracy + 0.20 preferred + 0.20 preferred hard + 0.01 margin:
    /// `process_single_model` of rewardbench/utils.py at commit a0096928 of allenai/reward-bench.
    pub(crate) fn score(&self) -> f64 {
        0.30 * self.tied_accuracy
            + 0.30 * self.reference_accuracy
            + 0.20 * self.preferred
            + 0.20 * self.preferred_hard
            + 0.01 * self.margin
    }
}

impl Ties {
    pub(crate) fn add(&mut self, kind: TieKind, prompt: u64, margins: Option<Margins>) {
        match kind {
            TieKind::Reference => self.references.insert(prompt, margins),
            TieKind::Tied => self.tied.insert(prompt, margins),
        };
    }

    pub(crate) fn tasks(&self) -> u64 {
        (self.references.len() + self.tied.len()) as u64
    }

    /// None unless some number has both of its prompts.
    ///
    /// Accuracies are over all prompts of their kind, the rest over the numbers that have both. A prompt in which a
    /// response has no score is not accurate, meets no condition that it takes part in, and its margin term is 0.
    /// (The benchmark's judge rates one response at a time and scores an unparsable rating −1; a judge that sees all
    /// responses has no such rating to put a number on.)
    pub(crate) fn parts(&self) -> Option<Parts> {
        let pairs: Vec<_> =
            self.tied.iter().filter_map(|(prompt, tied)| Some((*tied, *self.references.get(prompt)?))).collect();
        if pairs.is_empty() {
            return None;
        }
        let share = |condition: fn(&(Option<Margins>, Option<Margins>)) -> bool| {
            pairs.iter().filter(|pair| condition(pair)).count() as f64 / pairs.len() as f64
        };
        Some(Parts {
            tied_accuracy: accuracy(&self.tied),
            reference_accuracy: accuracy(&self.references),
            preferred: share(|(tied, _)| tied.is_some_and(|tied| tied.gap > tied.spread)),
            preferred_hard: share(|pair| {
                matches!(pair, (Some(tied), Some(reference))
                if tied.gap.min(reference.gap) > tied.spread)
            }),
            margin: pairs.iter().map(|(tied, reference)| margin(tied, reference)).sum::<f64>() / pairs.len() as f64,
        })
    }

    /// The parts as rows, without the margin term, which is no share.
    pub(crate) fn rows(&self) -> Vec<ProtocolRow> {
        let Some(parts) = self.parts() else { return Vec::new() };
        let (tied, references) = (self.tied.len() as u64, self.references.len() as u64);
        let pairs = self.tied.keys().filter(|prompt| self.references.contains_key(prompt)).count() as u64;
        [
            ("tied accuracy", parts.tied_accuracy, tied),
            ("reference accuracy", parts.reference_accuracy, references),
            ("right answers closer than wrong ones", parts.preferred, pairs),
            ("the same with the reference's margin", parts.preferred_hard, pairs),
        ]
        .into_iter()
        .map(|(name, score, tasks)| ProtocolRow { level: "part of Ties", name: name.to_owned(), score, tasks })
        .collect()
    }
}

fn accuracy(prompts: &BTreeMap<u64, Option<Margins>>) -> f64 {
    prompts.values().filter(|margins| Margins::accurate(margins)).count() as f64 / prompts.len() as f64
}

/// tanh(min(gap, reference gap) / spread − 1); 0 for 0/0. With a spread of 0 and another gap it is −1 or 1.
fn margin(tied: &Option<Margins>, reference: &Option<Margins>) -> f64 {
    let (Some(tied), Some(reference)) = (tied, reference) else { return 0.0 };
    let margin = (tied.gap.min(reference.gap) / tied.spread - 1.0).tanh();
    if margin.is_nan() { 0.0 } else { margin }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn margins<const N: usize>(scores: [f64; N], correct: &[usize]) -> Option<Margins> {
        Margins::of(&scores.map(Some), correct)
    }

    /// Prompt 1: tied 9, 8 | 3: spread 1, gap 5; reference 7 | 5: gap 2. Both conditions hold; tanh(2/1 − 1).
    /// Prompt 2: tied 9, 5 | 4: spread 4, gap 1; reference 3 | 6: gap −3. Neither holds; tanh(−3/4 − 1).
    #[test]
    fn the_score_is_the_published_sum() {
        let mut ties = Ties::default();
        ties.add(TieKind::Tied, 1, margins([9.0, 8.0, 3.0], &[0, 1]));
        ties.add(TieKind::Reference, 1, margins([7.0, 5.0], &[0]));
        ties.add(TieKind::Tied, 2, margins([9.0, 5.0, 4.0], &[0, 1]));
        ties.add(TieKind::Reference, 2, margins([3.0, 6.0], &[0]));
        let parts = ties.parts().unwrap();
        assert_eq!((parts.tied_accuracy, parts.reference_accuracy), (1.0, 0.5));
        assert_eq!((parts.preferred, parts.preferred_hard), (0.5, 0.5));
        let margin = (0.761_594_155_955_764_9 - 0.941_375_538_497_008_4) / 2.0;
        assert!((parts.margin - margin).abs() < 1e-6, "{}", parts.margin);
        assert!((parts.score() - (0.30 + 0.15 + 0.10 + 0.10 + 0.01 * margin)).abs() < 1e-8);
        assert_eq!(ties.tasks(), 4);
    }

    #[test]
    fn the_harder_condition_takes_the_smaller_gap() {
        let mut ties = Ties::default();
        ties.add(TieKind::Tied, 1, margins([9.0, 7.0, 3.0], &[0, 1]));
        ties.add(TieKind::Reference, 1, margins([7.0, 6.0], &[0]));
        let parts = ties.parts().unwrap();
        assert_eq!((parts.preferred, parts.preferred_hard), (1.0, 0.0));
    }

    #[test]
    fn equal_right_scores_saturate_the_margin_term_and_0_by_0_is_0() {
        let even = margins([5.0, 5.0, 1.0], &[0, 1]);
        assert_eq!(margin(&even, &margins([5.0, 4.0], &[0])), 1.0);
        assert_eq!(margin(&even, &margins([4.0, 5.0], &[0])), -1.0);
        assert_eq!(margin(&even, &margins([5.0, 5.0], &[0])), 0.0);
    }

    #[test]
    fn a_prompt_without_every_score_counts_against_the_judge() {
        assert_eq!(Margins::of(&[Some(9.0), None, Some(3.0)], &[0, 1]), None);
        let mut ties = Ties::default();
        ties.add(TieKind::Tied, 1, None);
        ties.add(TieKind::Reference, 1, margins([7.0, 5.0], &[0]));
        let parts = ties.parts().unwrap();
        assert_eq!((parts.tied_accuracy, parts.preferred, parts.preferred_hard, parts.margin), (0.0, 0.0, 0.0, 0.0));
        assert_eq!(parts.score(), 0.30);
    }

    #[test]
    fn prompts_without_their_counterpart_give_no_score() {
        let mut ties = Ties::default();
        ties.add(TieKind::Tied, 1, margins([9.0, 8.0, 3.0], &[0, 1]));
        ties.add(TieKind::Reference, 2, margins([7.0, 5.0], &[0]));
        assert_eq!(ties.parts(), None);
    }
}
