//! The sum of what the pack's scorers say, by their weights, on whatever scale they say it: what a trainer makes of several
//! reward functions. Nothing is drawn, and the pack's scale plays no part.
//!
//! A scorer that abstains on a response is left out for that response, as TRL leaves out a function that returned `None`; a
//! response that all abstain on gets no score. Of one scorer alone, with the weight 1, the reward is its score, bit for bit.
//!
//! Details: `scorers`, how many counted; and `abstained`, where one did, such as `1: accuracy`: which scorer abstained on which
//! response, by its index.

use std::collections::BTreeMap;

use rewarden_plugin::{
    ConfigError, Context, Detail, Plugin, Policy, Refusal, Reward, Sample, Score, Signal, Step, Task,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of the policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How much a scorer counts, by the name under which the pack lists it, where that is not 1. Any finite number: below 0 for
    /// a penalty.
    pub weights: BTreeMap<String, f64>,
}

/// The configured policy.
#[derive(Debug)]
pub struct RuleSum {
    weights: BTreeMap<String, f64>,
}

impl Plugin for RuleSum {
    type Config = Config;

    const NAME: &str = "rule-sum";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Adds up what the pack's scorers say, by weight.";

    fn new(Config { weights }: Config) -> Result<Self, ConfigError> {
        match weights.iter().find(|(_, weight)| !weight.is_finite()) {
            Some((name, weight)) => Err(ConfigError {
                key: Some("weights".to_owned()),
                message: format!("expected a finite `weights.{name}`, found {weight}"),
            }),
            None => Ok(RuleSum { weights }),
        }
    }
}

impl Policy for RuleSum {
    /// The reward at once.
    fn next(&self, task: &Task, context: &Context, _: &[Sample]) -> Result<Step, Refusal> {
        let signals = &context.signals;
        let listed = || signals.iter().map(|signal| signal.scorer.as_str()).collect::<Vec<_>>().join(", ");
        if signals.is_empty() {
            return Err(Refusal::Other("there is nothing to add up: the pack lists no [scorers.NAME]".to_owned()));
        }
        if let Some(name) = self.weights.keys().find(|name| signals.iter().all(|signal| signal.scorer != **name)) {
            return Err(Refusal::Other(format!(
                "`weights.{name}` is of no scorer of the pack, which lists {}",
                listed()
            )));
        }
        let sums = (0..task.responses.len()).map(|response| self.sum(signals, response));
        let abstained: Vec<String> = (0..task.responses.len())
            .flat_map(|response| {
                let silent =
                    signals.iter().filter(move |signal| matches!(signal.scores.get(response), Some(Score::Abstain(_))));
                silent.map(move |signal| format!("{response}: {}", signal.scorer))
            })
            .collect();
        let mut details = vec![Detail::number("scorers", signals.len() as u32)];
        if !abstained.is_empty() {
            details.push(Detail::text("abstained", abstained.join(", ")));
        }
        Ok(Step::Finish(Reward { scores: sums.collect::<Result<_, _>>()?, details, ..Reward::default() }))
    }
}

impl RuleSum {
    /// # Errors
    /// Where the sum is no finite number.
    fn sum(&self, signals: &[Signal], response: usize) -> Result<Score, Refusal> {
        let mut sum = None;
        let mut why = None;
        for signal in signals {
            let weight = self.weights.get(&signal.scorer).copied().unwrap_or(1.0);
            match signal.scores.get(response) {
                Some(Score::Value(value)) => sum = Some(sum.map_or(weight * value, |sum: f64| sum + weight * value)),
                Some(Score::Abstain(reason)) => {
                    why.get_or_insert_with(|| format!("scorer `{}` gave no score: {reason}", signal.scorer));
                }
                None => return Err(Refusal::Other(format!("scorer `{}` gave too few scores", signal.scorer))),
            }
        }
        match (sum, why) {
            (Some(sum), _) if sum.is_finite() => Ok(Score::Value(sum)),
            (Some(sum), _) => Err(Refusal::Other(format!("the scores of response {} add up to {sum}", response + 1))),
            (None, why) => Ok(Score::Abstain(why.unwrap_or_else(|| "no scorer gave a score".to_owned()))),
        }
    }
}

rewarden_plugin::export!(RuleSum: policy);
