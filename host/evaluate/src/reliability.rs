//! Whether confidence means what it says: of what was said with a confidence of 0.8, is 80 % right?

use serde::Serialize;

use crate::interval::Clustered;
use crate::{Share, TaskOutcome, credit};

/// Bins of equal width between 0 and 1.
const BINS: usize = 10;

/// Confidences against the label, in bins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Those that hold anything, ascending.
    pub bins: Vec<ReliabilityBin>,
    /// How many confidences there are.
    pub count: u64,
    /// The expected calibration error: the mean distance of a bin's accuracy from its mean confidence, weighted by how many
    /// lie in it (Naeini et al. 2015). 0 is perfect.
    pub error: f64,
}

/// What was said with a confidence in `[from, to)`, the last bin `[from, to]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Lower edge.
    pub from: f64,
    /// Upper edge.
    pub to: f64,
    /// How many lie in it.
    pub count: u64,
    /// Their mean confidence.
    pub confidence: f64,
    /// Their accuracy, with a tie worth its share. The interval takes samples of one task for alike.
    pub accuracy: Share,
}

/// Confidences of one task with what each was worth.
pub(crate) type Claims = Vec<(f64, f64)>;

/// The confidence of a labelled task's reward, and those of its samples that scored every response.
pub(crate) fn claims(task: &TaskOutcome) -> (Claims, Claims) {
    if task.correct.is_empty() || task.responses < 2 {
        return (Vec::new(), Vec::new());
    }
    let reward = task.confidence.zip(task.reward.as_ref().ok());
    let reward = reward.map(|(confidence, scores)| (confidence, credit(scores, &task.correct)));
    let samples = task.samples.iter().filter_map(|sample| {
        let scores = sample.outcome.as_ref().ok().filter(|scores| scores.iter().all(Option::is_some))?;
        Some((sample.confidence?, credit(scores, &task.correct)))
    });
    (reward.into_iter().collect(), samples.collect())
}

/// What was claimed so far.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    bins: [Bin; BINS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    count: u64,
    confidence: f64,
    credit: f64,
    clustered: Clustered,
}

impl Claimed {
    /// Adds the claims of one task. Those outside 0 to 1 are no confidences and left out.
    pub(crate) fn add(&mut self, claims: &[(f64, f64)]) {
        let mut of_task = [(0_u64, 0.0); BINS];
        for (confidence, credit) in claims.iter().filter(|(confidence, _)| (0.0..=1.0).contains(confidence)) {
            let place = ((confidence * BINS as f64) as usize).min(BINS - 1);
            if let (Some(bin), Some((count, sum))) = (self.bins.get_mut(place), of_task.get_mut(place)) {
                bin.count += 1;
                bin.confidence += confidence;
                bin.credit += credit;
                *count += 1;
                *sum += credit;
            }
        }
        for (bin, (count, credit)) in self.bins.iter_mut().zip(of_task) {
            bin.clustered.add_credit(credit, count);
        }
    }

    /// The bins that hold anything; none where nothing was claimed.
    pub(crate) fn reliability(&self) -> Option<Reliability> {
        let count: u64 = self.bins.iter().map(|bin| bin.count).sum();
        let bin = |(place, bin): (usize, &Bin)| {
            let edge = |place: usize| place as f64 / BINS as f64;
            let confidence = bin.confidence / bin.count as f64;
            let accuracy = bin.clustered.share()?;
            Some(ReliabilityBin { from: edge(place), to: edge(place + 1), count: bin.count, confidence, accuracy })
        };
        let bins: Vec<ReliabilityBin> = self.bins.iter().enumerate().filter_map(bin).collect();
        let distance = |bin: &ReliabilityBin| bin.count as f64 * (bin.confidence - bin.accuracy.value).abs();
        let error = bins.iter().map(distance).sum::<f64>() / count as f64;
        (count > 0).then_some(Reliability { bins, count, error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_with_a_confidence_is_set_against_how_often_it_is_right() {
        let mut claimed = Claimed::default();
        for task in 0..10 {
            claimed.add(&[(0.85, if task < 8 { 1.0 } else { 0.0 })]);
            claimed.add(&[(1.0, 1.0)]);
        }
        let reliability = claimed.reliability().unwrap();
        let bins: Vec<(f64, u64, f64)> =
            reliability.bins.iter().map(|bin| (bin.from, bin.count, bin.accuracy.value)).collect();
        assert_eq!(bins, [(0.8, 10, 0.8), (0.9, 10, 1.0)]);
        assert!((reliability.error - 0.025).abs() < 1e-12, "{}", reliability.error);
        let share = reliability.bins[0].accuracy;
        assert!(share.low < 0.8 && share.high > 0.8 && share.high < 1.0);
    }

    #[test]
    fn nothing_claimed_is_nothing_told_and_what_is_no_confidence_is_left_out() {
        let mut claimed = Claimed::default();
        claimed.add(&[(1.5, 1.0), (-0.1, 1.0), (f64::NAN, 1.0)]);
        assert_eq!(claimed.reliability(), None);
    }
}
