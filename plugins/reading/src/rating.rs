//! Reads a rating: one number that the text marks as such, or that is the whole text.
//!
//! The rules, in order:
//! 1. A marked number is one that directly follows a marker (`Score: 7`). Markdown emphasis, quotes, spaces and opening
//!    brackets between the two are passed over; `7/10`, `7 out of 10` and `7 on a scale of 1 to 10` are 7 where 10 is the top
//!    of the scale, and `★★★★☆` and `4 stars` are 4 where 5 is. Of another top they are refused.
//! 2. For one response the last marked number counts, for several there has to be exactly one marked number each, in
//!    shown order.
//! 3. Where no number is marked, and `bare` allows it, the whole text has to be the number, or the numbers.
//! 4. The number has to lie on the scale. Nothing is clipped, rounded or guessed: `7-8`, `7 → 8`, `7 or 8` and `70%` fail.
//! 5. In a text that the token limit cut, what counts is what it begins or ends with: a form or a scale that is said again in the
//!    middle of it is no rating.

use rewarden_plugin::{Completion, CountMismatch, FinishReason, ParseFailure, Scale, Score};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    cut::counts,
    number::{Value, value},
    plain::{bounded, plain},
    quote::{end_of, excerpt},
};

/// How a rating is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What stands right before a rating, in any case. Markdown emphasis and double quotes are ignored.
    pub markers: Vec<String>,
    /// Whether a text that is nothing but the number is a rating.
    pub bare: bool,
}

impl Default for Config {
    fn default() -> Self {
        let markers = ["[RESULT]", "Score:", "Rating:", "[[", "\\boxed{"];
        Config { markers: markers.map(str::to_owned).to_vec(), bare: true }
    }
}

/// What may stand between a marker and its number, or around a bare one.
const OPENING: [char; 9] = [' ', '\n', '[', '(', '{', '$', '=', ':', '#'];

/// What may stand around bare numbers besides.
const CLOSING: [char; 8] = [']', ')', '}', '.', '!', ',', ';', '|'];

/// A number and where it stands in the plain text.
struct Found {
    value: Value,
    /// Where its marker begins.
    marker: usize,
    start: usize,
    end: usize,
}

impl Config {
    /// Whether there is anything to look for, and no marker is empty.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn check(&self) -> Result<(), String> {
        if let Some(marker) = self.markers.iter().find(|marker| plain(marker, true).trim().is_empty()) {
            return Err(format!("expected markers with a letter or sign in them, found `{marker}`"));
        }
        if self.markers.is_empty() && !self.bare {
            return Err("expected a marker, or `bare`: with neither, no text holds a rating".to_owned());
        }
        Ok(())
    }

    /// One score for each of the `shown` responses, in shown order.
    ///
    /// # Errors
    /// `Unparsable` when there is no rating or it cannot be told, `WrongCount` when there is not one for each response,
    /// `OutOfScale` and `NotFinite` when a number is not on the scale.
    pub fn read(&self, completion: &Completion, shown: u32, scale: &Scale) -> Result<Vec<Score>, ParseFailure> {
        let text = plain(&completion.text, true);
        let mut found = self.marked(&text);
        if found.is_empty() && self.bare {
            found = bare(&text).unwrap_or_default();
        } else if shown == 1 {
            // Earlier ones are drafts, or parts of the rating.
            found = found.into_iter().last().into_iter().collect();
        }
        let Some(last) = found.last() else { return Err(self.nothing_found(completion)) };
        let first = found.first().unwrap_or(last);
        if !counts(completion, &text, first.marker, last.end) {
            return Err(ParseFailure::Unparsable(format!(
                "expected a rating at the end of the text, found one in the middle of a text that was cut; {}",
                end_of(completion)
            )));
        }
        let at_the_end = text.get(last.end..).is_some_and(|rest| rest.trim_end().is_empty());
        if completion.finish == FinishReason::Length && at_the_end && could_go_on(&last.value, scale) {
            return Err(ParseFailure::Unparsable(format!(
                "expected a whole rating, found one that may be cut; {}",
                end_of(completion)
            )));
        }
        if let Some(Value::Other(text)) = found.iter().map(|found| &found.value).find(|value| value.is_other()) {
            return Err(ParseFailure::Unparsable(format!("expected plain numbers, found `{}`", excerpt(text))));
        }
        if u32::try_from(found.len()) != Ok(shown) {
            let found = u32::try_from(found.len()).unwrap_or(u32::MAX);
            return Err(ParseFailure::WrongCount(CountMismatch { expected: shown, found }));
        }
        found.into_iter().zip(1..).map(|(found, number)| score(found.value, number, shown, scale)).collect()
    }

    /// Every marked number, in the order of the text.
    fn marked(&self, text: &str) -> Vec<Found> {
        let mut all: Vec<Found> = Vec::new();
        for marker in &self.markers {
            let marker = plain(marker, true);
            let marker = marker.trim();
            if marker.is_empty() {
                continue;
            }
            for (at, _) in text.match_indices(marker) {
                let after = at + marker.len();
                if bounded(text, at, after)
                    && let Some(found) = found_at(text, at, after)
                {
                    all.push(found);
                }
            }
        }
        all.sort_by_key(|found| (found.start, found.marker));
        // `Rating: [[5]]` has two markers and one number.
        all.dedup_by_key(|found| found.start);
        all
    }

    fn nothing_found(&self, completion: &Completion) -> ParseFailure {
        let markers = self.markers.iter().map(|marker| format!("`{marker}`")).collect::<Vec<_>>().join(", ");
        let bare = match (self.bare, markers.is_empty()) {
            (true, true) => "as the whole text",
            (true, false) => ", or as the whole text",
            (false, _) => "",
        };
        let after = if markers.is_empty() { String::new() } else { format!("after one of {markers}") };
        ParseFailure::Unparsable(format!("expected a rating {after}{bare}, found none; {}", end_of(completion)))
    }
}

fn found_at(text: &str, marker: usize, at: usize) -> Option<Found> {
    let rest = text.get(at..)?;
    // More than a few of these stand there for something else; this also bounds the work of markers in a row.
    let skipped = rest.bytes().take(16).take_while(|byte| OPENING.contains(&char::from(*byte))).count();
    let start = at + skipped;
    let (value, length) = value(text.get(start..)?)?;
    Some(Found { value, marker, start, end: start + length })
}

/// All numbers of a text that is nothing but numbers.
fn bare(text: &str) -> Option<Vec<Found>> {
    let mut all = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        let trimmed = rest.trim_start_matches(|char| OPENING.contains(&char) || CLOSING.contains(&char));
        let start = text.len() - trimmed.len();
        if trimmed.is_empty() {
            return Some(all);
        }
        let (value, length) = value(trimmed)?;
        at = start + length;
        let other = value.is_other();
        all.push(Found { value, marker: start, start, end: at });
        if other {
            // Its end is not known, and it fails the whole text.
            return Some(all);
        }
    }
}

/// Whether a number at the end of a cut text could have had more digits and still be on the scale.
fn could_go_on(value: &Value, scale: &Scale) -> bool {
    match value {
        Value::Number(number) => !scale.integer || (number.abs() * 10.0 <= scale.max.abs().max(scale.min.abs())),
        _ => true,
    }
}

fn score(value: Value, number: u32, shown: u32, scale: &Scale) -> Result<Score, ParseFailure> {
    let which = if shown == 1 { "the rating".to_owned() } else { format!("rating {number} of {shown}") };
    let value = match value {
        Value::Number(value) => value,
        Value::Of(value, top) if top == scale.max => value,
        Value::Of(value, top) => {
            return Err(ParseFailure::Unparsable(format!(
                "expected a rating out of {} or a plain number, found `{value}/{top}`",
                scale.max
            )));
        }
        Value::NotFinite(text) => {
            return Err(ParseFailure::NotFinite(format!("{which} is `{text}`, expected a finite number")));
        }
        Value::None(text) => return Ok(Score::Abstain(format!("the model wrote `{text}` instead of a rating"))),
        Value::Other(text) => {
            return Err(ParseFailure::Unparsable(format!("{which} is `{text}`, expected a plain number")));
        }
    };
    if scale.contains(value) && value.is_finite() {
        return Ok(Score::Value(value));
    }
    let kind = if scale.integer { "a whole number" } else { "a number" };
    Err(ParseFailure::OutOfScale(format!("{which} is {value}, expected {kind} from {} to {}", scale.min, scale.max)))
}
