//! Asks which of two or more responses is best and gets one of the configured labels for an answer: the template that
//! belongs to the parser `choice`, with the same keys for the same things.
//!
//! Labels that have a sign in them (`[[A]]`, `Output (a)`) get a hyphen wherever text of the task holds them, so that
//! no response carries a verdict of its own. Labels that are plain words (`A`, `Response 1`) are left alone: any text
//! may use them, and the parser never sees the prompt.

mod answers;
mod config;
mod format;
mod spelling;

use rendering::{Escape, conversation, earlier, fill, named_responses, reference};
use rewarden_plugin::{ConfigError, Plugin, Prompt, Refusal, Request, Template};

use answers::Answers;
pub use config::{Config, Reasoning};

const PROMPT: &str = include_str!("../prompts/choice.txt");

/// The configured template.
#[derive(Debug)]
pub struct PairwiseChoice {
    config: Config,
}

impl Plugin for PairwiseChoice {
    type Config = Config;

    const NAME: &str = "pairwise-choice";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Asks which of the responses is best, in the labels that the parser `choice` reads.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        if !spelling::has_slot(&config.names) {
            return Err(fault("names", format!("expected one of {{A}}, {{a}}, {{1}} in `{}`", config.names)));
        }
        if let Some(pattern) = config.spellings.label_patterns.iter().find(|pattern| !spelling::has_slot(pattern)) {
            return Err(fault("label_patterns", format!("expected one of {{A}}, {{a}}, {{1}} in `{pattern}`")));
        }
        answers::check(&config).map_err(|(key, message)| fault(key, message))?;
        if config.criteria.iter().all(|criterion| criterion.trim().is_empty()) {
            return Err(fault("criteria", "expected at least one criterion to judge by, found none".to_owned()));
        }
        if !(1..=4000).contains(&config.constrain_chars) {
            let found = config.constrain_chars;
            return Err(fault("constrain_chars", format!("expected `constrain_chars` from 1 to 4000, found {found}")));
        }
        // With two responses every spelling is there once; what cannot be taken out of task text is refused now.
        if let Ok(answers) = Answers::of(&config, 2) {
            Escape::with(answers.markers.iter().map(String::as_str))
                .map_err(|message| fault("label_patterns", message))?;
        }
        Ok(PairwiseChoice { config })
    }
}

impl Template for PairwiseChoice {
    fn render(&self, request: &Request) -> Result<Prompt, Refusal> {
        let task = &request.task;
        if request.critique.is_some() {
            return Err(Refusal::UnsuitableTask(
                "expected a task for the reward model, found a critique to be rated: pairwise-choice is no meta template"
                    .to_owned(),
            ));
        }
        if task.responses.len() < 2 {
            return Err(Refusal::UnsuitableTask(format!(
                "expected at least two responses to choose from, found {}",
                task.responses.len()
            )));
        }
        let answers = Answers::of(&self.config, task.responses.len())?;
        let escape = Escape::with(answers.markers.iter().map(String::as_str)).map_err(Refusal::Other)?;
        let criteria: Vec<String> = self.config.criteria.iter().map(|criterion| format!("- {criterion}")).collect();
        let name = |place: usize| match answers.names.get(place) {
            Some(name) => name.clone(),
            None => format!("number {}", place + 1),
        };
        let text = fill(
            PROMPT,
            &[
                ("criteria", &criteria.join("\n")),
                ("conversation", &conversation(&task.messages, &escape)),
                ("reference", &reference(task.reference.as_deref(), &escape)),
                ("responses", &named_responses(&task.responses, answers.names.iter().cloned(), &escape)),
                ("earlier", &earlier(&request.earlier, name, &escape)),
                ("format", &format::section(&self.config, &answers)),
            ],
        )?;
        let mut prompt = Prompt::user(text);
        if self.config.constrain {
            prompt.constraint = Some(format::constraint(&self.config, &answers));
        }
        Ok(prompt)
    }
}

/// A configuration that cannot be used.
fn fault(key: &str, message: String) -> ConfigError {
    ConfigError { key: Some(key.to_owned()), message }
}

rewarden_plugin::export!(PairwiseChoice: template);
