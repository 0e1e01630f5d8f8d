//! The weighted mean, exact until its last step.
//!
//! `Σ weight · points / Σ weight` (Rubrics as Rewards, arXiv 2507.17746, with points from the bottom of the scale for a
//! no to its top for a yes). Weights and points are whole numbers of their last decimal, so products and sums have no
//! rounding and their order does not matter. The quotient is rounded once: to the nearest whole number, halves up, on a
//! scale of whole numbers; to the nearest floating-point number on any other.

use rendering::steps::Steps;

/// Units of a weight: four decimals.
const WEIGHT_UNITS: f64 = 1e4;

/// Units of points: six decimals.
const POINT_UNITS: f64 = 1e6;

/// The largest weight.
const HEAVIEST: f64 = 1000.0;

/// The largest distance from 0 of points.
const FARTHEST: f64 = 1e9;

/// The weight in units; none where it is not above 0 and at most 1000 with at most four decimals.
pub(crate) fn weight(weight: f64) -> Option<i128> {
    units(weight, WEIGHT_UNITS, HEAVIEST).filter(|units| *units > 0)
}

/// Points in units; none where they have more than six decimals or lie beyond a thousand million.
pub(crate) fn points(points: f64) -> Option<i128> {
    units(points, POINT_UNITS, FARTHEST)
}

/// A decimal number in units of its last decimal. Dividing back gives the very number that reading the decimals gives,
/// since a division of whole numbers is rounded correctly.
fn units(value: f64, unit: f64, most: f64) -> Option<i128> {
    // False for NaN too.
    if value.abs() <= most {
        let units = (value * unit).round();
        return (units / unit == value).then_some(units as i128);
    }
    None
}

/// The weighted mean of points, each with its weight, both in units, as a score of the scale. The points lie on the
/// scale and there is at least one.
pub(crate) fn mean(weighted: &[(i128, i128)], steps: &Steps) -> f64 {
    let sum: i128 = weighted.iter().map(|(weight, points)| weight * points).sum();
    let whole: i128 = weighted.iter().map(|(weight, _)| weight).sum::<i128>() * POINT_UNITS as i128;
    let mean = if steps.integer {
        (2 * sum + whole).div_euclid(2 * whole) as f64
    } else {
        // Lowest terms are short enough for an exact conversion, so that the division is the one rounding.
        let divisor = common_divisor(sum.unsigned_abs(), whole.unsigned_abs()) as i128;
        (sum / divisor) as f64 / (whole / divisor) as f64
    };
    mean.clamp(steps.min, steps.max)
}

/// The greatest common divisor; `b` is not 0.
fn common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rewarden_plugin::Scale;

    use super::*;

    fn steps(min: f64, max: f64, integer: bool) -> Steps {
        Steps::of(&Scale { min, max, integer }).unwrap()
    }

    fn mean_of(weighted: &[(f64, f64)], steps: &Steps) -> f64 {
        let weighted: Vec<_> = weighted.iter().map(|(w, p)| (weight(*w).unwrap(), points(*p).unwrap())).collect();
        mean(&weighted, steps)
    }

    #[test]
    fn sums_that_floating_point_gets_wrong_are_right() {
        // 0.1 + 0.2 is more than 0.3 and 0.1 * 3 too.
        let unit = steps(0.0, 1.0, false);
        assert_eq!(mean_of(&[(0.1, 1.0), (0.2, 1.0), (0.7, 0.0)], &unit), 0.3);
        assert_eq!(mean_of(&[(1.0, 0.1), (1.0, 0.2), (1.0, 0.3)], &unit), 0.2);
        assert_eq!(mean_of(&[(0.7, 1.0), (0.7, 1.0), (0.7, 1.0)], &unit), 1.0);
        assert_eq!(mean_of(&[(1.0, 1.0), (0.7, 0.0), (0.3, 1.0), (0.9, 1.0)], &unit), 22.0 / 29.0);
    }

    #[test]
    fn whole_scores_are_rounded_to_the_nearest_and_halves_go_up() {
        let ten = steps(1.0, 10.0, true);
        assert_eq!(mean_of(&[(1.0, 7.0), (1.0, 8.0)], &ten), 8.0);
        assert_eq!(mean_of(&[(2.0, 7.0), (1.0, 8.0)], &ten), 7.0);
        let around_zero = steps(-5.0, 5.0, true);
        assert_eq!(mean_of(&[(1.0, -3.0), (1.0, -2.0)], &around_zero), -2.0);
        assert_eq!(mean_of(&[(1.0, -4.0), (1.0, -3.0), (1.0, -3.0)], &around_zero), -3.0);
    }

    #[test]
    fn weights_and_points_that_no_unit_fits_are_none() {
        assert_eq!(weight(0.7), Some(7000));
        assert_eq!(points(-0.000001), Some(-1));
        for wrong in [0.0, -1.0, 0.00001, 1000.5, f64::NAN, f64::INFINITY] {
            assert_eq!(weight(wrong), None, "{wrong}");
        }
        for wrong in [0.0000001, 2e9, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(points(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_decimal_of_four_places_is_a_weight(units in 1_u32..=10_000_000) {
            prop_assert_eq!(weight(f64::from(units) / 1e4), Some(i128::from(units)));
            prop_assert_eq!(format!("{}.{:04}", units / 10_000, units % 10_000).parse().ok().and_then(weight), Some(i128::from(units)));
        }

        #[test]
        fn the_mean_lies_on_the_scale_and_does_not_depend_on_the_order(
            mut weighted in prop::collection::vec((1_i128..10_000_000, 0_i128..=9), 1..20), integer: bool,
        ) {
            let steps = steps(1.0, 10.0, integer);
            for (_, points) in &mut weighted {
                *points = (*points + 1) * 1_000_000;
            }
            let score = mean(&weighted, &steps);
            prop_assert!((1.0..=10.0).contains(&score) && (!integer || score.fract() == 0.0));
            weighted.reverse();
            prop_assert_eq!(mean(&weighted, &steps), score);
            // The same in floating point, within what its roundings can make.
            let float = weighted.iter().map(|(w, p)| *w as f64 * *p as f64 / 1e6).sum::<f64>() / weighted.iter().map(|(w, _)| *w as f64).sum::<f64>();
            let room = if integer { 0.5 + 1e-9 } else { 1e-9 };
            prop_assert!((score - float).abs() <= room);
        }
    }
}
