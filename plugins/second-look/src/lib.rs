//! A second look: what judges wrote first is shown to the judges that decide.
//!
//! First each of `first` gives `k` samples. Then each of `last` gives `last_k` samples, whose prompt shows the texts of the first
//! ones, and the mean of those that score every response is the reward. With the same judges in both it is a
//! cross-examination: each sees what the others, and itself, said. With one judge that writes critiques (its own template and
//! parser) and another one in `last` it is critique, then verdict. The pack's template has to show earlier samples: `spct`,
//! `rubric` and `pairwise-choice` do.
//!
//! A first sample without a usable answer is not shown, unless `show_failed`: a critique need not hold a score that its
//! parser could read, but a judge's text that broke off persuades for no reason. Where no first sample can be shown, or no last
//! one counts, the task fails.
//!
//! The reward's confidence is the share of the last samples that put the winner first; none where the first place is
//! shared. Details: `shown` (first samples that were shown), `changed` (last samples that put another response first than the
//! mean of the first ones did), `drawn` and `valid` of the last.

use rewarden_plugin::{
    ConfigError, Context, Detail, Draw, Judge, Outcome, Plugin, Policy, Refusal, Reward, Sample, Score, Step, Task,
    decimal_mean, sum,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use voting::{Ballot, check_k, orders, share_of_the_top};

pub use voting::Shuffle;

/// Options of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The judges that are asked first, by name; an empty name is the pack's own. None: all that the pack has.
    pub first: Vec<String>,
    /// The judges that decide, by name. None: those that were asked first.
    pub last: Vec<String>,
    /// Samples to draw from each first judge.
    #[schemars(range(min = 1, max = 64))]
    pub k: u32,
    /// Samples to draw from each judge that decides.
    #[schemars(range(min = 1, max = 64))]
    pub last_k: u32,
    /// Show first samples that failed, too: their text, not their score.
    pub show_failed: bool,
    /// In which order each sample shows the responses.
    pub shuffle: Shuffle,
}

impl Default for Config {
    fn default() -> Self {
        Config { first: Vec::new(), last: Vec::new(), k: 2, last_k: 2, show_failed: false, shuffle: Shuffle::Balanced }
    }
}

/// The configured policy.
#[derive(Debug)]
pub struct SecondLook {
    config: Config,
}

impl Plugin for SecondLook {
    type Config = Config;

    const NAME: &str = "second-look";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str =
        "Shows what judges wrote first to the judges that decide: cross-examination, or critique and verdict.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        check_k(config.k)?;
        for (key, value) in [("k", config.k), ("last_k", config.last_k)] {
            if !(1..=64).contains(&value) {
                let message = format!("expected `{key}` from 1 to 64, found {value}");
                return Err(ConfigError { key: Some(key.to_owned()), message });
            }
        }
        for (key, names) in [("first", &config.first), ("last", &config.last)] {
            if let Some(name) =
                names.iter().enumerate().find(|(at, name)| names.iter().take(*at).any(|other| other == *name))
            {
                let message = format!("expected each judge once, found `{}` again", name.1);
                return Err(ConfigError { key: Some(key.to_owned()), message });
            }
        }
        Ok(SecondLook { config })
    }
}

impl Policy for SecondLook {
    /// Two rounds of draws. Samples that show none are the first ones, in the order of the judges; all others are the last.
    fn next(&self, task: &Task, context: &Context, samples: &[Sample]) -> Result<Step, Refusal> {
        let first = judges(&self.config.first, context)?;
        let last = if self.config.last.is_empty() { first.clone() } else { judges(&self.config.last, context)? };
        let (k, last_k) = (self.config.k as usize, self.config.last_k as usize);
        // The first ones are there before any of the last is drawn.
        let (before, after) = samples.split_at(samples.len().min(first.len() * k));
        if before.len() < first.len() * k {
            return self.draw(task, context, &first, k, before.len(), &[]);
        }
        let usable = |sample: &&Sample| self.config.show_failed || matches!(sample.outcome, Outcome::Scored(_));
        let shown: Vec<u32> = before.iter().filter(usable).map(|sample| sample.id).collect();
        if shown.is_empty() {
            return Err(Refusal::TooFewSamples(format!(
                "none of {} first samples has an answer to show",
                before.len()
            )));
        }
        if after.len() < last.len() * last_k {
            return self.draw(task, context, &last, last_k, after.len(), &shown);
        }
        let ballots = ballots(after, task.responses.len());
        if ballots.is_empty() {
            let drawn = after.len();
            return Err(Refusal::TooFewSamples(format!("none of {drawn} last samples scores every response")));
        }
        Ok(Step::Finish(reward(
            &ballots,
            &mean(&self::ballots(before, task.responses.len())),
            shown.len(),
            after.len(),
        )))
    }
}

/// The judges of these names, or all; `None` is the pack's own.
fn judges(names: &[String], context: &Context) -> Result<Vec<Option<String>>, Refusal> {
    let own = context.has_own_judge.then_some(None);
    let all: Vec<Option<String>> =
        own.into_iter().chain(context.judges.iter().map(|Judge { name, .. }| Some(name.clone()))).collect();
    if names.is_empty() {
        return Ok(all);
    }
    let wanted = names.iter().map(|name| (!name.is_empty()).then(|| name.clone()));
    let known = |judge: Option<String>| {
        if all.contains(&judge) {
            return Ok(judge);
        }
        let name = judge.as_deref().unwrap_or("of its own");
        Err(Refusal::Other(format!("the pack has no judge {name}: add it to pack.toml, or name another")))
    };
    wanted.map(known).collect()
}

impl SecondLook {
    fn draw(
        &self,
        task: &Task,
        context: &Context,
        judges: &[Option<String>],
        k: usize,
        have: usize,
        show: &[u32],
    ) -> Result<Step, Refusal> {
        let missing = (judges.len() * k).saturating_sub(have);
        if missing > context.samples_left as usize || context.rounds_left == 0 {
            return Err(Refusal::TooFewSamples(format!(
                "{missing} more samples are needed, and the budget leaves {} in {} rounds: lower `k` and `last_k` or raise \
                 the budget",
                context.samples_left, context.rounds_left
            )));
        }
        let orders = orders(self.config.shuffle, task.responses.len(), k, context.seed);
        let of_judge = |judge: &Option<String>| {
            let judge = judge.clone();
            let draw = move |order: Vec<u32>| Draw { judge: judge.clone(), show: show.to_vec(), ..Draw::of(order) };
            orders.clone().into_iter().map(draw)
        };
        Ok(Step::Draw(judges.iter().flat_map(of_judge).skip(have).collect()))
    }
}

fn ballots(samples: &[Sample], responses: usize) -> Vec<Ballot> {
    samples.iter().filter_map(|sample| Ballot::of(sample, responses)).collect()
}

/// The mean of the ballots; empty without any.
fn mean(ballots: &[Ballot]) -> Vec<f64> {
    let responses = ballots.first().map_or(0, |ballot| ballot.scores.len());
    let of = |response: usize| decimal_mean(ballots.iter().filter_map(|ballot| ballot.scores.get(response).copied()));
    (0..responses).map(of).collect()
}

/// The response that is alone at the top.
fn winner(scores: &[f64]) -> Option<usize> {
    (0..scores.len()).find(|response| share_of_the_top(scores, *response) == 1.0)
}

fn reward(last: &[Ballot], first: &[f64], shown: usize, drawn: usize) -> Reward {
    let scores = mean(last);
    let favourite = winner(first);
    let changed = last.iter().filter(|ballot| winner(&ballot.scores) != favourite).count();
    let confidence = winner(&scores).map(|winner| {
        let agreeing = sum(last.iter().map(|ballot| share_of_the_top(&ballot.scores, winner)));
        (agreeing / last.len() as f64).clamp(0.0, 1.0)
    });
    let details = [("shown", shown), ("changed", changed), ("drawn", drawn), ("valid", last.len())];
    Reward {
        scores: scores.into_iter().map(Score::Value).collect(),
        used: last.iter().map(|ballot| ballot.id).collect(),
        confidence,
        details: details.into_iter().map(|(name, count)| Detail::number(name, count as u32)).collect(),
        ..Reward::default()
    }
}

rewarden_plugin::export!(SecondLook: policy);
