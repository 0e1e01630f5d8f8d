//! Whom single samples name, and how that compares between opposite orders.

use std::collections::BTreeMap;

use crate::SampleOutcome;
use crate::credit::top;

/// Whom a sample names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Winner(usize),
    Tie,
}

/// `None` without a judgement, or if the judgement gives no response a score.
pub(crate) fn named(sample: &SampleOutcome) -> Option<Named> {
    match top(sample.outcome.as_ref().ok()?).as_slice() {
        [] => None,
        [winner] => Some(Named::Winner(*winner)),
        _ => Some(Named::Tie),
    }
}

/// Pairs the first sample in an order with the first in the reversed order, the second with the second, and so on.
/// Samples without a partner, and those that show a single response, are in no pair.
pub(crate) fn opposite_orders(samples: &[SampleOutcome]) -> Vec<(Option<Named>, Option<Named>)> {
    let mut by_order: BTreeMap<&[u32], Vec<Option<Named>>> = BTreeMap::new();
    for sample in samples.iter().filter(|sample| sample.order.len() >= 2) {
        by_order.entry(&sample.order).or_default().push(named(sample));
    }
    let mut pairs = Vec::new();
    for (order, forward) in &by_order {
        let reversed: Vec<u32> = order.iter().rev().copied().collect();
        // Both orders come up here; each pair is taken from its smaller one.
        let Some(backward) = by_order.get(reversed.as_slice()).filter(|_| **order < *reversed) else { continue };
        pairs.extend(forward.iter().copied().zip(backward.iter().copied()));
    }
    pairs
}
