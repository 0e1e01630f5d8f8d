//! Who won.

use crate::score::Score;

/// The place of each response under a reward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The response with the highest score; `None` if several share it, or when no response has a score.
    pub best: Option<usize>,
    /// The responses that share the highest score, when more than one does.
    pub tied: Vec<usize>,
}

impl Standing {
    /// Compares scores as numbers; a response that abstained cannot win.
    pub fn of(scores: &[Score]) -> Self {
        let mut top = f64::NEG_INFINITY;
        let mut leaders = Vec::new();
        for (index, score) in scores.iter().enumerate() {
            let Score::Value(value) = *score else { continue };
            if value > top {
                top = value;
                leaders.clear();
            }
            if value == top {
                leaders.push(index);
            }
        }
        match leaders.as_slice() {
            [best] => Self { best: Some(*best), tied: Vec::new() },
            _ => Self { best: None, tied: leaders },
        }
    }

    /// Returns what the standing is worth against a label: 1 if the labelled response won alone, 1/t when it is one of t
    /// tied at the top, 0 otherwise.
    pub fn credit(&self, preferred: usize) -> f64 {
        if self.best == Some(preferred) {
            1.0
        } else if self.tied.contains(&preferred) {
            1.0 / self.tied.len() as f64
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(scores: &[Option<f64>]) -> Standing {
        let scores: Vec<_> =
            scores.iter().map(|score| score.map_or(Score::Abstain(String::new()), Score::Value)).collect();
        Standing::of(&scores)
    }

    #[test]
    fn the_highest_score_wins_and_a_shared_one_is_a_tie() {
        assert_eq!(standing(&[Some(17.0), Some(25.0)]), Standing { best: Some(1), tied: vec![] });
        assert_eq!(standing(&[Some(3.0), Some(1.0), Some(3.0)]), Standing { best: None, tied: vec![0, 2] });
    }

    #[test]
    fn a_response_without_a_score_cannot_win() {
        assert_eq!(standing(&[None, Some(-4.0)]), Standing { best: Some(1), tied: vec![] });
        assert_eq!(standing(&[None, None]), Standing { best: None, tied: vec![] });
    }

    #[test]
    fn a_tie_is_worth_its_share() {
        let tie = standing(&[Some(3.0), Some(1.0), Some(3.0)]);
        assert_eq!([tie.credit(0), tie.credit(1), tie.credit(2)], [0.5, 0.0, 0.5]);
        assert_eq!(standing(&[None, None]).credit(0), 0.0);
    }
}
