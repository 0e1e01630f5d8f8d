//! Self-Principled Critique Tuning (arXiv 2504.02495): the prompt that makes a generative reward model write its own
//! criteria, an analysis and one score per response, and the parser that reads those scores.
//!
//! The prompt keeps the structure, headings and markers that models trained for the method know; the words are our
//! own. Where the pack has the principles written beforehand, from the query alone, they take the criteria's place, and
//! the model is asked for the analysis and the scores only. The parser accepts exactly one score per response or fails with a reason: it never guesses, drops or clips.

mod boxes;
mod constraint;
mod criteria;
mod entries;
mod given;
mod prompt;
mod read;
mod sections;

use rewarden_plugin::{
    Completion, ConfigError, Judgement, ParseFailure, Parser, Plugin, Prompt, Refusal, Request, Scale, Template,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which wording of the prompt to use. Headings and markers are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// The whole instruction with bands for every criterion. For models trained for the method and other large ones.
    Full,
    /// A line a criterion and no bands, under 250 tokens without the task. For small models and for CPUs.
    Compact,
}

/// Options of the template. The parser has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which wording of the prompt to use.
    pub style: Style,
    /// Force the output's form with a regular expression that ends in the box with one valid score per response. For
    /// general models that do not keep to the format by themselves; leave it off for models trained for the method.
    pub constrain: bool,
    /// With `constrain`: characters of free text that the model may write before the scores, two fifths of them on
    /// criteria, where it is to set them up itself, and the rest on the analysis. A token is about 4 characters of English: keep it below three times the
    /// token limit, or the text is cut before the box. 0 asks for the scores alone.
    #[schemars(range(max = 4000))]
    pub constrain_chars: u32,
    /// Ask for the log-probabilities of this many alternatives at each token, for the parser `token-prob` with the marker
    /// `\boxed{`. Whole numbers are then asked for on any scale, since it reads those. 0: none are asked for.
    #[schemars(range(max = 20))]
    pub top_logprobs: u8,
}

impl Default for Config {
    fn default() -> Self {
        Config { style: Style::Full, constrain: false, constrain_chars: 400, top_logprobs: 0 }
    }
}

/// The configured template and parser.
#[derive(Debug)]
pub struct Spct {
    config: Config,
}

impl Plugin for Spct {
    type Config = Config;

    const NAME: &str = "spct";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str =
        "Asks for criteria, an analysis and one boxed score per response (SPCT), and reads the scores.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        // The schema says so too; this holds wherever the schema was not checked.
        if config.constrain_chars > 4000 {
            let message = format!("expected `constrain_chars` from 0 to 4000, found {}", config.constrain_chars);
            return Err(ConfigError { key: Some("constrain_chars".to_owned()), message });
        }
        if config.top_logprobs > 20 {
            let message = format!("expected `top_logprobs` from 0 to 20, found {}", config.top_logprobs);
            return Err(ConfigError { key: Some("top_logprobs".to_owned()), message });
        }
        Ok(Spct { config })
    }
}

impl Template for Spct {
    fn render(&self, request: &Request) -> Result<Prompt, Refusal> {
        if request.critique.is_some() {
            return Err(Refusal::UnsuitableTask(
                "expected a task for the reward model, found a critique to be rated: spct is no meta template"
                    .to_owned(),
            ));
        }
        let asked = Scale { integer: request.scale.integer || self.config.top_logprobs > 0, ..request.scale };
        let mut prompt = Prompt::user(prompt::render(self.config.style, request, &asked)?);
        prompt.top_logprobs = self.config.top_logprobs;
        if self.config.constrain {
            let shown = request.task.responses.len();
            let given = !request.principles.is_empty();
            prompt.constraint = Some(constraint::constraint(&asked, shown, self.config.constrain_chars, given)?);
        }
        Ok(prompt)
    }
}

impl Parser for Spct {
    fn parse(&self, completion: &Completion, shown: u32, scale: Scale) -> Result<Judgement, ParseFailure> {
        let scores = read::scores(completion, shown, &scale)?;
        Ok(Judgement {
            scores,
            principles: sections::principles(&completion.text),
            critique: sections::critique(&completion.text),
            ..Judgement::default()
        })
    }
}

rewarden_plugin::export!(Spct: template, parser);
