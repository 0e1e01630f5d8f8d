//! Elo ratings.

use rewarden_plugin::sum;

use crate::table::{Table, rounded};

/// Elo ratings from 1500: in each pass, a response gains `step` times the mean over its verdicts of the points that it
/// won less those that the ratings before the pass made expected, on the scale on which 400 points are odds of ten to one
/// (Elo, 1978). All verdicts of a pass are rated together, as those of one chess tournament are. None without verdicts.
pub(crate) fn ratings(table: &Table, step: f64, passes: u32) -> Vec<Option<f64>> {
    let mut ratings = vec![1500.0_f64; table.rows().len()];
    let present: Vec<bool> = (0..ratings.len()).map(|response| table.verdicts(response) > 0.0).collect();
    for _ in 0..passes {
        let gains: Vec<f64> = (table.rows().iter().zip(&ratings).enumerate())
            .map(|(response, (row, own))| {
                let surplus = row.iter().zip(&ratings).map(|(against, other)| {
                    against.points - against.verdicts / (1.0 + 10_f64.powf((other - own) / 400.0))
                });
                step * sum(surplus) / table.verdicts(response).max(1.0)
            })
            .collect();
        ratings.iter_mut().zip(gains).for_each(|(rating, gain)| *rating += gain);
    }
    let rated = ratings.iter().zip(present).map(|(rating, present)| present.then(|| rounded(*rating)));
    rated.collect()
}
