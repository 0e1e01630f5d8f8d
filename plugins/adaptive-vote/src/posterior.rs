//! How sure a count of wins makes one of who is ahead.

/// The probability that the leader is chosen more often than the runner-up in the long run, when it was chosen `ahead`
/// times against `behind` and nothing was known before: the mass above one half of Beta(ahead + 1, behind + 1), the
/// stopping rule of Adaptive-Consistency (Aggarwal et al., 2023). From 0 to 1.
///
/// For whole numbers that mass is the probability of at most `ahead` heads in `ahead + behind + 1` throws of a coin.
pub(crate) fn leads(ahead: u32, behind: u32) -> f64 {
    let throws = f64::from(ahead) + f64::from(behind) + 1.0;
    // More than `ahead` heads is as likely as at most `behind`. Terms as logarithms: 2^-throws may be too small.
    let (mut term, mut others) = (-throws * std::f64::consts::LN_2, 0.0);
    for heads in 0..=behind {
        others += f64::exp(term);
        term += ((throws - f64::from(heads)) / (f64::from(heads) + 1.0)).ln();
    }
    (1.0 - others).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unanimous_votes_have_the_published_values() {
        for (votes, expected) in [(1, 0.75), (2, 0.875), (3, 0.9375), (4, 0.96875)] {
            assert!((leads(votes, 0) - expected).abs() < 1e-12, "{votes}");
        }
    }

    #[test]
    fn the_published_checkpoints_are_the_first_to_pass_0_95() {
        for (ahead, behind) in [(4, 0), (6, 1), (8, 2)] {
            assert!(leads(ahead, behind) >= 0.95, "{ahead} to {behind}: {}", leads(ahead, behind));
            assert!(leads(ahead - 1, behind) < 0.95, "{} to {behind}", ahead - 1);
        }
    }

    #[test]
    fn an_even_count_is_a_coin_and_long_runs_stay_numbers() {
        for votes in [0, 1, 7, 300] {
            assert!((leads(votes, votes) - 0.5).abs() < 1e-9, "{votes}: {}", leads(votes, votes));
        }
        assert!(leads(1024, 0) > 0.999_999 && leads(0, 1024) < 1e-9);
    }
}
