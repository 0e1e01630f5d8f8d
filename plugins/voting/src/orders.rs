//! In which order each of the `k` samples shows the responses.

use rewarden_plugin::Random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the responses are ordered, sample by sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Shuffle {
    /// The task's own order, every time.
    None,
    /// A new random order for every sample.
    Random,
    /// Every response stands at every position equally often, as far as `k` allows: the rotations of a random order,
    /// with a new random order after each full turn. Two responses alternate.
    Balanced,
}

/// The orders of `k` samples of a task with `responses` responses. The first of them do not depend on `k`, so policies
/// with the same shuffle and seed show the same. With `k = 1`, `Balanced` is one random order, as `Random` is; `None` is
/// the order to take for greedy judging.
pub fn orders(shuffle: Shuffle, responses: usize, k: usize, seed: u64) -> Vec<Vec<u32>> {
    let mut random = Random::new(seed);
    let mut order: Vec<u32> = (0..).take(responses).collect();
    (0..k)
        .map(|sample| {
            match shuffle {
                Shuffle::None => {}
                Shuffle::Random => random.shuffle(&mut order),
                Shuffle::Balanced => match sample.checked_rem(responses) {
                    // Two responses have one rotation class only: drawing anew would break their alternation.
                    Some(0) if sample == 0 || responses > 2 => random.shuffle(&mut order),
                    _ => order.rotate_left(1.min(responses)),
                },
            }
            order.clone()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_responses_alternate_under_balanced() {
        for seed in 0..8 {
            let orders = orders(Shuffle::Balanced, 2, 6, seed);
            assert!(orders.windows(2).all(|pair| pair[0] != pair[1]), "{orders:?}");
        }
    }

    #[test]
    fn the_first_sample_is_not_always_in_the_task_order() {
        for shuffle in [Shuffle::Random, Shuffle::Balanced] {
            let firsts: std::collections::BTreeSet<_> = (0..32).map(|seed| orders(shuffle, 2, 1, seed)).collect();
            assert_eq!(firsts.len(), 2, "{shuffle:?}");
        }
    }

    #[test]
    fn balanced_takes_new_orders_after_a_full_turn() {
        let classes = |seed| {
            let turns = orders(Shuffle::Balanced, 4, 40, seed);
            let starts = turns.chunks(4).map(|turn| {
                let mut order = turn[0].clone();
                let zero = order.iter().position(|&index| index == 0).unwrap();
                order.rotate_left(zero);
                order
            });
            starts.collect::<std::collections::BTreeSet<_>>().len()
        };
        assert!(classes(1) > 1);
    }

    fn any_shuffle() -> impl Strategy<Value = Shuffle> {
        prop_oneof![Just(Shuffle::None), Just(Shuffle::Random), Just(Shuffle::Balanced)]
    }

    proptest! {
        #[test]
        fn every_order_shows_every_response_once(shuffle in any_shuffle(), n in 1_usize..9, k in 1_usize..40, seed: u64) {
            let orders = orders(shuffle, n, k, seed);
            prop_assert_eq!(orders.len(), k);
            for mut order in orders {
                order.sort_unstable();
                prop_assert!(order.into_iter().eq(0..n as u32));
            }
        }

        #[test]
        fn balanced_positions_differ_by_at_most_one(n in 1_usize..9, k in 1_usize..40, seed: u64) {
            let orders = orders(Shuffle::Balanced, n, k, seed);
            for response in 0..n as u32 {
                for position in 0..n {
                    let count = orders.iter().filter(|order| order[position] == response).count();
                    prop_assert!((k / n..=k.div_ceil(n)).contains(&count));
                }
            }
        }

        #[test]
        fn a_larger_k_only_adds_orders(shuffle in any_shuffle(), n in 1_usize..6, k in 1_usize..20, more in 0_usize..20, seed: u64) {
            let all = orders(shuffle, n, k + more, seed);
            prop_assert_eq!(&all[..k], &orders(shuffle, n, k, seed)[..]);
        }
    }
}
