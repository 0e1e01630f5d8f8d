//! Pointwise rating: shows the model one response at a time, `k` times each, and rewards it with the mean of its scores.
//!
//! For judges that rate a single answer (Prometheus' absolute grading, a rating from 1 to 10), whose samples never see
//! the rivals. Each response is averaged over those samples that scored it, whatever else they showed; so recorded
//! samples that showed several responses count too. One that failed, or abstained on a response, is left out for that
//! response alone: a mean stays comparable where a sum would not. The reward's details say `k`, how many samples were
//! `valid`, and between which numbers of scores the responses' means are made (`fewest`, `most`).

use rewarden_plugin::{
    ConfigError, Context, Detail, Draw, Outcome, Plugin, Policy, Refusal, Reward, Sample, Score, Step, Task,
    decimal_mean,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Samples to draw for a task, shared out among its responses: at least one each, those at the front one more
    /// where they do not divide. 0 draws `per_response` for each.
    #[schemars(range(max = 1024))]
    pub k: u32,
    /// Samples of each response, where `k` is 0.
    #[schemars(range(min = 1, max = 256))]
    pub per_response: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config { k: 0, per_response: 1 }
    }
}

/// The configured policy.
#[derive(Debug)]
pub struct Pointwise {
    config: Config,
}

impl Plugin for Pointwise {
    type Config = Config;

    const NAME: &str = "pointwise";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Shows each response alone, several times, and rewards it with the mean of its scores.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        if config.k > 1024 {
            let message = format!("expected `k` from 0 to 1024, found {}", config.k);
            return Err(ConfigError { key: Some("k".to_owned()), message });
        }
        if !(1..=256).contains(&config.per_response) {
            let message = format!("expected `per_response` from 1 to 256, found {}", config.per_response);
            return Err(ConfigError { key: Some("per_response".to_owned()), message });
        }
        Ok(Pointwise { config })
    }
}

impl Policy for Pointwise {
    /// One round of draws, response after response and then again, then the reward. Samples that are there already
    /// count as the first ones.
    fn next(&self, task: &Task, context: &Context, samples: &[Sample]) -> Result<Step, Refusal> {
        let responses = task.responses.len();
        let wanted = match self.config.k as usize {
            0 => self.config.per_response as usize * responses,
            k => k,
        };
        if samples.len() >= wanted {
            return Ok(Step::Finish(reward(responses, samples.get(..wanted).unwrap_or(samples))));
        }
        if samples.is_empty() && wanted < responses {
            return Err(Refusal::TooFewSamples(format!(
                "k = {wanted} is fewer than the {responses} responses, each of which is shown alone: raise `k`"
            )));
        }
        let missing = wanted - samples.len();
        if missing > context.samples_left as usize || context.rounds_left == 0 {
            return Err(Refusal::TooFewSamples(format!(
                "{wanted} samples are wanted, {} are there, and the budget leaves {}: lower `k` or raise the budget",
                samples.len(),
                context.samples_left
            )));
        }
        let draws = (samples.len()..wanted).map(|index| Draw::of(vec![(index % responses) as u32]));
        Ok(Step::Draw(draws.collect()))
    }
}

fn reward(responses: usize, samples: &[Sample]) -> Reward {
    let mut scores: Vec<Vec<f64>> = vec![Vec::new(); responses];
    let mut used = Vec::new();
    for sample in samples {
        let Outcome::Scored(placed) = &sample.outcome else { continue };
        let before = scores.iter().map(Vec::len).sum::<usize>();
        for (of_response, score) in scores.iter_mut().zip(placed) {
            if let Some(Score::Value(value)) = score {
                of_response.push(*value);
            }
        }
        if scores.iter().map(Vec::len).sum::<usize>() > before {
            used.push(sample.id);
        }
    }
    let counts = || scores.iter().map(|of_response| of_response.len() as u32);
    let details = vec![
        Detail::number("k", samples.len() as u32),
        Detail::number("valid", used.len() as u32),
        Detail::number("fewest", counts().min().unwrap_or(0)),
        Detail::number("most", counts().max().unwrap_or(0)),
    ];
    let mean = |of_response: &Vec<f64>| match of_response.len() {
        0 => Score::Abstain(format!("none of {} samples scored this response", samples.len())),
        _ => Score::Value(decimal_mean(of_response.iter().copied())),
    };
    Reward { scores: scores.iter().map(mean).collect(), used, details, ..Reward::default() }
}

rewarden_plugin::export!(Pointwise: policy);
