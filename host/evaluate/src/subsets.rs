//! What a task's reward would have been worth with fewer samples.

use std::collections::{BTreeMap, HashMap};

use rand::seq::index;

use crate::credit::credit;
use crate::random::generator;
use crate::{Aggregate, AtKOptions, TaskOutcome};

/// The credits of a task's subsets of one size: each different credit with the number of subsets that earn it.
pub(crate) type Credits = Vec<(f64, u32)>;

/// The credits for every k that the task has samples for. The task has a label.
///
/// A subset is handed to the policy in the order in which its samples were drawn: a policy that looks at samples one
/// after the other, to stop early for instance, sees what it could have seen in a run. (Every subset of a size is
/// equally likely, so that no position is favoured by it.)
pub(crate) fn credits_at_k(
    task: &TaskOutcome,
    aggregate: &Aggregate<'_>,
    options: &AtKOptions,
) -> BTreeMap<u32, Credits> {
    let samples = task.samples.len();
    sizes(&options.ks, samples)
        .into_iter()
        .map(|k| {
            let subsets = subsets(samples, k, &task.id, options);
            let mut known = HashMap::new();
            let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
            for subset in subsets {
                let credit = known.entry(subset).or_insert_with_key(|subset| {
                    aggregate(subset).map_or(0.0, |scores| credit(&scores, &task.correct))
                });
                // Credits are not negative, and the bits of such numbers are in their order.
                *counts.entry(credit.to_bits()).or_default() += 1;
            }
            (k, counts.into_iter().map(|(bits, count)| (f64::from_bits(bits), count)).collect())
        })
        .collect()
}

/// The sizes asked for that a task with so many samples has, or all powers of two and the number itself: which of
/// those is the most that any task has is known only at the end.
fn sizes(ks: &[u32], samples: usize) -> Vec<u32> {
    let samples = u32::try_from(samples).unwrap_or(u32::MAX);
    let mut sizes: Vec<u32> = if ks.is_empty() {
        let powers = std::iter::successors(Some(1u32), |k| k.checked_mul(2));
        powers.take_while(|k| *k < samples).chain((samples > 0).then_some(samples)).collect()
    } else {
        ks.iter().copied().filter(|k| *k <= samples).collect()
    };
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// All subsets of size `k` where there are no more than `resamples` of them, else so many random ones. Ascending.
fn subsets(samples: usize, k: u32, task: &str, options: &AtKOptions) -> Vec<Vec<usize>> {
    let (size, resamples) = (k as usize, options.resamples);
    if count(samples, size, u64::from(resamples)).is_some() {
        return all(samples, size);
    }
    let mut random = generator(options.seed, task, k);
    (0..resamples)
        .map(|_| {
            let mut subset = index::sample(&mut random, samples, size).into_vec();
            subset.sort_unstable();
            subset
        })
        .collect()
}

/// How many subsets there are; `None` if they are more than `limit`.
fn count(samples: usize, size: usize, limit: u64) -> Option<u64> {
    // C(n, i + 1) = C(n, i) (n − i) / (i + 1), which grows up to i = n / 2.
    let size = size.min(samples - size);
    (0..size).try_fold(1u64, |count, i| {
        let next = u128::from(count) * (samples - i) as u128 / (i + 1) as u128;
        u64::try_from(next).ok().filter(|next| *next <= limit)
    })
}

fn all(samples: usize, size: usize) -> Vec<Vec<usize>> {
    fn extend(from: usize, samples: usize, missing: usize, subset: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
        if missing == 0 {
            found.push(subset.clone());
            return;
        }
        for index in from..=samples - missing {
            subset.push(index);
            extend(index + 1, samples, missing - 1, subset, found);
            subset.pop();
        }
    }
    let mut found = Vec::new();
    extend(0, samples, size, &mut Vec::with_capacity(size), &mut found);
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{SampleOutcome, Scores};

    fn task(samples: usize) -> TaskOutcome {
        let sample = SampleOutcome {
            order: vec![0, 1],
            outcome: Ok(vec![Some(1.0), Some(2.0)]),
            confidence: None,
            prompt_tokens: None,
            completion_tokens: None,
            seconds: None,
        };
        TaskOutcome {
            id: "t".into(),
            item: String::new(),
            fields: BTreeMap::new(),
            responses: 2,
            correct: vec![1],
            reward: Err("no_samples".into()),
            confidence: None,
            samples: vec![sample; samples],
        }
    }

    fn options(ks: &[u32], resamples: u32) -> AtKOptions {
        AtKOptions { ks: ks.to_vec(), resamples, bootstrap: 1, seed: 3 }
    }

    #[test]
    fn without_sizes_they_are_the_powers_of_two_and_all() {
        assert_eq!(sizes(&[], 12), [1, 2, 4, 8, 12]);
        assert_eq!(sizes(&[], 8), [1, 2, 4, 8]);
        assert_eq!(sizes(&[], 1), [1]);
        assert!(sizes(&[], 0).is_empty());
        assert_eq!(sizes(&[9, 3, 1, 3], 8), [1, 3]);
    }

    #[test]
    fn few_subsets_are_all_taken_once() {
        assert_eq!(subsets(4, 2, "t", &options(&[], 6)), [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]);
        assert_eq!(count(4, 2, 5), None);
        assert_eq!(count(60, 30, u64::from(u32::MAX)), None);
        assert_eq!(count(1000, 999, 1000), Some(1000));
    }

    #[test]
    fn many_subsets_are_drawn_ascending_and_without_replacement() {
        let drawn = subsets(20, 5, "t", &options(&[], 50));
        assert_eq!(drawn.len(), 50);
        assert!(drawn.iter().all(|subset| subset.len() == 5 && subset.windows(2).all(|pair| pair[0] < pair[1])));
        assert_eq!(drawn, subsets(20, 5, "t", &options(&[], 50)));
        assert_ne!(drawn, subsets(20, 5, "u", &options(&[], 50)));
    }

    #[test]
    fn every_sample_is_drawn_alike() {
        let mut seen = [0u32; 10];
        subsets(10, 4, "t", &options(&[], 209)).iter().flatten().for_each(|index| seen[*index] += 1);
        // 209 of 210 subsets' worth of draws: 83.6 expected each, standard deviation 7.1.
        assert!(seen.iter().all(|count| (48..=119).contains(count)), "{seen:?}");
    }

    #[test]
    fn the_policy_is_asked_once_for_each_different_subset() {
        let asked = Mutex::new(Vec::new());
        let aggregate = |subset: &[usize]| -> Option<Scores> {
            asked.lock().unwrap().push(subset.to_vec());
            Some(vec![Some(1.0), Some(2.0)])
        };
        // 35 subsets and only 34 draws, so that some are drawn twice.
        let credits = credits_at_k(&task(7), &aggregate, &options(&[3, 7], 34));
        let asked = asked.into_inner().unwrap();
        let different: std::collections::BTreeSet<_> = asked.iter().collect();
        assert_eq!(asked.len(), different.len());
        assert!(asked.len() < 35);
        assert_eq!(credits[&3], [(1.0, 34)]);
        assert_eq!(credits[&7], [(1.0, 1)]);
    }

    #[test]
    fn a_subset_without_a_reward_earns_nothing() {
        let aggregate = |subset: &[usize]| subset.contains(&0).then(|| vec![Some(1.0), Some(1.0)]);
        assert_eq!(credits_at_k(&task(4), &aggregate, &options(&[1], 10))[&1], [(0.0, 3), (0.5, 1)]);
    }
}
