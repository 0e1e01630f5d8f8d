//! Scores whether the final answer of a response equals the reference: 1 if it does, 0 if not.
//!
//! The answer of a response stands in its last `\boxed{}`; [`Place`] has the other places. It is read as mathematics, in
//! LaTeX or plainly, and so is the reference ([`readings`](same)); two answers are equal when their values are, exactly
//! where that can be decided, and otherwise at fixed points within the error of the computation. What cannot be read is
//! compared as text. Nothing is ever equal to a piece of something.
//!
//! [`Config`] has the options; `README.md` beside this crate lists what is read, and how it compares with another grader.

mod answer;
mod config;
mod equal;
mod extract;
mod interval;
mod matrix;
mod print;
mod prose;
mod read;
mod text;
mod unit;
mod value;

use rewarden_plugin::{ConfigError, Plugin, Refusal, Score, Scorer, Task};

use answer::{Answer, Item};
pub use config::{Assignments, Config, Lists, Percent, Place, Sets, Units};
use equal::Comparison;
use extract::Found;

/// The configured scorer.
#[derive(Debug)]
pub struct AnswerMatch {
    config: Config,
}

impl Plugin for AnswerMatch {
    type Config = Config;

    const NAME: &str = "answer-match";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Scores 1 where the final answer of a response equals the reference, 0 where not.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        if !(0.0..=0.1).contains(&config.tolerance) {
            let message = format!("{} is not between 0 and 0.1", config.tolerance);
            return Err(ConfigError { key: Some("tolerance".to_owned()), message });
        }
        Ok(AnswerMatch { config })
    }
}

impl Scorer for AnswerMatch {
    fn score(&self, task: &Task) -> Result<Vec<Score>, Refusal> {
        let reference = task.reference.as_deref().map(extract::reference);
        let reference = reference.map(|found| all_readings(&found)).filter(|readings| !readings.is_empty());
        let Some(reference) = reference else {
            return Err(Refusal::UnsuitableTask(
                "expected a reference answer to compare with, found none: add `reference` to the task".to_owned(),
            ));
        };
        let score = |response: &String| {
            let found = extract::response(response, self.config.answer);
            let readings = all_readings(&found);
            if self.any_equal(&readings, &reference) { 1.0 } else { 0.0 }
        };
        Ok(task.responses.iter().map(score).map(Score::Value).collect())
    }
}

impl AnswerMatch {
    fn any_equal(&self, answers: &[Answer], references: &[Answer]) -> bool {
        let comparison = Comparison { config: &self.config };
        answers.iter().any(|answer| references.iter().any(|reference| comparison.equal(answer, reference)))
    }
}

/// Every way to read what was found.
fn all_readings(found: &Found) -> Vec<Answer> {
    match found {
        Found::Nothing => Vec::new(),
        Found::One(text) if text::normal(text).is_empty() && !text.contains('{') => Vec::new(),
        Found::One(text) => answer::readings(text),
        Found::Several(parts) => {
            let items: Vec<Answer> =
                parts.iter().filter_map(|part| answer::readings(part).into_iter().next()).collect();
            vec![Answer::of(Item::List(items))]
        }
        Found::Response(text, last) => {
            let mut readings = answer::readings(text);
            if let Some(last) = last {
                readings.extend(answer::readings(last));
            }
            readings
        }
    }
}

/// Whether two answers, each by itself and without prose around it, are equal under the options.
pub fn same(one: &str, other: &str, config: &Config) -> bool {
    let read = |text: &str| all_readings(&Found::One(text));
    AnswerMatch { config: config.clone() }.any_equal(&read(one), &read(other))
}

/// The likeliest reading of an answer, written in one notation that reads back as the same.
pub fn canonical(text: &str) -> String {
    all_readings(&Found::One(text)).first().map(print::answer).unwrap_or_default()
}

/// How the answer of a reference or of a response is read, under the usual options.
pub fn explain(text: &str, is_reference: bool) -> String {
    let found = if is_reference { extract::reference(text) } else { extract::response(text, Place::Auto) };
    all_readings(&found).iter().map(print::answer).collect::<Vec<_>>().join(" | ")
}

rewarden_plugin::export!(AnswerMatch: scorer);
