//! The state of a vote after some of its samples.

use voting::Ballot;

use crate::posterior;

/// What the ballots so far come to.
pub(crate) struct Tally {
    span: f64,
    /// Of rounding errors in the sums; below any difference of whole scores.
    tolerance: f64,
    /// Summed scores.
    totals: Vec<f64>,
    ballots: Vec<Ballot>,
}

impl Tally {
    /// A vote of at most `k` samples on `responses` responses, with scores from `min` to `max`.
    pub(crate) fn new(responses: usize, k: usize, min: f64, max: f64) -> Tally {
        let largest = min.abs().max(max.abs());
        let tolerance = 1e-12 * k as f64 * largest;
        Tally { span: max - min, tolerance, totals: vec![0.0; responses], ballots: Vec::new() }
    }

    pub(crate) fn add(&mut self, ballot: Ballot) {
        for (total, score) in self.totals.iter_mut().zip(&ballot.scores) {
            *total += score;
        }
        self.ballots.push(ballot);
    }

    /// The responses but one, and how far that one is ahead of each; none where none is ahead of all others.
    fn leads(&self) -> Option<(usize, Vec<(usize, f64)>)> {
        let (leader, most) = self.totals.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let rivals = self.totals.iter().enumerate().filter(|(rival, _)| *rival != leader);
        let leads: Vec<(usize, f64)> = rivals.map(|(rival, total)| (rival, most - total)).collect();
        (!leads.is_empty() && leads.iter().all(|(_, lead)| *lead > self.tolerance)).then_some((leader, leads))
    }

    /// True where no scores of `left` more samples could change the winner, or make it share its place. A sample that
    /// fails moves no sum, so it moves the lead by less than the worst one that does not.
    pub(crate) fn is_settled(&self, left: usize) -> bool {
        let most = left as f64 * self.span + self.tolerance;
        self.leads().is_some_and(|(_, leads)| leads.iter().all(|(_, lead)| *lead > most))
    }

    /// The least such probability over all rivals; none without a leader.
    pub(crate) fn confidence(&self) -> Option<f64> {
        let (leader, leads) = self.leads()?;
        leads.iter().map(|(rival, _)| self.beats(leader, *rival)).reduce(f64::min)
    }

    /// The probability that the leader is the best, going by the samples' own confidences: each says with its confidence that
    /// its highest response is the best, and spreads the rest over the others; they are taken for independent. None without
    /// a leader.
    pub(crate) fn believed(&self) -> Option<f64> {
        let (leader, _) = self.leads()?;
        let responses = self.totals.len();
        let mut log_odds = vec![0.0; responses];
        for ballot in &self.ballots {
            let Some(confidence) = ballot.confidence else { continue };
            // Nobody is surer than 0.99: one sample must not settle a vote by rounding.
            let sure = confidence.clamp(1.0 / responses as f64, 0.99);
            for (response, odds) in log_odds.iter_mut().enumerate() {
                let share = voting::share_of_the_top(&ballot.scores, response);
                let others = (1.0 - sure) / (responses - 1) as f64;
                *odds += (share * sure + (1.0 - share) * others).ln();
            }
        }
        let highest = log_odds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let all = rewarden_plugin::sum(log_odds.iter().map(|odds| (odds - highest).exp()));
        log_odds.get(leader).map(|odds| ((odds - highest).exp() / all).clamp(0.0, 1.0))
    }

    /// Samples that score both the same tell nothing.
    fn beats(&self, leader: usize, rival: usize) -> f64 {
        let (mut ahead, mut behind) = (0, 0);
        for ballot in &self.ballots {
            if let (Some(ours), Some(theirs)) = (ballot.scores.get(leader), ballot.scores.get(rival)) {
                ahead += u32::from(ours > theirs);
                behind += u32::from(ours < theirs);
            }
        }
        posterior::leads(ahead, behind)
    }
}
