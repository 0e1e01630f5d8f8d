//! A pessimistic policy: each response is rewarded with the lowest score that any of `k` samples gave it.
//!
//! It is built apart from `vote` and draws the same way, so putting one in the other's place in a pack shows what an
//! exchange of the policy alone does to the rewards.

use rewarden_plugin::{
    ConfigError, Context, Detail, Draw, Plugin, Policy, Random, Refusal, Reward, Sample, Score, Step, Task,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Samples to draw for a task, each showing the responses in a random order.
    #[schemars(range(min = 1, max = 1024))]
    pub k: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config { k: 4 }
    }
}

/// The configured policy.
#[derive(Debug)]
pub struct WorstCase {
    config: Config,
}

impl Plugin for WorstCase {
    type Config = Config;

    const NAME: &str = "worst-case";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Draws k samples and rewards each response with the lowest score that any of them gave it.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        if config.k == 0 {
            let message = "expected `k` of at least 1, found 0".to_owned();
            return Err(ConfigError { key: Some("k".to_owned()), message });
        }
        Ok(WorstCase { config })
    }
}

impl Policy for WorstCase {
    fn next(&self, task: &Task, context: &Context, samples: &[Sample]) -> Result<Step, Refusal> {
        if !samples.is_empty() {
            return Ok(Step::Finish(reward(task, samples)));
        }
        if self.config.k > context.samples_left {
            return Err(Refusal::TooFewSamples(format!(
                "k = {} is more than the {} samples of the budget: lower `k` or raise the budget",
                self.config.k, context.samples_left
            )));
        }
        if context.rounds_left == 0 {
            return Err(Refusal::TooFewSamples(
                "no sample is there, and no round is left to draw one in: raise the budget of rounds".to_owned(),
            ));
        }
        let mut random = Random::new(context.seed);
        let draws = (0..self.config.k).map(|_| {
            let mut draw = Draw::all(task);
            random.shuffle(&mut draw.order);
            draw
        });
        Ok(Step::Draw(draws.collect()))
    }
}

/// The minimum needs no equal number of scores per response, so a sample counts for those that it did score.
fn reward(task: &Task, samples: &[Sample]) -> Reward {
    let scores = (0..task.responses.len()).map(|response| {
        let lowest = samples.iter().filter_map(|sample| sample.value(response)).reduce(f64::min);
        lowest.map_or_else(|| Score::Abstain(format!("none of {} samples scored it", samples.len())), Score::Value)
    });
    let scored = |sample: &&Sample| (0..task.responses.len()).any(|response| sample.value(response).is_some());
    let used: Vec<u32> = samples.iter().filter(scored).map(|sample| sample.id).collect();
    let details = vec![
        Detail::number("k", samples.len() as u32),
        Detail::number("valid", used.len() as u32),
        Detail::text("aggregate", "minimum"),
    ];
    Reward { scores: scores.collect(), used, details, ..Reward::default() }
}

rewarden_plugin::export!(WorstCase: policy);

#[cfg(test)]
mod tests {
    use rewarden_plugin::{Failure, FailureKind, Message, Outcome, Scale};

    use super::*;

    fn task() -> Task {
        Task {
            messages: vec![Message::user("Which?")],
            responses: vec!["a".to_owned(), "b".to_owned()],
            reference: None,
            metadata: "{}".to_owned(),
        }
    }

    fn context() -> Context {
        let scale = Scale { min: 1.0, max: 10.0, integer: true };
        Context { seed: 3, samples_left: 8, rounds_left: 8, ..Context::of(scale) }
    }

    fn sample(id: u32, outcome: Outcome) -> Sample {
        Sample { completion_tokens: 100, ..Sample::of(id, vec![0, 1], outcome) }
    }

    fn scored(id: u32, scores: [f64; 2]) -> Sample {
        sample(id, Outcome::Scored(scores.map(|score| Some(Score::Value(score))).to_vec()))
    }

    fn finish(samples: &[Sample]) -> Reward {
        let policy = WorstCase::from_json("{}").unwrap();
        match policy.next(&task(), &context(), samples).unwrap() {
            Step::Finish(reward) => reward,
            step => panic!("expected a reward, found {step:?}"),
        }
    }

    #[test]
    fn the_lowest_score_of_each_response_is_its_reward() {
        let reward = finish(&[scored(0, [1.0, 5.0]), scored(1, [5.0, 6.0]), scored(2, [4.0, 8.0])]);
        assert_eq!(reward.scores, [Score::Value(1.0), Score::Value(5.0)]);
        assert_eq!(reward.used, [0, 1, 2]);
    }

    #[test]
    fn failed_samples_are_left_out_and_nothing_scored_is_an_abstention() {
        let failed =
            |id| sample(id, Outcome::Failed(Failure { kind: FailureKind::Unparsable, message: "no box".to_owned() }));
        let reward = finish(&[failed(0), scored(1, [7.0, 3.0])]);
        assert_eq!((reward.scores, reward.used), (vec![Score::Value(7.0), Score::Value(3.0)], vec![1]));
        assert!(matches!(finish(&[failed(0)]).scores[..], [Score::Abstain(_), Score::Abstain(_)]));
    }

    #[test]
    fn it_draws_k_samples_that_show_every_response() {
        let policy = WorstCase::from_json(r#"{"k": 6}"#).unwrap();
        let Step::Draw(draws) = policy.next(&task(), &context(), &[]).unwrap() else { panic!("expected draws") };
        assert_eq!(draws.len(), 6);
        for mut draw in draws {
            draw.order.sort_unstable();
            assert_eq!(draw.order, [0, 1]);
        }
    }

    #[test]
    fn a_k_beyond_the_budget_and_a_k_of_zero_are_refused() {
        let policy = WorstCase::from_json(r#"{"k": 9}"#).unwrap();
        assert!(matches!(policy.next(&task(), &context(), &[]), Err(Refusal::TooFewSamples(_))));
        assert_eq!(WorstCase::from_json(r#"{"k": 0}"#).unwrap_err().key.as_deref(), Some("k"));
    }
}
