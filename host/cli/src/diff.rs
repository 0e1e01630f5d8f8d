//! How rewards differ from those that a run held before.

use rewarden_record::TaskFailure;
use rewarden_types::{Reward, Score, Standing, Task};

use crate::display;

/// What changed between two sets of rewards for the same tasks.
#[derive(Debug, Default)]
pub(crate) struct Diff {
    compared: u64,
    /// Tasks that had no reward before, or have none now.
    lost: u64,
    gained: u64,
    unpaired: u64,
    changed: u64,
    /// Of the changed ones: from a single winner to another.
    flipped: u64,
    labelled: u64,
    credit_before: f64,
    credit_now: f64,
    scores: Correlation,
    /// Within each task, so that tasks with many samples do not weigh more by their sums.
    margins: Correlation,
}

impl Diff {
    /// Counts a task.
    pub(crate) fn add(
        &mut self,
        task: &Task,
        before: Option<&Result<Reward, TaskFailure>>,
        now: &Result<Reward, TaskFailure>,
    ) {
        let (before, now) = match (before, now) {
            (Some(Ok(before)), Ok(now)) => (before, now),
            (Some(Ok(_)), Err(_)) => return self.lost += 1,
            (Some(Err(_)), Ok(_)) => return self.gained += 1,
            (None, _) | (Some(Err(_)), Err(_)) => return self.unpaired += 1,
        };
        self.compared += 1;
        let (was, is) = (Standing::of(&before.scores), Standing::of(&now.scores));
        self.changed += u64::from(was != is);
        self.flipped += u64::from(was.best.is_some() && is.best.is_some() && was.best != is.best);
        if let Some(preferred) = task.preferred.filter(|_| task.responses.len() > 1) {
            self.labelled += 1;
            self.credit_before += was.credit(preferred);
            self.credit_now += is.credit(preferred);
        }
        let pairs: Vec<(f64, f64)> = before
            .scores
            .iter()
            .zip(&now.scores)
            .filter_map(|pair| match pair {
                (Score::Value(before), Score::Value(now)) => Some((*before, *now)),
                _ => None,
            })
            .collect();
        let mean = |side: fn(&(f64, f64)) -> f64| pairs.iter().map(side).sum::<f64>() / pairs.len().max(1) as f64;
        let (mean_before, mean_now) = (mean(|pair| pair.0), mean(|pair| pair.1));
        for (before, now) in pairs {
            self.scores.add(before, now);
            self.margins.add(before - mean_before, now - mean_now);
        }
    }

    /// The table.
    pub(crate) fn text(&self) -> String {
        let mut rows = vec![("compared", format!("{} tasks with a reward before and now", self.compared))];
        if self.lost + self.gained + self.unpaired > 0 {
            let others = format!(
                "{} had a reward before only, {} have one now only, {} had none to compare with",
                self.lost, self.gained, self.unpaired
            );
            rows.push(("not compared", others));
        }
        if self.compared > 0 {
            let changed = format!(
                "{} ({:.1} %), of them {} from one winner to another, the rest to or from a tie",
                self.changed,
                100.0 * self.changed as f64 / self.compared as f64,
                self.flipped
            );
            rows.push(("winner changed", changed));
            let number = |correlation: Option<f64>| correlation.map_or("–".to_owned(), |value| format!("{value:.4}"));
            let correlations = format!(
                "Pearson {} over all scores, {} of each score's distance from its task's mean",
                number(self.scores.pearson()),
                number(self.margins.pearson())
            );
            rows.push(("correlation", correlations));
        }
        if self.labelled > 0 {
            let share = |credit: f64| 100.0 * credit / self.labelled as f64;
            let (before, now) = (share(self.credit_before), share(self.credit_now));
            let text = format!(
                "{before:.1} % before, {now:.1} % now ({:+.1}), {} labelled tasks",
                now - before,
                self.labelled
            );
            rows.push(("agreement", text));
        }
        display::rows(&rows)
    }
}

/// Pearson's correlation, one pair at a time (Welford's update, which does not lose digits on large sums).
#[derive(Debug, Default)]
struct Correlation {
    n: f64,
    mean: (f64, f64),
    squares: (f64, f64),
    products: f64,
}

impl Correlation {
    fn add(&mut self, x: f64, y: f64) {
        self.n += 1.0;
        let (dx, dy) = (x - self.mean.0, y - self.mean.1);
        self.mean.0 += dx / self.n;
        self.mean.1 += dy / self.n;
        self.squares.0 += dx * (x - self.mean.0);
        self.squares.1 += dy * (y - self.mean.1);
        self.products += dx * (y - self.mean.1);
    }

    /// None where one side does not vary.
    fn pearson(&self) -> Option<f64> {
        let scale = (self.squares.0 * self.squares.1).sqrt();
        (scale > 0.0).then(|| self.products / scale)
    }
}

#[cfg(test)]
mod tests {
    use super::Correlation;

    fn pearson(pairs: &[(f64, f64)]) -> Option<f64> {
        let mut correlation = Correlation::default();
        pairs.iter().for_each(|&(x, y)| correlation.add(x, y));
        correlation.pearson()
    }

    #[test]
    fn correlation_is_one_for_the_same_order_and_undefined_where_nothing_varies() {
        let close = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-12;
        assert!(close(pearson(&[(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]), 1.0));
        assert!(close(pearson(&[(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]), -1.0));
        // Anscombe's first set, by its published value to three digits.
        let anscombe = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0]
            .into_iter()
            .zip([8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]);
        assert!((pearson(&anscombe.collect::<Vec<_>>()).unwrap() - 0.816).abs() < 5e-4);
        assert_eq!(pearson(&[(1.0, 2.0), (1.0, 3.0)]), None);
    }
}
