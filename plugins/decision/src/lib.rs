//! Decision models answer typed questions about a text with probabilities, and write none: the template puts the task into the
//! text and asks, the parser turns the probabilities into scores.
//!
//! One response that is shown is asked about by the criteria of the task's rubric ([`criteria::rubric`]), all in one request: a
//! criterion with levels as a question of levels, one without as yes or no. Where the task and the pack have no rubric, by the
//! one question of the configuration, under the id `grade`. Several responses are asked about together, which is the best
//! of them, under the id `best`.
//!
//! A score is the expected one: levels are spread evenly over the scale, a yes is its top and a no its bottom, and so is being
//! the best. So the scale must be one of fractions. The judgement has the distributions, and where there is one question, a
//! confidence: the probability of its likeliest answer. With a rubric the scores are abstentions, since the parser cannot weigh
//! what it does not know: a policy such as `rubric-vote` does.

mod ask;
mod read;

use rewarden_plugin::{
    Completion, ConfigError, Judgement, ParseFailure, Parser, Plugin, Prompt, Refusal, Request, Scale, Template,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of the template. The parser needs none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is asked about one response where there is no rubric.
    pub instructions: String,
    /// What the levels of that question stand for, from worst to best: 2 to 10. None: it is answered by yes or no.
    pub levels: Vec<String>,
    /// What is asked about several responses.
    pub choose: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            instructions: "How well does the response answer the last message of the conversation?".to_owned(),
            levels: ["useless or harmful", "poor", "acceptable", "good", "excellent"].map(str::to_owned).to_vec(),
            choose: "Which response answers the last message of the conversation best?".to_owned(),
        }
    }
}

/// The configured template and parser.
#[derive(Debug)]
pub struct Decision {
    config: Config,
}

impl Plugin for Decision {
    type Config = Config;

    const NAME: &str = "decision";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Asks a decision model typed questions and scores with the probabilities of its answers.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        let fault = |key: &str, message: String| Err(ConfigError { key: Some(key.to_owned()), message });
        if config.levels.len() == 1 || config.levels.len() > 10 {
            return fault("levels", format!("expected 2 to 10 levels, or none, found {}", config.levels.len()));
        }
        for (key, text) in [("instructions", &config.instructions), ("choose", &config.choose)] {
            if text.trim().is_empty() {
                return fault(key, format!("expected a question in `{key}`, found none"));
            }
        }
        Ok(Decision { config })
    }
}

impl Template for Decision {
    fn render(&self, request: &Request) -> Result<Prompt, Refusal> {
        ask::prompt(&self.config, request)
    }
}

impl Parser for Decision {
    fn parse(&self, completion: &Completion, shown: u32, scale: Scale) -> Result<Judgement, ParseFailure> {
        read::judgement(completion, shown, &scale)
    }
}

rewarden_plugin::export!(Decision: template, parser);
