//! In which order a pair is shown.

use rewarden_plugin::{Draw, Random};

use crate::Config;

/// The lot of a task: responses in a random order.
pub(crate) fn lot(responses: usize, seed: u64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..responses).collect();
    Random::new(seed).shuffle(&mut places);
    places
}

/// The draws of each pair.
pub(crate) struct Pairing {
    /// By response: its place in the lot.
    places: Vec<usize>,
    repeats: usize,
    both_orders: bool,
}

impl Pairing {
    pub(crate) fn new(config: &Config, lot: &[usize]) -> Pairing {
        let mut places: Vec<(usize, usize)> = lot.iter().copied().zip(0..).collect();
        places.sort_unstable();
        Pairing {
            places: places.into_iter().map(|(_, place)| place).collect(),
            repeats: config.repeats as usize,
            both_orders: config.both_orders,
        }
    }

    /// All draws of a pair, first index below the second.
    pub(crate) fn draws(&self, (lower, upper): (usize, usize)) -> Vec<Draw> {
        let straight = vec![lower as u32, upper as u32];
        let reversed = vec![upper as u32, lower as u32];
        let [first, second] = if self.stands_first(lower, upper) { [straight, reversed] } else { [reversed, straight] };
        let per_order = if self.both_orders { 2 } else { 1 };
        [first, second].into_iter().cycle().take(self.repeats * per_order).map(Draw::of).collect()
    }

    /// On a circle in the order of the lot, each response stands before those on its one side and after those on its
    /// other.
    fn stands_first(&self, one: usize, other: usize) -> bool {
        let n = self.places.len().max(1);
        let place = |response: usize| self.places.get(response).copied().unwrap_or(0);
        let (one, other) = (place(one), place(other));
        let ahead = (other + n - one) % n;
        2 * ahead < n || (2 * ahead == n && one < other)
    }
}
