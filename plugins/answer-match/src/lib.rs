//! Scores whether the final answer of a response equals the reference: 1 if it does, 0 if not.
//!
//! The answer of a response is what its last `\boxed{}` holds; without a box, the last number in it, or the whole
//! response where that is nothing but the answer. A response without an answer does not match. The reference is read the
//! same way, from its box, from behind its last `####`, or as it stands.
//!
//! Two answers are equal when they are the same number, written as decimals (`1,234.50`), fractions (`3/4`, `\frac34`),
//! mixed numbers (`3\frac{1}{2}`) or percentages (`75\%` is 3/4), compared exactly and with no tolerance; when they are
//! lists in the same brackets with equal items; or when they are the same text once LaTeX that changes nothing
//! (`\left`, `\text{}`, spacing, `\dfrac`) is gone. Nothing is ever evaluated: `1+1` is not 2.

mod extract;
mod number;
mod plain;

use rewarden_plugin::{ConfigError, Plugin, Refusal, Score, Scorer, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use number::Number;

/// Options of the scorer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the answer of a response stands.
    pub answer: Place,
}

/// Where the answer of a response stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the last box, or where there is none, the last number or the whole response.
    BoxOrNumber,
    /// In the last box and nowhere else.
    Box,
}

impl Default for Config {
    fn default() -> Self {
        Config { answer: Place::BoxOrNumber }
    }
}

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
        Ok(AnswerMatch { config })
    }
}

impl Scorer for AnswerMatch {
    fn score(&self, task: &Task) -> Result<Vec<Score>, Refusal> {
        let reference = task.reference.as_deref().map(extract::reference).filter(|reference| !reference.is_empty());
        let Some(reference) = reference else {
            return Err(Refusal::UnsuitableTask(
                "expected a reference answer to compare with, found none: add `reference` to the task".to_owned(),
            ));
        };
        let scores = task.responses.iter().map(|response| if self.matches(response, reference) { 1.0 } else { 0.0 });
        Ok(scores.map(Score::Value).collect())
    }
}

impl AnswerMatch {
    fn matches(&self, response: &str, reference: &str) -> bool {
        if let Some(boxed) = extract::last_box(response) {
            // A box that is never closed was cut off: what would have stood in it is not known.
            return boxed.is_some_and(|answer| equal(answer, reference));
        }
        self.config.answer == Place::BoxOrNumber
            && (equal(response, reference)
                || extract::last_number(response).is_some_and(|number| is_number(reference, &number)))
    }
}

fn is_number(reference: &str, number: &Number) -> bool {
    Number::whole(&plain::plain(reference)).is_some_and(|reference| reference == *number)
}

/// Whether two answers are equal. An empty one equals nothing.
fn equal(answer: &str, reference: &str) -> bool {
    let (answer, reference) = (plain::plain(answer), plain::plain(reference));
    !answer.is_empty() && equal_plain(&answer, &reference, 0)
}

fn equal_plain(answer: &str, reference: &str, depth: u8) -> bool {
    if answer == reference {
        return true;
    }
    match (Number::whole(answer), Number::whole(reference)) {
        (Some(answer), Some(reference)) => return answer == reference,
        (None, None) => {}
        _ => return false,
    }
    let (ours, theirs) = (plain::items(answer), plain::items(reference));
    // Brackets within brackets end somewhere: a guest's stack is small.
    depth < 8
        && ours.len() > 1
        && ours.len() == theirs.len()
        && plain::brackets(answer) == plain::brackets(reference)
        && ours.iter().zip(&theirs).all(|(one, other)| equal_plain(one, other, depth + 1))
}

rewarden_plugin::export!(AnswerMatch: scorer);
