//! The template of a meta RM: shows the task, the responses in the order that the sample saw, and the sample's critique,
//! and asks whether the critique ranks them as they deserve. The parser `token-prob` with `mode = "verdict"` reads the
//! probability of yes, which is the rating of the sample.
//!
//! The critique is data like the rest: markers in it get a hyphen, its own `\boxed{8, 5}` included, so that neither a
//! response nor what a response made the judge write can pose as another part of the prompt.

use rendering::{Escape, block, conversation, fill, reference, responses};
use rewarden_plugin::{ConfigError, Constraint, Plugin, Prompt, Refusal, Request, Template};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const PROMPT: &str = include_str!("../prompts/check.txt");

/// Options of the template. `yes` and `no` have the names and the form that they have in `token-prob`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The words for yes, of letters and digits; the first one is asked for.
    pub yes: Vec<String>,
    /// The words for no, of letters and digits; the first one is asked for.
    pub no: Vec<String>,
    /// How many alternatives are asked for at each token. Yes and no have to be among them.
    #[schemars(range(min = 2, max = 20))]
    pub top_logprobs: u8,
    /// Tokens that the model may write, thinking included: a few for a word, many for a model that thinks first. 0: as
    /// many as the host allows.
    pub max_tokens: u32,
    /// Force the answer to be one of the two words. For models that do not keep to them; probabilities are those before
    /// the force where the backend gives these.
    pub constrain: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            yes: vec!["Yes".to_owned()],
            no: vec!["No".to_owned()],
            top_logprobs: 20,
            max_tokens: 8,
            constrain: false,
        }
    }
}

/// The configured template.
#[derive(Debug)]
pub struct CritiqueCheck {
    config: Config,
    yes: String,
    no: String,
}

impl Plugin for CritiqueCheck {
    type Config = Config;

    const NAME: &str = "critique-check";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Asks a meta RM whether a critique ranks the responses as they deserve: yes or no.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        let fault = |key: &str, message| ConfigError { key: Some(key.to_owned()), message };
        if !(2..=20).contains(&config.top_logprobs) {
            let found = config.top_logprobs;
            return Err(fault("top_logprobs", format!("expected `top_logprobs` from 2 to 20, found {found}")));
        }
        let first = |key: &str, words: &[String]| {
            let is_word = |word: &String| !word.is_empty() && word.chars().all(char::is_alphanumeric);
            let message = format!("expected words of letters and digits, found {words:?}");
            match words.first() {
                Some(first) if words.iter().all(is_word) => Ok(first.clone()),
                _ => Err(fault(key, message)),
            }
        };
        let (yes, no) = (first("yes", &config.yes)?, first("no", &config.no)?);
        if config.yes.iter().any(|word| config.no.iter().any(|other| word.to_lowercase() == other.to_lowercase())) {
            return Err(fault("no", "expected other words than in `yes`, found the same".to_owned()));
        }
        Ok(CritiqueCheck { config, yes, no })
    }
}

impl Template for CritiqueCheck {
    fn render(&self, request: &Request) -> Result<Prompt, Refusal> {
        let task = &request.task;
        let Some(critique) = &request.critique else {
            return Err(Refusal::UnsuitableTask(
                "expected a critique to check, found none: critique-check is a template for a pack's [meta]".to_owned(),
            ));
        };
        if task.responses.is_empty() {
            return Err(Refusal::UnsuitableTask("expected at least one response, found none".to_owned()));
        }
        let escape = Escape::default();
        let text = fill(
            PROMPT,
            &[
                ("conversation", &conversation(&task.messages, &escape)),
                ("reference", &reference(task.reference.as_deref(), &escape)),
                ("responses", &responses(&task.responses, &escape)),
                ("critique", &block("Critique", critique, &escape)),
                ("yes", &self.yes),
                ("no", &self.no),
            ],
        )?;
        let mut prompt = Prompt::user(text);
        prompt.top_logprobs = self.config.top_logprobs;
        prompt.max_tokens = Some(self.config.max_tokens).filter(|tokens| *tokens > 0);
        if self.config.constrain {
            prompt.constraint = Some(Constraint::Regex(format!("({}|{})", self.yes, self.no)));
        }
        Ok(prompt)
    }
}

rewarden_plugin::export!(CritiqueCheck: template);
