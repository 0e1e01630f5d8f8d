//! Histograms of values that come one at a time, in bounded memory.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::Bar;

/// How many different values are kept before they are folded into cells.
const MOST_CELLS: usize = 4096;
/// At most so many cells cover the range right after folding.
const FOLDED_CELLS: f64 = 1024.0;
/// Integers whose largest and smallest differ by no more than this get a bar each.
const INTEGER_RANGE: f64 = 40.0;
/// Larger numbers have no halves between them, and so no bar around an integer.
const LARGEST_INTEGER: f64 = 4_503_599_627_370_496.0;
/// How many bars other values get.
const BARS: u32 = 20;

/// What the label says of the response that a score belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinVerdict {
    Correct,
    Wrong,
    Unlabelled,
}

/// Counts of values.
///
/// Each different value has its own count, so that integer scores are counted exactly. Past [`MOST_CELLS`] different
/// values they are folded into cells whose width is a power of two, about a thousandth of the range; the width doubles
/// as the range grows, and since cells of a power of two nest, folding again moves no value across an edge that it had
/// not crossed before. Bars are much wider than cells; a cell at the edge of two bars goes to the bar of its middle.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Histogram {
    /// By value, or by the lower edge of the cell.
    counts: BTreeMap<Ordered, [u64; 3]>,
    cell: Option<f64>,
    integers: bool,
    min: f64,
    max: f64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: BTreeMap::new(), cell: None, integers: true, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }

    /// Counts a finite value.
    pub(crate) fn add(&mut self, value: f64, verdict: BinVerdict) {
        // −0.0 and 0.0 are one value.
        let value = value + 0.0;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.integers &= value.fract() == 0.0 && value.abs() < LARGEST_INTEGER;
        let [correct, wrong, unlabelled] = self.counts.entry(Ordered(self.edge(value))).or_default();
        match verdict {
            BinVerdict::Correct => *correct += 1,
            BinVerdict::Wrong => *wrong += 1,
            BinVerdict::Unlabelled => *unlabelled += 1,
        }
        if self.counts.len() > MOST_CELLS {
            self.fold();
        }
    }

    fn edge(&self, value: f64) -> f64 {
        self.cell.map_or(value, |cell| (value / cell).floor() * cell)
    }

    fn fold(&mut self) {
        // Halved first: the difference of two finite values need not be finite.
        let half_range = self.max / 2.0 - self.min / 2.0;
        self.cell = Some((half_range / (FOLDED_CELLS / 2.0)).log2().ceil().exp2());
        for (Ordered(value), counts) in std::mem::take(&mut self.counts) {
            let cell = self.counts.entry(Ordered(self.edge(value))).or_default();
            cell.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }

    /// One bar for each integer, with the integer at its middle, where all values are integers of a small range; else
    /// equal bars from the smallest to the largest value. Empty without values.
    pub(crate) fn bars(&self) -> Vec<Bar> {
        if self.counts.is_empty() {
            return Vec::new();
        }
        let edges = self.edges();
        let mut bars: Vec<Bar> = edges
            .iter()
            .zip(edges.iter().skip(1))
            .map(|(&from, &to)| Bar { from, to, correct: 0, wrong: 0, unlabelled: 0 })
            .collect();
        let last = bars.len().saturating_sub(1);
        for (Ordered(edge), [correct, wrong, unlabelled]) in &self.counts {
            let value = self.cell.map_or(*edge, |cell| edge + cell / 2.0).clamp(self.min, self.max);
            let at = edges.partition_point(|edge| *edge <= value).saturating_sub(1).min(last);
            if let Some(bar) = bars.get_mut(at) {
                bar.correct += correct;
                bar.wrong += wrong;
                bar.unlabelled += unlabelled;
            }
        }
        bars
    }

    fn edges(&self) -> Vec<f64> {
        if self.integers && self.max - self.min <= INTEGER_RANGE {
            let bars = (self.max - self.min) as u32 + 1;
            return (0..=bars).map(|bar| self.min - 0.5 + f64::from(bar)).collect();
        }
        if self.min == self.max {
            let half = (self.min.abs() * 1e-6).max(0.5);
            return vec![self.min - half, self.min + half];
        }
        // Halved as in `fold`.
        let (half_min, half_range) = (self.min / 2.0, self.max / 2.0 - self.min / 2.0);
        let edge = |bar| (half_min + half_range * (f64::from(bar) / f64::from(BARS))) * 2.0;
        let mut edges: Vec<f64> = (0..BARS).map(edge).chain([self.max]).collect();
        // Neighbouring floats have no 20 edges between them.
        edges.dedup();
        edges
    }
}

/// A finite number as a key.
#[derive(Clone, Copy, Debug)]
struct Ordered(f64);

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ordered {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bars(values: impl IntoIterator<Item = f64>) -> Vec<Bar> {
        let mut histogram = Histogram::new();
        values.into_iter().for_each(|value| histogram.add(value, BinVerdict::Unlabelled));
        histogram.bars()
    }

    fn shape(bars: &[Bar]) -> Vec<(f64, f64, u64)> {
        bars.iter().map(|bar| (bar.from, bar.to, bar.unlabelled)).collect()
    }

    #[test]
    fn integers_of_a_small_range_get_a_bar_each_even_where_there_are_none() {
        assert_eq!(shape(&bars([7.0, 10.0, 7.0])), [(6.5, 7.5, 2), (7.5, 8.5, 0), (8.5, 9.5, 0), (9.5, 10.5, 1)]);
        assert_eq!(shape(&bars([0.0, -0.0])), [(-0.5, 0.5, 2)]);
        assert_eq!(bars((0..=40).map(f64::from)).len(), 41);
    }

    #[test]
    fn other_values_get_20_equal_bars_and_the_largest_lies_in_the_last() {
        let bars = bars((0..=41).map(f64::from));
        assert_eq!(bars.len(), 20);
        assert_eq!((bars[0].from, bars[19].to), (0.0, 41.0));
        assert_eq!(bars[0].unlabelled, 3, "0, 1 and 2 are below 2.05");
        assert_eq!(bars[19].unlabelled, 3, "39, 40 and 41 are at or above 38.95");
    }

    #[test]
    fn labels_are_counted_apart() {
        let mut histogram = Histogram::new();
        histogram.add(1.0, BinVerdict::Correct);
        histogram.add(1.0, BinVerdict::Wrong);
        histogram.add(1.0, BinVerdict::Wrong);
        assert_eq!(histogram.bars(), [Bar { from: 0.5, to: 1.5, correct: 1, wrong: 2, unlabelled: 0 }]);
    }

    #[test]
    fn one_value_has_a_bar_with_a_width() {
        assert_eq!(shape(&bars([0.25])), [(-0.25, 0.75, 1)]);
        let huge = bars([1e300 + 0.5]);
        assert!(huge[0].from < 1e300 && huge[0].to > 1e300);
        assert!(bars([]).is_empty());
    }

    #[test]
    fn bars_between_neighbouring_numbers_have_a_width_too() {
        let bars = bars([1.5, 1.5f64.next_up()]);
        assert!(bars.iter().all(|bar| bar.from < bar.to));
        assert_eq!(bars.iter().map(|bar| bar.unlabelled).sum::<u64>(), 2);
    }

    #[test]
    fn a_million_different_values_fit_in_a_few_cells_and_stay_even() {
        let mut histogram = Histogram::new();
        for index in 0..1_000_000u64 {
            // A permutation, so that the range is not seen in order.
            let value = (index * 611_953 % 1_000_003) as f64 / 7.0;
            histogram.add(value, BinVerdict::Unlabelled);
            assert!(histogram.counts.len() <= MOST_CELLS);
        }
        let bars = histogram.bars();
        assert_eq!(bars.iter().map(|bar| bar.unlabelled).sum::<u64>(), 1_000_000);
        // A cell at each edge, of at least 1/2048 of the range, may go to either side.
        assert!(bars.iter().all(|bar| bar.unlabelled.abs_diff(50_000) < 2_000), "{bars:?}");
    }

    #[test]
    fn a_range_that_keeps_growing_is_folded_again() {
        let values = (0..20_000).map(|index| 1.001f64.powi(index) * if index % 2 == 0 { 1.0 } else { -1.0 });
        let bars = bars(values);
        assert_eq!(bars.iter().map(|bar| bar.unlabelled).sum::<u64>(), 20_000);
        assert_eq!(bars.len(), 20);
    }

    proptest! {
        #[test]
        fn no_value_is_lost_and_edges_ascend(values in prop::collection::vec(-1e308..1e308f64, 1..200)) {
            let bars = bars(values.clone());
            prop_assert_eq!(bars.iter().map(|bar| bar.unlabelled).sum::<u64>(), values.len() as u64);
            prop_assert!(bars.iter().all(|bar| bar.from < bar.to));
        }

        #[test]
        fn a_bar_counts_what_lies_in_it(values in prop::collection::vec(-100.0..100.0f64, 2..200)) {
            let bars = bars(values.clone());
            let last = bars.len() - 1;
            for (index, bar) in bars.iter().enumerate() {
                let inside =
                    |value: &&f64| bar.from <= **value && (**value < bar.to || index == last && **value == bar.to);
                prop_assert_eq!(values.iter().filter(inside).count() as u64, bar.unlabelled);
            }
        }
    }
}
