//! Who won, and what that is worth against a label.

/// The indices that share the highest score, ascending. Empty when no response has a score.
pub fn top(scores: &[Option<f64>]) -> Vec<usize> {
    let mut best = f64::NEG_INFINITY;
    let mut leaders = Vec::new();
    for (index, score) in scores.iter().enumerate() {
        let Some(score) = *score else { continue };
        if score > best {
            best = score;
            leaders.clear();
        }
        if score == best {
            leaders.push(index);
        }
    }
    leaders
}

/// Returns what scores are worth against a label: the share of the top that is right. So 1 if a right response won alone,
/// 1/t when it is the only right one of t tied, 0 when the top is wrong or nothing has a score.
pub fn credit(scores: &[Option<f64>], correct: &[usize]) -> f64 {
    let top = top(scores);
    if top.is_empty() {
        return 0.0;
    }
    top.iter().filter(|index| correct.contains(index)).count() as f64 / top.len() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_lone_winner_is_worth_1_and_a_tie_its_share() {
        assert_eq!(credit(&[Some(17.0), Some(25.0)], &[1]), 1.0);
        assert_eq!(credit(&[Some(17.0), Some(25.0)], &[0]), 0.0);
        assert_eq!(credit(&[Some(3.0), Some(1.0), Some(3.0)], &[2]), 0.5);
    }

    #[test]
    fn with_several_right_responses_it_is_the_share_of_the_top_that_is_right() {
        let scores = [Some(3.0), Some(3.0), Some(3.0), Some(1.0)];
        assert_eq!(credit(&scores, &[0, 1]), 2.0 / 3.0);
        assert_eq!(credit(&scores, &[0, 3]), 1.0 / 3.0);
    }

    #[test]
    fn a_response_without_a_score_cannot_win() {
        assert_eq!(credit(&[None, Some(-4.0)], &[1]), 1.0);
        assert_eq!(credit(&[None, Some(-4.0)], &[0]), 0.0);
        assert_eq!(credit(&[None, None], &[0]), 0.0);
    }

    proptest! {
        #[test]
        fn the_credits_of_all_responses_sum_to_1_or_to_0_without_any_score(
            scores in prop::collection::vec(prop::option::of((-3i8..3).prop_map(f64::from)), 1..8),
        ) {
            let sum: f64 = (0..scores.len()).map(|index| credit(&scores, &[index])).sum();
            let expected = if scores.iter().any(Option::is_some) { 1.0 } else { 0.0 };
            prop_assert!((sum - expected).abs() < 1e-12);
        }
    }
}
