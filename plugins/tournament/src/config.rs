//! The options of the policy.

use rewarden_plugin::ConfigError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who meets whom.
    pub schedule: Schedule,
    /// With `schedule = "round_robin"`: how verdicts become scores. `bradley_terry` where it is not set.
    pub scores: Option<Scores>,
    /// Whether each pair is shown in both orders, at twice the samples. Otherwise each response stands first in half of
    /// its pairs, as far as their number allows.
    pub both_orders: bool,
    /// With `both_orders`: whether a pair counts only where both orders give the same verdict.
    pub agreeing_only: bool,
    /// How often each pair is shown in each of its orders.
    #[schemars(range(min = 1, max = 64))]
    pub repeats: u32,
    /// With `scores = "bradley_terry"`: ties that every pair starts with, from 0.01 to 100. They keep the score of a
    /// response that never lost finite; the fewer they are, the further apart are the scores. 0.5 where it is not set.
    #[schemars(range(min = 0.01, max = 100.0))]
    pub prior_ties: Option<f64>,
    /// With `scores = "elo"`: the most points that a response gains or loses in one pass, above 0, at most 400. 32 where
    /// it is not set.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 400))]
    pub elo_step: Option<f64>,
    /// With `scores = "elo"`: how often the tournament is gone through. 32 where it is not set.
    #[schemars(range(min = 1, max = 1000))]
    pub elo_passes: Option<u32>,
}

/// Who meets whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Every response meets every other: n (n - 1) / 2 pairs, all drawn at once.
    RoundRobin,
    /// The winners of a round meet in the next, the losers are out: n - 1 pairs in rounds, half as many each. The bracket is
    /// drawn by lot. A response scores the rounds that it survived, those included in which it had no opponent.
    Knockout,
}

/// How the verdicts of a round robin become scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scores {
    /// Strengths s under which a beats b with probability 1 / (1 + exp(s_b - s_a)), as likely as can be; their mean is 0.
    BradleyTerry,
    /// Elo ratings around 1500. Verdicts count alike wherever they came in the tournament.
    Elo,
    /// The share of its verdicts that a response won, ties half: from 0 to 1. Ranks as numbers of wins do where every pair
    /// has as many verdicts.
    WinRate,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            schedule: Schedule::RoundRobin,
            scores: None,
            both_orders: false,
            agreeing_only: false,
            repeats: 1,
            prior_ties: None,
            elo_step: None,
            elo_passes: None,
        }
    }
}

impl Config {
    /// How a round robin is scored; none for a knockout.
    pub(crate) fn scoring(&self) -> Option<Scores> {
        (self.schedule == Schedule::RoundRobin).then(|| self.scores.unwrap_or(Scores::BradleyTerry))
    }

    pub(crate) fn prior_ties(&self) -> f64 {
        self.prior_ties.unwrap_or(0.5)
    }

    pub(crate) fn elo_step(&self) -> f64 {
        self.elo_step.unwrap_or(32.0)
    }

    pub(crate) fn elo_passes(&self) -> u32 {
        self.elo_passes.unwrap_or(32)
    }

    /// Samples that each pair gets.
    pub(crate) fn per_pair(&self) -> usize {
        self.repeats as usize * if self.both_orders { 2 } else { 1 }
    }

    /// What the schema cannot say, and what it says where it was not checked.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.schedule == Schedule::Knockout && self.scores.is_some() {
            return fault(
                "scores",
                "`scores` has a meaning only with `schedule = \"round_robin\"`: a knockout scores rounds",
            );
        }
        if self.agreeing_only && !self.both_orders {
            return fault(
                "agreeing_only",
                "`agreeing_only` needs `both_orders = true`: one order has nothing to agree with",
            );
        }
        if !(1..=64).contains(&self.repeats) {
            return fault("repeats", &format!("expected `repeats` from 1 to 64, found {}", self.repeats));
        }
        let scoring = self.scoring();
        if self.prior_ties.is_some() && scoring != Some(Scores::BradleyTerry) {
            return fault("prior_ties", "`prior_ties` has a meaning only with `scores = \"bradley_terry\"`");
        }
        for (key, set) in [("elo_step", self.elo_step.is_some()), ("elo_passes", self.elo_passes.is_some())] {
            if set && scoring != Some(Scores::Elo) {
                return fault(key, &format!("`{key}` has a meaning only with `scores = \"elo\"`"));
            }
        }
        let (prior_ties, elo_step) = (self.prior_ties(), self.elo_step());
        if !(0.01..=100.0).contains(&prior_ties) {
            return fault("prior_ties", &format!("expected `prior_ties` from 0.01 to 100, found {prior_ties}"));
        }
        if !(elo_step > 0.0 && elo_step <= 400.0) {
            return fault("elo_step", &format!("expected `elo_step` above 0 and at most 400, found {elo_step}"));
        }
        if !(1..=1000).contains(&self.elo_passes()) {
            return fault("elo_passes", &format!("expected `elo_passes` from 1 to 1000, found {}", self.elo_passes()));
        }
        Ok(())
    }
}

fn fault(key: &str, message: &str) -> Result<(), ConfigError> {
    Err(ConfigError { key: Some(key.to_owned()), message: message.to_owned() })
}
