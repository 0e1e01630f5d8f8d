//! Scores whether the final answer of a response equals the reference: 1 if it does, 0 if not.
//!
//! The answer of a response stands in its last `\boxed{}`; [`Place`] has the other places. It is read as mathematics, in
//! LaTeX or plainly, and so is the reference; two answers are equal when their values are, exactly
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

use std::cell::OnceCell;

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
        let reference = task.reference.as_deref().map(extract::reference).map(Reading::of);
        let Some(reference) = reference.filter(|reference| !reference.likeliest.is_empty()) else {
            return Err(Refusal::UnsuitableTask(
                "expected a reference answer to compare with, found none: add `reference` to the task".to_owned(),
            ));
        };
        let score = |response: &String| {
            value::allow(MOST_STEPS);
            let answer = Reading::of(extract::response(response, self.config.answer));
            if self.matches(&answer, &reference) { 1.0 } else { 0.0 }
        };
        Ok(task.responses.iter().map(score).map(Score::Value).collect())
    }
}

/// Steps of comparing for a response, some tenth of the fuel that a call usually has. The same for each, however many there
/// are: what a response is worth must not depend on the others.
const MOST_STEPS: usize = 5_000;

impl AnswerMatch {
    /// Whether some reading of one equals some reading of the other; the likeliest are tried first.
    fn matches(&self, one: &Reading, other: &Reading) -> bool {
        let comparison = Comparison { config: &self.config };
        let any = |one: &[Answer], other: &[Answer]| {
            one.iter().any(|one| other.iter().any(|other| comparison.equal(one, other)))
        };
        any(&one.likeliest, &other.likeliest) || {
            let (ours, theirs) = (one.all(), other.all());
            let more = ours.len() > one.likeliest.len() || theirs.len() > other.likeliest.len();
            more && any(ours, theirs)
        }
    }
}

/// What was found, and how it can be read.
struct Reading<'a> {
    found: Found<'a>,
    likeliest: Vec<Answer>,
    all: OnceCell<Vec<Answer>>,
}

impl<'a> Reading<'a> {
    fn of(found: Found<'a>) -> Self {
        Reading { likeliest: readings(&found, true), found, all: OnceCell::new() }
    }

    fn all(&self) -> &[Answer] {
        self.all.get_or_init(|| readings(&self.found, false))
    }
}

/// Every way to read what was found, or the likeliest of each text.
fn readings(found: &Found, only_first: bool) -> Vec<Answer> {
    match found {
        Found::Nothing => Vec::new(),
        Found::One(text) if text::normal(text).is_empty() && !text.contains('{') => Vec::new(),
        Found::One(text) => answer::readings(text, only_first),
        Found::Several(parts) => {
            let items: Vec<Answer> =
                parts.iter().filter_map(|part| answer::readings(part, true).into_iter().next()).collect();
            vec![Answer::of(Item::List(items))]
        }
        Found::Response(text, last) => {
            let mut readings = answer::readings(text, only_first);
            if let Some(last) = last {
                readings.extend(answer::readings(last, only_first));
            }
            readings
        }
    }
}

/// Whether two answers, each by itself and without prose around it, are equal under the options.
pub fn same(one: &str, other: &str, config: &Config) -> bool {
    AnswerMatch { config: config.clone() }.matches(&Reading::of(Found::One(one)), &Reading::of(Found::One(other)))
}

/// The likeliest reading of an answer, written in one notation that reads back as the same.
pub fn canonical(text: &str) -> String {
    readings(&Found::One(text), true).first().map(print::answer).unwrap_or_default()
}

/// How the answer of a reference or of a response is read, under the usual options.
pub fn explain(text: &str, is_reference: bool) -> String {
    let found = if is_reference { extract::reference(text) } else { extract::response(text, Place::Auto) };
    readings(&found, false).iter().map(print::answer).collect::<Vec<_>>().join(" | ")
}

rewarden_plugin::export!(AnswerMatch: scorer);
