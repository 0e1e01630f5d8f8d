//! Fixed principles: the template asks for a verdict on each response under each principle of the configuration, as one
//! JSON object, and the parser makes the weighted mean of the verdicts its score. For packs that carry a house's own
//! rules.
//!
//! The model never adds anything up. A yes is the top of the scale and a no its bottom; points are numbers on the scale.
//! The mean is exact and rounded once: to the nearest whole number, halves up, on a scale of whole numbers, which keeps
//! little of it, so a scale of fractions such as 0 to 1 suits better; to the nearest floating-point number elsewhere. A
//! verdict that is missing, unknown, there twice, or neither yes nor no fails the sample: it never counts as a no.

mod config;
mod mean;
mod prompt;
mod read;

use reading::{critique, json::Json};
use rendering::steps::Steps;
use rewarden_plugin::{
    Completion, ConfigError, Judgement, ParseFailure, Parser, Plugin, Prompt, Refusal, Request, Scale, Template,
};

pub use config::{Category, Config, Principle, Verdicts};

/// The configured template and parser.
#[derive(Debug)]
pub struct Rubric {
    config: Config,
}

impl Plugin for Rubric {
    type Config = Config;

    const NAME: &str = "rubric";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Asks for a verdict under each configured principle and scores with their weighted mean.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        let fault = |key: &str, message| ConfigError { key: Some(key.to_owned()), message };
        config.check().map_err(|(key, message)| fault(key, message))?;
        if let Some(principle) = config.principles.iter().find(|principle| mean::weight(principle.counts()).is_none()) {
            return Err(fault(
                "principles",
                format!(
                    "expected a weight above 0 and at most 1000, with at most four decimals, for `{}`, found {}",
                    principle.name,
                    principle.counts()
                ),
            ));
        }
        Ok(Rubric { config })
    }
}

impl Template for Rubric {
    fn render(&self, request: &Request) -> Result<Prompt, Refusal> {
        if request.critique.is_some() {
            return Err(Refusal::UnsuitableTask(
                "expected a task for the reward model, found a critique to be rated: rubric is no meta template"
                    .to_owned(),
            ));
        }
        let mut prompt = Prompt::user(prompt::render(&self.config, &request.task, &request.scale)?);
        if self.config.constrain {
            let steps = Steps::of(&request.scale)?;
            prompt.constraint = Some(prompt::constraint(&self.config, request.task.responses.len(), &steps));
        }
        Ok(prompt)
    }
}

impl Parser for Rubric {
    fn parse(&self, completion: &Completion, shown: u32, scale: Scale) -> Result<Judgement, ParseFailure> {
        let (scores, answer) = read::scores(&self.config, completion, shown, &scale)?;
        let principles = self.config.principles.iter().map(|principle| rewarden_plugin::Principle {
            name: principle.name.clone(),
            weight: Some(principle.counts()),
            text: principle.description.clone(),
        });
        let critique = match answer.value.field("analysis") {
            Some(Json::String(analysis)) => critique(analysis, 0),
            _ => critique(completion.text.get(..answer.start).unwrap_or_default(), 0),
        };
        Ok(Judgement { scores, principles: principles.collect(), critique })
    }
}

rewarden_plugin::export!(Rubric: template, parser);
