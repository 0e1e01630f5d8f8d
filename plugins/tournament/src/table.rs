//! Everyone's points against everyone.

use rewarden_plugin::sum;

/// What one response has against another.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Against {
    /// Wins, and half of the ties.
    pub(crate) points: f64,
    pub(crate) verdicts: f64,
}

/// By response, what it has against each.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<Against>>,
}

impl Table {
    pub(crate) fn new(responses: usize) -> Table {
        Table { rows: vec![vec![Against::default(); responses]; responses] }
    }

    /// Adds the points of the first response in verdicts on the two.
    pub(crate) fn add(&mut self, (one, other): (usize, usize), points: &[f64]) {
        let verdicts = points.len() as f64;
        let won: f64 = points.iter().sum();
        for (row, column, points) in [(one, other, won), (other, one, verdicts - won)] {
            if let Some(against) = self.rows.get_mut(row).and_then(|row| row.get_mut(column)) {
                against.points += points;
                against.verdicts += verdicts;
            }
        }
    }

    pub(crate) fn rows(&self) -> &[Vec<Against>] {
        &self.rows
    }

    /// Verdicts on one response.
    pub(crate) fn verdicts(&self, response: usize) -> f64 {
        self.rows.get(response).map_or(0.0, |row| row.iter().map(|against| against.verdicts).sum())
    }

    /// The share of its verdicts that each response won, ties half; none without verdicts.
    pub(crate) fn win_rates(&self) -> Vec<Option<f64>> {
        let rate = |row: &Vec<Against>| {
            let verdicts = sum(row.iter().map(|against| against.verdicts));
            (verdicts > 0.0).then(|| sum(row.iter().map(|against| against.points)) / verdicts)
        };
        self.rows.iter().map(rate).collect()
    }
}

/// To 6 decimals: what differs by less differs by rounding, and ties stay ties.
pub(crate) fn rounded(value: f64) -> f64 {
    // Adding 0 turns -0 into 0.
    (value * 1e6).round() / 1e6 + 0.0
}
