//! How sure a model was, by the distributions of the scores that it could have given.

use rewarden_plugin::{Level, sum};

/// See the crate's documentation. None without a distribution for each response, and where no response is ahead of the others.
pub(crate) fn confidence(distributions: &[Vec<Level>]) -> Option<f64> {
    if distributions.is_empty() || distributions.iter().any(Vec::is_empty) {
        return None;
    }
    if let [only] = distributions {
        return only.iter().map(|level| level.probability).reduce(f64::max).map(|most| most.min(1.0));
    }
    let means: Vec<f64> = distributions.iter().map(|levels| mean(levels)).collect();
    let top = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut first = means.iter().enumerate().filter(|(_, mean)| **mean == top);
    let (Some((best, _)), None) = (first.next(), first.next()) else { return None };
    let of_best = distributions.get(best)?;
    let others = || distributions.iter().enumerate().filter(|(place, _)| *place != best).map(|(_, levels)| levels);
    let wins = of_best.iter().map(|level| {
        // How many others share the score: for each number of them a probability, those above it left out.
        let mut sharing = vec![level.probability];
        for levels in others() {
            let below = sum(levels.iter().filter(|other| other.score < level.score).map(|other| other.probability));
            let equal = sum(levels.iter().filter(|other| other.score == level.score).map(|other| other.probability));
            let mut next = vec![0.0; sharing.len() + 1];
            for (count, probability) in sharing.iter().enumerate() {
                for (count, share) in [(count, below), (count + 1, equal)] {
                    if let Some(slot) = next.get_mut(count) {
                        *slot += probability * share;
                    }
                }
            }
            sharing = next;
        }
        sum(sharing.iter().enumerate().map(|(count, probability)| probability / (count + 1) as f64))
    });
    Some(sum(wins).clamp(0.0, 1.0))
}

fn mean(levels: &[Level]) -> f64 {
    sum(levels.iter().map(|level| level.score * level.probability))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(of: &[(f64, f64)]) -> Vec<Level> {
        of.iter().map(|&(score, probability)| Level { score, probability }).collect()
    }

    #[test]
    fn one_response_is_as_sure_as_its_most_probable_score() {
        assert_eq!(confidence(&[levels(&[(1.0, 0.25), (2.0, 0.75)])]), Some(0.75));
        assert_eq!(confidence(&[levels(&[])]), None);
        assert_eq!(confidence(&[]), None);
    }

    #[test]
    fn several_are_as_sure_as_the_leader_is_to_lead() {
        // 9 beats 8 always and shares with 9 in a quarter of the cases: 0.5 + 0.5 * (0.5 * 1 + 0.5 * 0.5).
        let (leader, rival) = (levels(&[(9.0, 0.5), (10.0, 0.5)]), levels(&[(8.0, 0.5), (9.0, 0.5)]));
        assert_eq!(confidence(&[leader.clone(), rival.clone()]), Some(0.875));
        assert_eq!(confidence(&[rival, leader]), Some(0.875));
        // Three that always share: a third.
        let sure = levels(&[(5.0, 1.0)]);
        let ahead = levels(&[(5.0, 0.5), (6.0, 0.5)]);
        let found = confidence(&[ahead, sure.clone(), sure.clone()]).unwrap();
        assert!((found - (0.5 + 0.5 / 3.0)).abs() < 1e-12, "{found}");
        assert_eq!(confidence(&[sure.clone(), sure]), None);
    }
}
