//! A seeded source of chance for policies.

/// SplitMix64 (Steele, Lea and Flood, 2014): the same seed gives the same numbers on every machine. Not for secrets.
///
/// ```
/// let mut random = rewarden_plugin::Random::new(7);
/// let mut order = [0, 1, 2, 3];
/// random.shuffle(&mut order);
/// let mut again = [0, 1, 2, 3];
/// rewarden_plugin::Random::new(7).shuffle(&mut again);
/// assert_eq!(order, again);
/// ```
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Starts from a seed, in a policy usually `context.seed`. Any value will do, 0 too.
    pub fn new(seed: u64) -> Self {
        Random { state: seed }
    }

    /// The next 64 bits, each value as likely as any other.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A whole number from 0 to `bound - 1`, each as likely as any other; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Lemire's method: the high half of a product is uniform once the low halves that would favour some results
        // are drawn again.
        let unfair = bound.wrapping_neg().checked_rem(bound).unwrap_or(0);
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= unfair {
                return (product >> 64) as u64;
            }
        }
    }

    /// Puts the items in a random order, each order as likely as any other (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        // Reference values for seed 1234567, as in the published C code and Java's SplittableRandom.
        let mut random = Random::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
        ];
        assert_eq!(expected.map(|_| random.next_u64()), expected);
    }

    #[test]
    fn every_order_of_three_comes_up_about_equally_often() {
        let mut random = Random::new(1);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..6000 {
            let mut order = [0, 1, 2];
            random.shuffle(&mut order);
            *counts.entry(order).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        // Expected 1000 each, standard deviation 29: five of them is a safe margin.
        assert!(counts.values().all(|count| (855..=1145).contains(count)), "{counts:?}");
    }

    proptest! {
        #[test]
        fn numbers_stay_below_the_bound(seed: u64, bound in 1_u64..) {
            prop_assert!(Random::new(seed).below(bound) < bound);
        }

        #[test]
        fn a_shuffle_keeps_every_item_and_repeats_for_the_same_seed(seed: u64, items: Vec<u8>) {
            let mut shuffled = items.clone();
            Random::new(seed).shuffle(&mut shuffled);
            let mut again = items.clone();
            Random::new(seed).shuffle(&mut again);
            prop_assert_eq!(&shuffled, &again);
            let (mut left, mut right) = (items, shuffled);
            left.sort_unstable();
            right.sort_unstable();
            prop_assert_eq!(left, right);
        }
    }
}
