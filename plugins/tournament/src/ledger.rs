//! What the samples say of each pair of responses.

use std::collections::BTreeMap;

use rewarden_plugin::{Draw, Sample};

/// One showing of a pair.
#[derive(Clone, Copy, Debug)]
struct Showing {
    sample: u32,
    /// Whether the response with the lower index stood before the other.
    lower_first: bool,
    /// 1 where the lower index won, 0 where it lost, one half for a tie; none where the sample failed or abstained.
    points: Option<f64>,
}

/// All showings, by pair. A sample that shows more than two responses is a showing of each pair among them.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pairs: BTreeMap<(usize, usize), Vec<Showing>>,
}

/// What one pair comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Meeting {
    /// For the response with the lower index, one entry per verdict that counts: 1, 0, or one half for a tie.
    pub(crate) points: Vec<f64>,
    /// The samples that these come from.
    pub(crate) used: Vec<u32>,
    /// Both orders have a verdict, and not the same.
    pub(crate) disagrees: bool,
}

impl Meeting {
    /// 1, 0 or one half for the response with the lower index, by most of the verdicts; none without one.
    pub(crate) fn outcome(&self) -> Option<f64> {
        most(self.points.iter().copied())
    }
}

impl Ledger {
    pub(crate) fn of(samples: &[Sample]) -> Ledger {
        let mut ledger = Ledger::default();
        for sample in samples {
            for (place, &before) in sample.order.iter().enumerate() {
                for &after in sample.order.iter().skip(place + 1) {
                    let (lower, upper) = (before.min(after) as usize, before.max(after) as usize);
                    let points = sample.value(lower).zip(sample.value(upper)).map(|(lower, upper)| match () {
                        () if lower > upper => 1.0,
                        () if lower < upper => 0.0,
                        () => 0.5,
                    });
                    let showing = Showing { sample: sample.id, lower_first: before < after, points };
                    ledger.pairs.entry((lower, upper)).or_default().push(showing);
                }
            }
        }
        ledger
    }

    fn showings(&self, pair: (usize, usize)) -> &[Showing] {
        self.pairs.get(&pair).map_or(&[], Vec::as_slice)
    }

    /// Those of the `wanted` draws of a pair that are still to be made. A showing in the other order stands in for one: a
    /// run that is replayed may hold no better.
    pub(crate) fn missing(&self, pair: (usize, usize), wanted: Vec<Draw>) -> Vec<Draw> {
        let there = self.showings(pair);
        let lacking = wanted.len().saturating_sub(there.len());
        let mut of_order =
            [true, false].map(|first| there.iter().filter(|showing| showing.lower_first == first).count());
        let mut draws: Vec<Draw> = (wanted.into_iter())
            .filter(|draw| {
                let [lower_first, upper_first] = &mut of_order;
                let count = if draw.order.is_sorted() { lower_first } else { upper_first };
                let is_there = *count > 0;
                *count = count.saturating_sub(1);
                !is_there
            })
            .collect();
        draws.truncate(lacking);
        draws
    }

    /// The verdicts on a pair that count: with `agreeing_only`, one where both orders come to the same, and none otherwise.
    pub(crate) fn meeting(&self, pair: (usize, usize), agreeing_only: bool) -> Meeting {
        let of_order = |first: bool| {
            let showings = self.showings(pair).iter().filter(move |showing| showing.lower_first == first);
            most(showings.filter_map(|showing| showing.points))
        };
        let (one, other) = (of_order(true), of_order(false));
        let disagrees = one.zip(other).is_some_and(|(one, other)| one != other);
        let (mut used, mut points): (Vec<u32>, Vec<f64>) =
            self.showings(pair).iter().filter_map(|showing| Some((showing.sample, showing.points?))).unzip();
        if agreeing_only {
            points = one.filter(|one| other == Some(*one)).into_iter().collect();
            if points.is_empty() {
                used.clear();
            }
        }
        Meeting { points, used, disagrees }
    }

    /// How often the response that stood first won, and how often one of the two won at all.
    pub(crate) fn first_shown_wins(&self) -> (u32, u32) {
        let mut counts = (0, 0);
        for showing in self.pairs.values().flatten() {
            if let Some(points) = showing.points.filter(|points| *points != 0.5) {
                counts.0 += u32::from(showing.lower_first == (points == 1.0));
                counts.1 += 1;
            }
        }
        counts
    }
}

/// 1 where most points are won, 0 where most are lost, one half where neither; none without any.
fn most(points: impl Iterator<Item = f64>) -> Option<f64> {
    let balances: Vec<f64> = points.map(|points| points - 0.5).collect();
    // Halves add up exactly.
    let balance: f64 = balances.iter().sum();
    (!balances.is_empty()).then_some(if balance > 0.0 {
        1.0
    } else if balance < 0.0 {
        0.0
    } else {
        0.5
    })
}
