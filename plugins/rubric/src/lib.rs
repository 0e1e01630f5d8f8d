//! The template asks for a verdict on each response under each principle, as one JSON object, and the parser reads them all:
//! they are the judgement's criteria.
//!
//! With principles in the configuration the parser also makes their weighted mean its score. For packs that carry a house's own
//! rules. Without any, the template asks about the criteria of the task's rubric ([`criteria::rubric`]), or about those of
//! them that the policy names; the parser never sees the prompt, so it reads verdicts under whatever names the model wrote,
//! abstains from a score, and leaves matching and weighing to a policy such as `rubric-vote`.
//!
//! The model never adds anything up. A yes is the top of the scale and a no its bottom; points are numbers on the scale.
//! The mean is exact and rounded once: to the nearest whole number, halves up, on a scale of whole numbers, which keeps
//! little of it, so a scale of fractions such as 0 to 1 suits better; to the nearest floating-point number elsewhere. A
//! verdict that is missing, unknown, there twice, or neither yes nor no fails the sample: it never counts as a no. With `not_applicable` a
//! verdict may be "n/a": the principle is left out for that response, and its weight with it.

mod config;
mod listed;
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
        let steps = Steps::of(&request.scale)?;
        let listed = listed::of(&self.config, request, &steps)?;
        let mut prompt = Prompt::user(prompt::render(&self.config, &listed, request, &steps)?);
        if self.config.constrain {
            let shown = request.task.responses.len();
            prompt.constraint = Some(prompt::constraint(&self.config, &listed, shown, &steps));
        }
        Ok(prompt)
    }
}

impl Parser for Rubric {
    fn parse(&self, completion: &Completion, shown: u32, scale: Scale) -> Result<Judgement, ParseFailure> {
        let read::Verdicts { scores, criteria, answer } = read::verdicts(&self.config, completion, shown, &scale)?;
        let principles = self.config.principles.iter().map(|principle| rewarden_plugin::Principle {
            name: principle.name.clone(),
            weight: Some(principle.counts()),
            text: principle.description.clone(),
        });
        let critique = match answer.value.field("analysis") {
            Some(Json::String(analysis)) => critique(analysis, 0),
            _ => critique(completion.text.get(..answer.start).unwrap_or_default(), 0),
        };
        Ok(Judgement { scores, criteria, principles: principles.collect(), critique, ..Judgement::default() })
    }
}

rewarden_plugin::export!(Rubric: template, parser);
