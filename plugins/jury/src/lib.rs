//! A jury: each of several judges votes `k` times, and what they say is put together judge by judge.
//!
//! A judge's opinion is the mean of its samples that score every response; one whose samples all failed has none. As long as
//! the judges with an opinion make a `quorum`, the others cost nothing but their samples; without it the task fails.
//!
//! How opinions are put together (`aggregate`):
//! - `majority`: each judge votes for the response that it scores highest, and one that puts several first shares its vote
//!   among them; a response's reward is its share of the votes' weight, from 0 to 1.
//! - `mean`: the weighted mean of the opinions, on the scale.
//! - `geometric-median`: the scores whose weighted distance from all opinions is least, on the scale: a minority, however far
//!   off, moves it little (Weiszfeld's algorithm; RoPoLL, arXiv 2606.30931).
//!
//! The reward's confidence is the share of the judges' weight that agrees with the winner; none where the first place is
//! shared. Details: `judges` that were asked, `opinions` that there are, `agreement` (the mean over all pairs of judges of
//! whether they put the same response first), `missing`, and each judge's favourite as `judge_NAME`.

mod geometric;

use std::collections::BTreeMap;

use rewarden_plugin::{
    ConfigError, Context, Detail, Draw, Plugin, Policy, Refusal, Reward, Sample, Score, Step, Task, decimal_mean, sum,
    weighted_mean,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use voting::{Ballot, Shuffle, check_k, orders, share_of_the_top};

/// The name by which options mean the pack's own judge.
pub const OWN: &str = "own";

/// Options of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The judges by name, `own` for the pack's own [template] and [parser]. Empty: all that the pack has.
    pub judges: Vec<String>,
    /// Samples to draw from each judge.
    #[schemars(range(min = 1, max = 1024))]
    pub k: u32,
    /// How the judges' opinions become one reward.
    pub aggregate: Aggregate,
    /// How much each judge counts, by name; 1 for those that are not named here. Above 0.
    pub weights: BTreeMap<String, f64>,
    /// How many judges need an opinion. More than half of them where it is not set.
    #[schemars(range(min = 1, max = 33))]
    pub quorum: Option<u32>,
    /// In which order each sample shows the responses; the same orders for every judge.
    pub shuffle: Shuffle,
}

/// How opinions become one reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregate {
    /// The share of judges that put the response first.
    Majority,
    /// The weighted mean of the opinions.
    Mean,
    /// The point that is nearest to all opinions.
    GeometricMedian,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            judges: Vec::new(),
            k: 1,
            aggregate: Aggregate::Majority,
            weights: BTreeMap::new(),
            quorum: None,
            shuffle: Shuffle::Balanced,
        }
    }
}

/// The configured policy.
#[derive(Debug)]
pub struct Jury {
    config: Config,
}

impl Plugin for Jury {
    type Config = Config;

    const NAME: &str = "jury";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str =
        "Has several judges vote and puts their opinions together: majority, mean or geometric median.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        check_k(config.k)?;
        let fault = |key: &str, message: String| Err(ConfigError { key: Some(key.to_owned()), message });
        if let Some((name, weight)) = config.weights.iter().find(|(_, weight)| !(weight.is_finite() && **weight > 0.0))
        {
            return fault("weights", format!("expected a weight above 0 for `{name}`, found {weight}"));
        }
        for (place, name) in config.judges.iter().enumerate() {
            if config.judges.iter().skip(place + 1).any(|other| other == name) {
                return fault("judges", format!("expected each judge once, found `{name}` twice"));
            }
        }
        if let Some(unknown) =
            config.weights.keys().find(|name| !config.judges.is_empty() && !config.judges.contains(name))
        {
            return fault("weights", format!("expected weights of judges in `judges`, found `{unknown}`"));
        }
        Ok(Jury { config })
    }
}

impl Policy for Jury {
    /// One round of draws, then the reward. Samples that are there already count for their judges.
    fn next(&self, task: &Task, context: &Context, samples: &[Sample]) -> Result<Step, Refusal> {
        if task.responses.len() < 2 && self.config.aggregate == Aggregate::Majority {
            return Err(Refusal::UnsuitableTask(
                "`aggregate = \"majority\"` compares responses, and the task has one: take `mean`".to_owned(),
            ));
        }
        let jury = self.jury(context)?;
        let k = self.config.k as usize;
        let orders = orders(self.config.shuffle, task.responses.len(), k, context.seed);
        let mut draws: Vec<Draw> = Vec::new();
        for judge in &jury {
            let have = samples.iter().filter(|sample| judge.drew(sample)).count();
            draws.extend(orders.iter().skip(have).map(|order| judge.draw(order.clone())));
        }
        // With no budget the samples that there are have to do: a replay may be given fewer.
        if draws.is_empty() || (context.samples_left == 0 && !samples.is_empty()) {
            return self.reward(&jury, task, samples).map(Step::Finish);
        }
        if draws.len() > context.samples_left as usize || context.rounds_left == 0 {
            return Err(Refusal::TooFewSamples(format!(
                "{} judges with k = {k} need {} more samples, and the budget leaves {} in {} rounds: lower `k` or raise the budget",
                jury.len(),
                draws.len(),
                context.samples_left,
                context.rounds_left
            )));
        }
        Ok(Step::Draw(draws))
    }
}

/// A member of the jury.
struct Member {
    /// As options name it.
    name: String,
    /// As draws name it.
    judge: Option<String>,
    weight: f64,
}

impl Member {
    fn drew(&self, sample: &Sample) -> bool {
        sample.judge == self.judge
    }

    fn draw(&self, order: Vec<u32>) -> Draw {
        Draw { judge: self.judge.clone(), ..Draw::of(order) }
    }
}

/// What a member says: one score for each response.
struct Opinion<'a> {
    member: &'a Member,
    scores: Vec<f64>,
}

impl Jury {
    /// The members, in the order of the configuration or of the pack.
    fn jury(&self, context: &Context) -> Result<Vec<Member>, Refusal> {
        let own = context.has_own_judge.then(|| OWN.to_owned());
        let all: Vec<String> = own.into_iter().chain(context.judges.iter().map(|judge| judge.name.clone())).collect();
        let named = if self.config.judges.is_empty() { &all } else { &self.config.judges };
        if let Some(unknown) = named.iter().chain(self.config.weights.keys()).find(|name| !all.contains(name)) {
            return Err(Refusal::Other(format!("the pack has no judge `{unknown}`; it has {}", all.join(", "))));
        }
        if named.is_empty() {
            return Err(Refusal::Other("the pack has no judges: add [judges.NAME] to pack.toml".to_owned()));
        }
        let member = |name: &String| Member {
            judge: (name != OWN).then(|| name.clone()),
            weight: self.config.weights.get(name).copied().unwrap_or(1.0),
            name: name.clone(),
        };
        Ok(named.iter().map(member).collect())
    }

    fn reward(&self, jury: &[Member], task: &Task, samples: &[Sample]) -> Result<Reward, Refusal> {
        let responses = task.responses.len();
        let mut used = Vec::new();
        let (mut opinions, mut missing) = (Vec::new(), Vec::new());
        for member in jury {
            let ballots: Vec<Ballot> = samples
                .iter()
                .filter(|sample| member.drew(sample))
                .filter_map(|sample| Ballot::of(sample, responses))
                .take(self.config.k as usize)
                .collect();
            if ballots.is_empty() {
                missing.push(member.name.clone());
                continue;
            }
            let mean = |response: usize| {
                decimal_mean(ballots.iter().filter_map(|ballot| ballot.scores.get(response).copied()))
            };
            opinions.push(Opinion { member, scores: (0..responses).map(mean).collect() });
            used.extend(ballots.iter().map(|ballot| ballot.id));
        }
        let quorum = self.config.quorum.map_or(jury.len() / 2 + 1, |quorum| quorum as usize);
        if opinions.len() < quorum {
            return Err(Refusal::TooFewSamples(format!(
                "{} of {} judges have an opinion, expected at least {quorum}; none from {}",
                opinions.len(),
                jury.len(),
                missing.join(", ")
            )));
        }
        used.sort_unstable();
        let scores = self.scores(&opinions, responses);
        let mut details = vec![
            Detail::number("judges", jury.len() as u32),
            Detail::number("opinions", opinions.len() as u32),
            Detail::number("quorum", quorum as u32),
        ];
        details.extend(agreement(&opinions).map(|agreement| Detail::number("agreement", agreement)));
        if !missing.is_empty() {
            details.push(Detail::text("missing", missing.join(", ")));
        }
        details.extend(opinions.iter().filter_map(|opinion| {
            let favourite = favourite(&opinion.scores)?;
            Some(Detail::number(&format!("judge_{}", snake(&opinion.member.name)), favourite as u32))
        }));
        let confidence = confidence(&opinions, &scores);
        let scores = scores.into_iter().map(Score::Value).collect();
        Ok(Reward { scores, used, confidence, details, ..Reward::default() })
    }

    fn scores(&self, opinions: &[Opinion<'_>], responses: usize) -> Vec<f64> {
        let weights: Vec<f64> = opinions.iter().map(|opinion| opinion.member.weight).collect();
        let weighted = |of: &dyn Fn(&Opinion<'_>) -> f64| {
            weighted_mean(opinions.iter().zip(&weights).map(|(opinion, weight)| (*weight, of(opinion))))
        };
        match self.config.aggregate {
            Aggregate::Majority => (0..responses)
                .map(|response| weighted(&|opinion| share_of_the_top(&opinion.scores, response)))
                .collect(),
            Aggregate::Mean => (0..responses)
                .map(|response| weighted(&|opinion| opinion.scores.get(response).copied().unwrap_or_default()))
                .collect(),
            Aggregate::GeometricMedian => {
                let points: Vec<&[f64]> = opinions.iter().map(|opinion| opinion.scores.as_slice()).collect();
                geometric::median(&points, &weights)
            }
        }
    }
}

/// The response that is first alone.
fn favourite(scores: &[f64]) -> Option<usize> {
    (0..scores.len()).find(|response| share_of_the_top(scores, *response) == 1.0)
}

/// The share of the weight that agrees with the winner.
fn confidence(opinions: &[Opinion<'_>], scores: &[f64]) -> Option<f64> {
    let winner = favourite(scores)?;
    let agreeing = sum(opinions.iter().map(|o| o.member.weight * share_of_the_top(&o.scores, winner)));
    Some((agreeing / sum(opinions.iter().map(|o| o.member.weight))).clamp(0.0, 1.0))
}

/// The share of pairs of judges that put the same response first; none with fewer than two judges.
fn agreement(opinions: &[Opinion<'_>]) -> Option<f64> {
    let favourites: Vec<Option<usize>> = opinions.iter().map(|opinion| favourite(&opinion.scores)).collect();
    let pairs = favourites
        .iter()
        .enumerate()
        .flat_map(|(place, one)| favourites.iter().skip(place + 1).map(move |other| one == other && one.is_some()));
    let (all, same) = pairs.fold((0_u32, 0_u32), |(all, same), agrees| (all + 1, same + u32::from(agrees)));
    (all > 0).then(|| f64::from(same) / f64::from(all))
}

/// A name as details have them.
fn snake(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

rewarden_plugin::export!(Jury: policy);
