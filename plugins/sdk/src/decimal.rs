//! Sums of numbers as they were written.

use crate::sum::sum;

/// A decimal number: `digits * 10^exponent`.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    exponent: i32,
}

/// The sum of decimal numbers, each times its weight, as a person adds them: 0.1 and 0.2 are 0.3. The same bits for any order, and
/// for any terms that add up to the same. The sum of nothing is 0.
///
/// Scores are decimals that judges wrote, and so are weights that people wrote. Added as binary fractions, two sums that are equal
/// differ in their last bit, and there is a winner where there is a tie. Numbers that no decimal of a few digits stands for, such as
/// 1/3, are better off with [`sum`], and are added by it where they have too many digits for an exact sum.
///
/// ```
/// assert_eq!(rewarden_plugin::weighted_sum([(1.0, 0.1), (1.0, 0.2)]), 0.3);
/// assert_eq!(rewarden_plugin::weighted_sum([(0.1, 3.0)]), rewarden_plugin::weighted_sum([(0.3, 1.0)]));
/// ```
pub fn weighted_sum(terms: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let terms: Vec<(f64, f64)> = terms.into_iter().collect();
    exact(&terms).and_then(Decimal::nearest).unwrap_or_else(|| sum(terms.iter().map(|(weight, value)| weight * value)))
}

/// The sum of decimal numbers; see [`weighted_sum`].
pub fn decimal_sum(values: impl IntoIterator<Item = f64>) -> f64 {
    weighted_sum(values.into_iter().map(|value| (1.0, value)))
}

/// The mean of decimal numbers; 0 for none. Means that are equal as decimals are the same bits, also of different counts: of 0.6,
/// 0.7 and 0.8 as of 0.6 and 0.8. See [`weighted_sum`].
pub fn decimal_mean(values: impl IntoIterator<Item = f64>) -> f64 {
    weighted_mean(values.into_iter().map(|value| (1.0, value)))
}

/// The weighted mean of decimal numbers; 0 where the weights add up to 0. See [`weighted_sum`].
pub fn weighted_mean(terms: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let terms: Vec<(f64, f64)> = terms.into_iter().collect();
    let weights: Vec<(f64, f64)> = terms.iter().map(|(weight, _)| (1.0, *weight)).collect();
    let exact = exact(&terms).zip(exact(&weights)).and_then(|(sum, of)| sum.over(of)?.nearest());
    exact.unwrap_or_else(|| {
        let of = sum(weights.iter().map(|(_, weight)| *weight));
        if of == 0.0 { 0.0 } else { sum(terms.iter().map(|(weight, value)| weight * value)) / of }
    })
}

fn exact(terms: &[(f64, f64)]) -> Option<Decimal> {
    let products: Option<Vec<Decimal>> =
        terms.iter().map(|(weight, value)| Decimal::of(*weight)?.times(Decimal::of(*value)?)).collect();
    let products = products?;
    let exponent =
        products.iter().filter(|product| product.digits != 0).map(|product| product.exponent).min().unwrap_or(0);
    // So that whether the sum fits does not depend on the order.
    let most = i128::MAX / i128::try_from(products.len().max(1)).ok()?;
    let mut digits = 0_i128;
    for product in products {
        digits += product.at(exponent).filter(|digits| digits.abs() <= most)?;
    }
    Some(Decimal { digits, exponent })
}

impl Decimal {
    /// The shortest decimal that reads as this number.
    fn of(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        // Nearly all scores are whole numbers.
        if number.fract() == 0.0 && number.abs() < 1e15 {
            return Some(Self { digits: number as i128, exponent: 0 });
        }
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}").parse().ok()?;
        Some(Self { digits, exponent: exponent.parse::<i32>().ok()? - i32::try_from(fraction.len()).ok()? })
    }

    fn times(self, other: Self) -> Option<Self> {
        Some(Self { digits: self.digits.checked_mul(other.digits)?, exponent: self.exponent + other.exponent })
    }

    /// Its digits when written with this exponent, which is not above its own.
    fn at(self, exponent: i32) -> Option<i128> {
        if self.digits == 0 {
            return Some(0);
        }
        let steps = u32::try_from(self.exponent - exponent).ok()?;
        self.digits.checked_mul(10_i128.checked_pow(steps)?)
    }

    /// The quotient, to more digits than a number has.
    fn over(self, other: Self) -> Option<Self> {
        let mut dividend = self;
        while let Some(digits) = dividend.digits.checked_mul(10).filter(|digits| *digits != 0) {
            dividend = Self { digits, exponent: dividend.exponent - 1 };
        }
        let digits = dividend.digits.checked_div(other.digits)?;
        // Too few digits to tell neighbouring numbers apart: the divisor was nearly as long as the dividend can be.
        let enough = digits == 0 || digits.unsigned_abs() > 10_u128.pow(20) || dividend.digits % other.digits == 0;
        enough.then_some(Self { digits, exponent: dividend.exponent - other.exponent })
    }

    /// The number nearest to it.
    fn nearest(self) -> Option<f64> {
        format!("{}e{}", self.digits, self.exponent).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sums_and_means_that_are_equal_as_decimals_are_the_same_bits() {
        assert_eq!(decimal_sum([0.1, 0.2]), 0.3);
        assert_eq!(decimal_sum([0.7, 0.1]), decimal_sum([0.6, 0.2]));
        assert_eq!(decimal_sum([8.3, 7.9, 7.8]), decimal_sum([8.0, 8.0, 8.0]));
        assert_eq!(decimal_mean([0.7, 0.7, 0.7]), 0.7);
        assert_eq!(decimal_mean([0.6, 0.7, 0.8]), decimal_mean([0.6, 0.8]));
        assert_eq!(weighted_sum([(0.1, 3.0)]), 0.3);
        assert_eq!(weighted_mean([(0.1, 7.0), (0.2, 7.0)]), 7.0);
        assert_eq!(decimal_sum([1e16, 1.0, -1e16]), 1.0);
        assert_eq!((decimal_sum([]), decimal_mean([]), weighted_mean([(0.0, 3.0)])), (0.0, 0.0, 0.0));
    }

    #[test]
    fn numbers_of_too_many_digits_are_added_all_the_same() {
        assert_eq!(decimal_sum([1e300, 1e-300]), 1e300);
        assert_eq!(decimal_sum([f64::MAX, f64::MAX]), f64::INFINITY);
        let thirds = [1.0 / 3.0; 3];
        assert!((weighted_mean(thirds.map(|third| (third, 0.1 + 0.2))) - 0.3).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn tenths_add_up_as_whole_numbers_do(tenths in prop::collection::vec(-1000_i32..1000, 1..60)) {
            let total: i32 = tenths.iter().sum();
            let values = || tenths.iter().map(|tenth| f64::from(*tenth) / 10.0);
            prop_assert_eq!(decimal_sum(values()), f64::from(total) / 10.0);
            prop_assert_eq!(decimal_mean(values()), f64::from(total) / (10.0 * tenths.len() as f64));
        }

        #[test]
        fn the_order_of_the_terms_changes_no_bit(values in prop::collection::vec((-1e3_f64..1e3, -1e9_f64..1e9), 0..40), seed: u64) {
            let mut shuffled = values.clone();
            crate::Random::new(seed).shuffle(&mut shuffled);
            prop_assert_eq!(weighted_sum(values.clone()).to_bits(), weighted_sum(shuffled.clone()).to_bits());
            prop_assert_eq!(weighted_mean(values).to_bits(), weighted_mean(shuffled).to_bits());
        }

        #[test]
        fn a_sum_is_near_the_binary_one(values in prop::collection::vec(-1e6_f64..1e6, 0..40)) {
            let of_all: f64 = values.iter().map(|value| value.abs()).sum();
            prop_assert!((decimal_sum(values.clone()) - sum(values)).abs() <= of_all * 1e-15);
        }
    }
}
