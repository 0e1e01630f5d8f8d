//! The bracket of a knockout, as far as it has been played.

use crate::ledger::Ledger;

/// A knockout, played with the verdicts that are there.
#[derive(Debug, Default)]
pub(crate) struct Knockout {
    /// By response: the rounds that it survived, and half of one more where the lot put it out.
    pub(crate) scores: Vec<f64>,
    /// All pairs that met, the lower index first.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// How many of them the lot decided, for want of a verdict or because it was a tie.
    pub(crate) by_lot: u32,
}

/// What is known before a round is played.
pub(crate) struct Round {
    /// Who meets in it, the lower index first.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// Pairs that meet in it and in all rounds after it.
    pub(crate) pairs_left: usize,
    /// Rounds left, this one included.
    pub(crate) rounds_left: u32,
}

/// Plays round after round. `ready` is asked before each whether it can be; where not, `Err` is what it said. Responses
/// meet in the order of `lot`, and where that is not a power of 2, the first of it have no opponent in the first round.
pub(crate) fn play<E>(
    lot: &[usize],
    ledger: &Ledger,
    agreeing_only: bool,
    mut ready: impl FnMut(&Round) -> Result<(), E>,
) -> Result<Knockout, E> {
    let mut knockout = Knockout { scores: vec![0.0; lot.len()], ..Knockout::default() };
    let mut players = lot.to_vec();
    while players.len() > 1 {
        let unopposed = players.len().next_power_of_two() - players.len();
        let (through, playing) = players.split_at(unopposed);
        let matches: Vec<(usize, usize)> =
            (playing.chunks_exact(2)).filter_map(|pair| pair.first().copied().zip(pair.last().copied())).collect();
        let pairs: Vec<(usize, usize)> =
            matches.iter().map(|(one, other)| (*one.min(other), *one.max(other))).collect();
        let rounds_left = players.len().next_power_of_two().trailing_zeros();
        ready(&Round { pairs: pairs.clone(), pairs_left: players.len() - 1, rounds_left })?;

        let mut next = through.to_vec();
        for response in through {
            credit(&mut knockout.scores, *response, 1.0);
        }
        for ((one, other), pair) in matches.into_iter().zip(pairs) {
            let outcome = ledger.meeting(pair, agreeing_only).outcome();
            // Points are those of the lower index.
            let won = outcome.map(|points| if one < other { points } else { 1.0 - points }).unwrap_or(0.5);
            let tied = won == 0.5;
            // `one` is the first of the two in the lot.
            let (winner, loser) = if won >= 0.5 { (one, other) } else { (other, one) };
            // Without a verdict on the final, both have come as far.
            let final_tie = tied && rounds_left == 1;
            credit(&mut knockout.scores, winner, if final_tie { 0.5 } else { 1.0 });
            credit(&mut knockout.scores, loser, if tied { 0.5 } else { 0.0 });
            knockout.by_lot += u32::from(tied && !final_tie);
            knockout.pairs.push(pair);
            next.push(winner);
        }
        players = next;
    }
    Ok(knockout)
}

fn credit(scores: &mut [f64], response: usize, rounds: f64) {
    if let Some(score) = scores.get_mut(response) {
        *score += rounds;
    }
}
