//! Tournaments: shows the responses two at a time, and scores each by whom it beat.
//!
//! - `schedule = "round_robin"`: every pair, in one round of draws; Bradley-Terry strengths, Elo ratings or win rates.
//! - `schedule = "knockout"`: n - 1 pairs for n responses, in as many rounds as n can be halved. A match without a winner
//!   is decided by lot, and the one that goes out gets half a round for it; a final without a winner leaves both with the
//!   same score.
//!
//! A sample is a verdict on a pair: the higher score wins, equal ones are a tie and count as one, and a sample that failed
//! is none. With `both_orders`, each pair is shown in both; with `agreeing_only` as well, it counts, once, where the verdicts
//! in both orders are the same. A response without any verdict gets no score.
//!
//! Templates and parsers have to take two responses. All that may be needed is checked against the budget before the first
//! draw. Samples that are there already are used, also those that show more than two responses, which are a verdict on each
//! pair among them. Where nothing may be drawn, the tournament is scored with the samples that are there.
//!
//! Details: `schedule`, `scores`, `both_orders`, `agreeing_only`; `pairs` that were to meet; `verdicts` that count, and `ties`
//! among them; `no_verdict` (pairs without); `disagreeing` (pairs whose two orders say different things); `failed` samples;
//! `first_shown_wins`, the share of the verdicts with a winner that went to the response that stood first, one half from a
//! judge without a preference; `missing` (samples that could not be drawn). For a knockout, how many matches were decided
//! `by_lot`; for Bradley-Terry, whether it `converged`.

mod bradley_terry;
mod config;
mod elo;
mod knockout;
mod ledger;
mod pairing;
mod table;

use knockout::Round;
use ledger::{Ledger, Meeting};
use pairing::Pairing;
use rewarden_plugin::{
    ConfigError, Context, Detail, Draw, Outcome, Plugin, Policy, Refusal, Reward, Sample, Score, Step, Task,
};
use table::Table;

pub use config::{Config, Schedule, Scores};

/// The configured policy.
#[derive(Debug)]
pub struct Tournament {
    config: Config,
}

impl Plugin for Tournament {
    type Config = Config;

    const NAME: &str = "tournament";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str =
        "Shows responses two at a time, each against each or as a knockout, and scores each by whom it beat.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Tournament { config })
    }
}

impl Policy for Tournament {
    fn next(&self, task: &Task, context: &Context, samples: &[Sample]) -> Result<Step, Refusal> {
        let responses = task.responses.len();
        if responses < 2 {
            return Err(Refusal::UnsuitableTask(format!(
                "a tournament needs at least 2 responses, and the task has {responses}: score single responses with `vote`"
            )));
        }
        let (lot, ledger) = (pairing::lot(responses, context.seed), Ledger::of(samples));
        let mut play = Play {
            config: &self.config,
            context,
            pairing: Pairing::new(&self.config, &lot),
            ledger: &ledger,
            // Given all samples that there are, it does what it can with them.
            closed: context.samples_left == 0 && !samples.is_empty(),
            missing: 0,
        };
        let played = match self.config.schedule {
            Schedule::RoundRobin => play.round_robin(responses),
            Schedule::Knockout => play.knockout(&lot),
        };
        match played {
            Ok(played) => Ok(Step::Finish(self.reward(&play, played, samples))),
            Err(Pause::Draw(draws)) => Ok(Step::Draw(draws)),
            Err(Pause::Refuse(refusal)) => Err(refusal),
        }
    }
}

/// Why a tournament does not go on for now.
enum Pause {
    Draw(Vec<Draw>),
    Refuse(Refusal),
}

/// A tournament that was played to its end.
struct Played {
    meetings: Vec<((usize, usize), Meeting)>,
    /// By response; none without a verdict.
    scores: Vec<Option<f64>>,
    details: Vec<Detail>,
}

struct Play<'a> {
    config: &'a Config,
    context: &'a Context,
    pairing: Pairing,
    ledger: &'a Ledger,
    closed: bool,
    /// Samples that would have been drawn.
    missing: usize,
}

impl Play<'_> {
    /// Stops where samples are missing for a round, and first where the budget does not hold all rounds.
    fn ready(&mut self, round: &Round) -> Result<(), Pause> {
        let draws: Vec<Draw> =
            round.pairs.iter().flat_map(|pair| self.ledger.missing(*pair, self.pairing.draws(*pair))).collect();
        if draws.is_empty() {
            return Ok(());
        }
        if self.closed {
            self.missing += draws.len();
            return Ok(());
        }
        let later = (round.pairs_left - round.pairs.len()) * self.config.per_pair();
        let (needed, left) = (draws.len() + later, self.context.samples_left);
        if needed > left as usize {
            return Err(Pause::Refuse(Refusal::TooFewSamples(format!(
                "{} pairs with {} samples each need {needed} more samples, and the budget leaves {left}: raise it, take \
                 fewer responses, or make it a knockout, in one order, without repeats",
                round.pairs_left,
                self.config.per_pair()
            ))));
        }
        if round.rounds_left > self.context.rounds_left {
            return Err(Pause::Refuse(Refusal::TooFewSamples(format!(
                "the tournament needs {} more rounds of draws and one to finish, and the budget leaves {} after this one: \
                 raise the budget of rounds",
                round.rounds_left, self.context.rounds_left
            ))));
        }
        Err(Pause::Draw(draws))
    }

    fn round_robin(&mut self, responses: usize) -> Result<Played, Pause> {
        let pairs: Vec<(usize, usize)> =
            (0..responses).flat_map(|one| (one + 1..responses).map(move |other| (one, other))).collect();
        self.ready(&Round { pairs: pairs.clone(), pairs_left: pairs.len(), rounds_left: 1 })?;
        let meetings: Vec<_> =
            (pairs.into_iter()).map(|pair| (pair, self.ledger.meeting(pair, self.config.agreeing_only))).collect();
        let mut table = Table::new(responses);
        meetings.iter().for_each(|(pair, meeting)| table.add(*pair, &meeting.points));
        let scoring = self.config.scoring().unwrap_or(Scores::WinRate);
        let (name, scores, converged) = match scoring {
            Scores::BradleyTerry => {
                let (scores, converged) = bradley_terry::strengths(&table, self.config.prior_ties());
                ("bradley_terry", scores, Some(converged))
            }
            Scores::Elo => ("elo", elo::ratings(&table, self.config.elo_step(), self.config.elo_passes()), None),
            Scores::WinRate => ("win_rate", table.win_rates(), None),
        };
        let mut details = vec![Detail::text("schedule", "round_robin"), Detail::text("scores", name)];
        details.extend(converged.map(|converged| Detail::flag("converged", converged)));
        Ok(Played { meetings, scores, details })
    }

    fn knockout(&mut self, lot: &[usize]) -> Result<Played, Pause> {
        let (ledger, agreeing_only) = (self.ledger, self.config.agreeing_only);
        let knockout = knockout::play(lot, ledger, agreeing_only, |round| self.ready(round))?;
        let meetings: Vec<_> =
            (knockout.pairs.iter()).map(|pair| (*pair, ledger.meeting(*pair, agreeing_only))).collect();
        let met = |response: usize| {
            meetings
                .iter()
                .any(|((one, other), meeting)| (*one == response || *other == response) && meeting.outcome().is_some())
        };
        let scores = (0..).zip(&knockout.scores).map(|(response, score)| met(response).then_some(*score)).collect();
        let details = vec![
            Detail::text("schedule", "knockout"),
            Detail::text("scores", "rounds"),
            Detail::number("by_lot", knockout.by_lot),
        ];
        Ok(Played { meetings, scores, details })
    }
}

impl Tournament {
    fn reward(&self, play: &Play<'_>, played: Played, samples: &[Sample]) -> Reward {
        let Played { meetings, scores, mut details } = played;
        let none = || Score::Abstain("none of its pairs has a verdict that counts".to_owned());
        let scores = scores.into_iter().map(|score| score.map_or_else(none, Score::Value));
        let mut used: Vec<u32> = meetings.iter().flat_map(|(_, meeting)| meeting.used.iter().copied()).collect();
        used.sort_unstable();
        used.dedup();
        let count = |holds: fn(&Meeting) -> bool| meetings.iter().filter(|(_, meeting)| holds(meeting)).count() as u32;
        let points = || meetings.iter().flat_map(|(_, meeting)| meeting.points.iter());
        details.extend([
            Detail::flag("both_orders", self.config.both_orders),
            Detail::flag("agreeing_only", self.config.agreeing_only),
            Detail::number("pairs", meetings.len() as u32),
            Detail::number("verdicts", points().count() as u32),
            Detail::number("ties", points().filter(|points| **points == 0.5).count() as u32),
            Detail::number("no_verdict", count(|meeting| meeting.points.is_empty())),
            Detail::number("disagreeing", count(|meeting| meeting.disagrees)),
            Detail::number(
                "failed",
                samples.iter().filter(|sample| matches!(sample.outcome, Outcome::Failed(_))).count() as u32,
            ),
            Detail::number("missing", play.missing as u32),
        ]);
        let (first, decided) = play.ledger.first_shown_wins();
        if decided > 0 {
            details.push(Detail::number("first_shown_wins", f64::from(first) / f64::from(decided)));
        }
        Reward { scores: scores.collect(), used, details, ..Reward::default() }
    }
}

rewarden_plugin::export!(Tournament: policy);
