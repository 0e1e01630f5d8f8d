//! The accuracy@k curve: credits of all tasks, and intervals by the bootstrap.

use std::collections::BTreeMap;

use rand::RngCore;

use crate::random::{binomial, generator};
use crate::subsets::Credits;
use crate::{AtK, AtKOptions, Share};

/// The credits of all tasks for each k. It needs the same few bytes for ten tasks and ten million.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Curve {
    points: BTreeMap<u32, Mixture>,
    most_samples: u32,
}

impl Curve {
    pub(crate) fn add(&mut self, credits: &BTreeMap<u32, Credits>) {
        for (k, credits) in credits {
            self.points.entry(*k).or_default().add(credits);
            self.most_samples = self.most_samples.max(*k);
        }
    }

    /// The points, ascending. A k that no task has samples for has none.
    pub(crate) fn points(&self, options: &AtKOptions) -> Vec<AtK> {
        let wanted = |k: u32| !options.ks.is_empty() || k.is_power_of_two() || k == self.most_samples;
        let point = |(k, mixture): (&u32, &Mixture)| AtK { k: *k, accuracy: mixture.share(*k, options) };
        self.points.iter().filter(|(k, _)| wanted(**k)).map(point).collect()
    }
}

/// How likely each credit is when a task is picked at random, and then one of its subsets. The bootstrap draws nothing
/// else, so that nothing else is kept.
#[derive(Clone, Debug, Default, PartialEq)]
struct Mixture {
    tasks: u64,
    /// By the bits of the credit, which are in its order: the tasks' summed shares of subsets with that credit.
    weights: BTreeMap<u64, f64>,
}

impl Mixture {
    fn add(&mut self, credits: &Credits) {
        let subsets: f64 = credits.iter().map(|(_, count)| f64::from(*count)).sum();
        self.tasks += 1;
        for (credit, count) in credits {
            *self.weights.entry(credit.to_bits()).or_default() += f64::from(*count) / subsets;
        }
    }

    fn share(&self, k: u32, options: &AtKOptions) -> Share {
        let tasks = self.tasks as f64;
        let sum: f64 = self.weights.iter().map(|(bits, weight)| f64::from_bits(*bits) * weight).sum();
        let mut random = generator(options.seed, "bootstrap", k);
        let mut means: Vec<f64> = (0..options.bootstrap).map(|_| self.replicate(&mut random)).collect();
        means.sort_by(f64::total_cmp);
        let value = sum / tasks;
        let end = |quantile| percentile(&means, quantile).unwrap_or(value);
        Share { value, low: end(0.025), high: end(0.975), tasks: self.tasks }
    }

    /// The mean credit of as many tasks, drawn with replacement, with one of its subsets for each: a multinomial
    /// number for each credit, drawn as one binomial number after the other.
    fn replicate(&self, random: &mut impl RngCore) -> f64 {
        let (mut tasks, mut weight_left, mut sum) = (self.tasks, self.weights.values().sum::<f64>(), 0.0);
        let last = self.weights.keys().next_back();
        for (bits, weight) in &self.weights {
            // The last one takes what is left: rounding must lose no task.
            let drawn = if Some(bits) == last { tasks } else { binomial(random, tasks, weight / weight_left) };
            sum += f64::from_bits(*bits) * drawn as f64;
            tasks -= drawn;
            weight_left -= weight;
        }
        sum / self.tasks as f64
    }
}

/// A quantile of sorted values, interpolated between the two nearest. None without values.
fn percentile(sorted: &[f64], quantile: f64) -> Option<f64> {
    let place = quantile * sorted.len().checked_sub(1)? as f64;
    let low = sorted.get(place.floor() as usize)?;
    let high = sorted.get(place.ceil() as usize)?;
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(tasks: impl IntoIterator<Item = Credits>) -> Curve {
        let mut curve = Curve::default();
        tasks.into_iter().for_each(|credits| curve.add(&BTreeMap::from([(4, credits)])));
        curve
    }

    fn options(bootstrap: u32) -> AtKOptions {
        AtKOptions { ks: vec![4], resamples: 10, bootstrap, seed: 1 }
    }

    fn point(curve: &Curve, options: &AtKOptions) -> Share {
        curve.points(options)[0].accuracy
    }

    #[test]
    fn a_point_is_the_mean_over_tasks_of_the_mean_over_subsets() {
        let curve = curve([vec![(0.0, 3), (1.0, 1)], vec![(0.5, 10)]]);
        let share = point(&curve, &options(100));
        assert_eq!((share.value, share.tasks), (0.375, 2));
    }

    /// A mean of n draws of 0 and 1: the bootstrap's ends must be where the binomial distribution has them.
    #[test]
    fn the_interval_is_that_of_resampled_tasks() {
        let share = point(&curve((0..400).map(|task| vec![(f64::from(task % 4 == 0), 5)])), &options(4000));
        // 0.25 ± 1.96 √(0.25 · 0.75 / 400) = 0.2076 .. 0.2924
        assert!((share.low - 0.2076).abs() < 0.005 && (share.high - 0.2924).abs() < 0.005, "{share:?}");
    }

    #[test]
    fn subsets_that_differ_widen_it_although_every_task_has_the_same_mean() {
        let alike = point(&curve((0..400).map(|_| vec![(0.5, 2)])), &options(2000));
        let differing = point(&curve((0..400).map(|_| vec![(0.0, 1), (1.0, 1)])), &options(2000));
        assert_eq!((alike.low, alike.high), (0.5, 0.5));
        assert!((differing.low - 0.451).abs() < 0.006 && (differing.high - 0.549).abs() < 0.006, "{differing:?}");
    }

    #[test]
    fn the_same_seed_gives_the_same_interval_and_another_one_another() {
        let curve = curve((0..50).map(|task| vec![(f64::from(task) / 50.0, 1), (0.5, 2)]));
        assert_eq!(point(&curve, &options(300)), point(&curve, &options(300)));
        assert_ne!(point(&curve, &options(300)), point(&curve, &AtKOptions { seed: 2, ..options(300) }));
    }

    #[test]
    fn of_the_sizes_that_are_no_power_of_two_only_the_largest_is_kept() {
        let mut curve = Curve::default();
        for ks in [vec![1, 2, 4, 6], vec![1, 2, 4, 8, 12]] {
            curve.add(&ks.into_iter().map(|k| (k, vec![(1.0, 1)])).collect());
        }
        let points = curve.points(&AtKOptions { ks: vec![], ..options(10) });
        let found: Vec<_> = points.iter().map(|point| (point.k, point.accuracy.tasks)).collect();
        assert_eq!(found, [(1, 2), (2, 2), (4, 2), (8, 1), (12, 1)]);
    }

    #[test]
    fn percentiles_lie_between_their_neighbours() {
        assert_eq!(percentile(&[1.0, 2.0, 4.0], 0.5), Some(2.0));
        assert_eq!(percentile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
        assert_eq!(percentile(&[7.0], 0.975), Some(7.0));
        assert_eq!(percentile(&[], 0.5), None);
    }
}
