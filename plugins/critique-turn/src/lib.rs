//! The template of a meta RM that is a sequence classifier, such as DeepSeek-GRM-27B-MetaRM: a conversation in which the
//! user shows the task and the responses, in the order that the sample saw, and the assistant's turn is the critique. The
//! classifier's score of that turn is the rating; the host's scalar backend (`--meta-kind classify` or `pooling`) gives it as
//! text, and the parser `rating` reads it.
//!
//! The shape is the paper's (arXiv 2504.02495, appendix on the meta RM): one line that asks for a score, the conversation,
//! the responses between their delimiters; no criteria. The wording of that line is not printed there, so it is an option.
//! The critique stands as it was written: it is a turn of its own, and no text of the task can reach into it.

use rendering::{Escape, conversation, responses};
use rewarden_plugin::{ConfigError, Plugin, Prompt, Refusal, Request, Template, Turn};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of the template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The line above the conversation. Empty for none.
    pub instruction: String,
}

impl Default for Config {
    fn default() -> Self {
        Config { instruction: "Please score the responses.".to_owned() }
    }
}

/// The configured template.
#[derive(Debug)]
pub struct CritiqueTurn {
    config: Config,
}

impl Plugin for CritiqueTurn {
    type Config = Config;

    const NAME: &str = "critique-turn";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Gives a classifying meta RM the critique as the assistant's turn that it is to rate.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        Ok(CritiqueTurn { config })
    }
}

impl Template for CritiqueTurn {
    fn render(&self, request: &Request) -> Result<Prompt, Refusal> {
        let task = &request.task;
        let Some(critique) = &request.critique else {
            return Err(Refusal::UnsuitableTask(
                "expected a critique to rate, found none: critique-turn is a template for a pack's [meta]".to_owned(),
            ));
        };
        if task.responses.is_empty() {
            return Err(Refusal::UnsuitableTask("expected at least one response, found none".to_owned()));
        }
        let escape = Escape::default();
        let head = match self.config.instruction.as_str() {
            "" => String::new(),
            line => format!("{line}\n\n"),
        };
        let shown = format!(
            "{head}#### Conversation Context ####\n{}\n\n#### Responses to be Scored ####\n{}",
            conversation(&task.messages, &escape),
            responses(&task.responses, &escape)
        );
        Ok(Prompt::chat(vec![Turn::user(shown), Turn::assistant(critique.clone())]))
    }
}

rewarden_plugin::export!(CritiqueTurn: template);
