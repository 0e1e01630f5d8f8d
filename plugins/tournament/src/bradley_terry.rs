//! Bradley-Terry strengths by Newton's method.
//!
//! All sums over responses are the SDK's, whose terms may come in any order. So responses with the same record get the
//! same strength to the last bit, whatever their indices.

use rewarden_plugin::sum;

use crate::table::{Table, rounded};

/// Newton's method on this problem gains digits by the step once it is near; far away, it moves by about 1 a step, and
/// strengths lie within 20 of each other.
const MOST_STEPS: u32 = 100;

/// Natural logarithms of strengths with mean 0, under which one response beats another with probability
/// 1 / (1 + exp(other - one)), as likely as can be (Bradley and Terry, 1952), with `prior_ties` ties added to each pair,
/// which make the maximum finite and single. None for responses without verdicts. Also whether it converged.
pub(crate) fn strengths(table: &Table, prior_ties: f64) -> (Vec<Option<f64>>, bool) {
    let present: Vec<bool> = (0..table.rows().len()).map(|response| table.verdicts(response) > 0.0).collect();
    let likelihood = Likelihood::new(table, &present, prior_ties);
    let (found, converged) = likelihood.maximum();
    let mut found = found.into_iter();
    let scores = present.iter().map(|present| if *present { found.next().map(rounded) } else { None });
    (scores.collect(), converged)
}

/// The logarithm of the verdicts' probability, over the responses that have verdicts.
struct Likelihood {
    /// By response and other response, itself excluded: the index of the other, the points against it, and the verdicts.
    rows: Vec<Vec<(usize, f64, f64)>>,
}

impl Likelihood {
    fn new(table: &Table, present: &[bool], prior_ties: f64) -> Likelihood {
        let rows = table.rows().iter().zip(present).filter(|(_, present)| **present).map(|(row, _)| row);
        let rows = rows.enumerate().map(|(own, row)| {
            let others = row.iter().zip(present).filter(|(_, present)| **present).enumerate();
            let others = others.filter(|(other, _)| *other != own);
            let with_ties = others
                .map(|(other, (against, _))| (other, against.points + prior_ties / 2.0, against.verdicts + prior_ties));
            with_ties.collect()
        });
        Likelihood { rows: rows.collect() }
    }

    fn maximum(&self) -> (Vec<f64>, bool) {
        let mut strengths = vec![0.0; self.rows.len()];
        for _ in 0..MOST_STEPS {
            let step = self.newton_step(&strengths);
            if !step.iter().all(|move_by| move_by.is_finite()) {
                break;
            }
            let farthest = step.iter().map(|move_by| move_by.abs()).fold(0.0, f64::max);
            if farthest < 1e-9 {
                return (centred(&added(&strengths, &step, 1.0)), true);
            }
            let mut length = 1.0;
            // The likelihood is concave, so a short enough step along an ascent direction raises it. Short steps need no
            // such care, and the end of them raises it by less than its rounding.
            let before = self.value(&strengths);
            while length * farthest > 0.1 && self.value(&added(&strengths, &step, length)) < before {
                length /= 2.0;
            }
            strengths = centred(&added(&strengths, &step, length));
        }
        (strengths, false)
    }

    fn value(&self, strengths: &[f64]) -> f64 {
        sum(self.sums(strengths, |(points, _), lead| -points * softplus(-lead)))
    }

    /// Where the quadratic with the slope and the curvature of this place has its maximum, relative to it: conjugate
    /// gradients (Hestenes and Stiefel, 1952), scaled by the diagonal.
    fn newton_step(&self, strengths: &[f64]) -> Vec<f64> {
        // Its mean is 0 but for rounding.
        let slope = centred(&self.sums(strengths, |(points, verdicts), lead| points - verdicts * wins(lead)));
        let weights: Vec<Vec<(usize, f64)>> = (self.rows.iter().zip(strengths))
            .map(|(row, own)| {
                let weight = |(other, _, verdicts): &(usize, f64, f64)| {
                    let lead = own - at(strengths, *other);
                    (*other, verdicts * wins(lead) * wins(-lead))
                };
                row.iter().map(weight).collect()
            })
            .collect();
        let diagonal: Vec<f64> = weights.iter().map(|row| sum(row.iter().map(|(_, weight)| *weight))).collect();
        // A shift of all strengths changes no probability, so the curvature along it is 0. With this in its place the system
        // has one solution, and the slope has no part in that direction.
        let along_shift = sum(diagonal.iter().copied()) / (diagonal.len().max(1) as f64).powi(2);
        let scaled =
            |rest: &[f64]| -> Vec<f64> { rest.iter().zip(&diagonal).map(|(rest, weight)| rest / weight).collect() };

        let mut step = vec![0.0; strengths.len()];
        let mut rest = slope;
        let mut direction = scaled(&rest);
        let mut size = product(&rest, &direction);
        let enough = size * 1e-20;
        for _ in 0..2 * strengths.len() {
            if size <= enough {
                break;
            }
            let shift = along_shift * sum(direction.iter().copied());
            let bent: Vec<f64> = (weights.iter().zip(&direction))
                .map(|(row, own)| {
                    shift + sum(row.iter().map(|(other, weight)| weight * (own - at(&direction, *other))))
                })
                .collect();
            let curvature = product(&direction, &bent);
            if curvature <= 0.0 {
                break;
            }
            step = added(&step, &direction, size / curvature);
            rest = added(&rest, &bent, -size / curvature);
            let next = scaled(&rest);
            let next_size = product(&rest, &next);
            direction = added(&next, &direction, next_size / size);
            size = next_size;
        }
        centred(&step)
    }

    /// By response, the sum of `term` over the others: of the points and verdicts, and of the lead in strength.
    fn sums(&self, strengths: &[f64], term: impl Fn((f64, f64), f64) -> f64) -> Vec<f64> {
        let of_row = |(row, own): (&Vec<(usize, f64, f64)>, &f64)| {
            sum(row.iter().map(|(other, points, verdicts)| term((*points, *verdicts), own - at(strengths, *other))))
        };
        self.rows.iter().zip(strengths).map(of_row).collect()
    }
}

/// The probability that a response with this lead wins.
fn wins(lead: f64) -> f64 {
    1.0 / (1.0 + (-lead).exp())
}

/// ln(1 + exp(x)) without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn at(values: &[f64], index: usize) -> f64 {
    values.get(index).copied().unwrap_or(0.0)
}

fn product(one: &[f64], other: &[f64]) -> f64 {
    sum(one.iter().zip(other).map(|(one, other)| one * other))
}

fn added(base: &[f64], direction: &[f64], length: f64) -> Vec<f64> {
    base.iter().zip(direction).map(|(base, direction)| base + length * direction).collect()
}

fn centred(values: &[f64]) -> Vec<f64> {
    let mean = sum(values.iter().copied()) / values.len().max(1) as f64;
    values.iter().map(|value| value - mean).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// At the maximum, every response has won as much as its strength makes expected.
        #[test]
        fn expected_points_are_the_points_that_were_won(
            points in prop::collection::vec(0_u8..=6, 10), prior_ties in 0.01_f64..4.0,
        ) {
            let mut table = Table::new(5);
            let pairs: Vec<_> = (0..5).flat_map(|one| (one + 1..5).map(move |other| (one, other))).collect();
            for (pair, points) in pairs.into_iter().zip(points) {
                let verdicts: Vec<f64> = (0..6).map(|verdict| if verdict < points { 1.0 } else { 0.0 }).collect();
                table.add(pair, &verdicts);
            }
            let (found, converged) = strengths(&table, prior_ties);
            prop_assert!(converged);
            let found: Vec<f64> = found.into_iter().flatten().collect();
            for (response, row) in table.rows().iter().enumerate() {
                let expected = (0..5).filter(|other| *other != response)
                    .map(|other| (6.0 + prior_ties) * wins(found[response] - found[other]));
                let won: f64 = row.iter().map(|against| against.points).sum::<f64>() + 2.0 * prior_ties;
                prop_assert!((expected.sum::<f64>() - won).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn without_verdicts_there_are_no_strengths() {
        assert_eq!(strengths(&Table::new(3), 0.5), (vec![None; 3], true));
    }
}
