//! A sum that does not depend on the order of its terms.

/// The sum of finite numbers: the same bits for any order of the same numbers, and exact for whole numbers up to
/// 2^53. Adds them from the smallest up with Neumaier's compensation. The sum of nothing is 0.
///
/// Policies add with this, so that a reward does not depend on which sample came back first.
///
/// ```
/// assert_eq!(rewarden_plugin::sum([0.1, 0.2, 0.3]), rewarden_plugin::sum([0.3, 0.2, 0.1]));
/// ```
pub fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    sum + lost
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_terms_survive_beside_large_ones() {
        assert_eq!(sum([1e16, 1.0, -1e16]), 1.0);
        assert_eq!(sum([0.1; 10]), 1.0);
        assert_eq!(sum([]), 0.0);
    }

    proptest! {
        #[test]
        fn the_order_of_the_terms_changes_no_bit(values in prop::collection::vec(-1e9_f64..1e9, 0..40), seed: u64) {
            let mut shuffled = values.clone();
            crate::Random::new(seed).shuffle(&mut shuffled);
            prop_assert_eq!(sum(values).to_bits(), sum(shuffled).to_bits());
        }

        #[test]
        fn whole_numbers_add_up_exactly(values in prop::collection::vec(-1000_i32..1000, 0..100)) {
            let expected: i32 = values.iter().sum();
            prop_assert_eq!(sum(values.into_iter().map(f64::from)), f64::from(expected));
        }
    }
}
