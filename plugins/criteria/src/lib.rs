//! The rubric of a task, as the field `rubric` of its metadata carries it: what templates ask about and policies weigh. A
//! library, not a plugin: it exports no interface.
//!
//! ```json
//! {"rubric": [
//!   {"id": "cites", "text": "Names the rule that applies.", "weight": 3, "required": true},
//!   {"id": "tone", "text": "Is civil.", "levels": ["rude", "neutral", "kind"]},
//!   {"id": "leaks", "text": "Repeats private data.", "weight": -5}
//! ]}
//! ```
//!
//! `text` may also be called `criterion` or `description`, and `weight` `points`; an entry without an `id` has its number,
//! from 1. A rubric of the pack's own (`[[rubric]]` in pack.toml) is the same thing: the host puts it into the metadata of
//! tasks that bring none.

use std::collections::BTreeSet;

use rewarden_plugin::{Refusal, Scale};
use serde::Deserialize;
use serde_json::Value;

/// The most criteria of a rubric.
const MOST: usize = 256;

/// The most levels of a criterion.
const MOST_LEVELS: usize = 10;

/// One thing that responses are judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Criterion {
    /// The name under which a verdict is given: 1 to 80 bytes on one line, without double quotes and backslashes. Case does
    /// not tell two apart.
    pub id: String,
    /// What it asks for.
    pub text: String,
    /// How much it counts, not 0. Below 0 the criterion is a fault: meeting it costs.
    pub weight: f64,
    /// What the levels stand for, from worst to best; empty, or 2 to 10.
    pub levels: Vec<String>,
    /// Whether a response that does not meet it is worth nothing.
    pub required: bool,
}

#[derive(Deserialize)]
struct Entry {
    id: Option<Value>,
    #[serde(alias = "criterion", alias = "description")]
    text: String,
    #[serde(alias = "points")]
    weight: Option<f64>,
    #[serde(default)]
    levels: Vec<String>,
    #[serde(default)]
    required: bool,
}

/// The rubric in a task's metadata.
///
/// # Errors
/// A refusal that says what is wrong with it, or that there is none.
pub fn rubric(metadata: &str) -> Result<Vec<Criterion>, Refusal> {
    let unsuitable = |message: String| Refusal::UnsuitableTask(format!("metadata.rubric: {message}"));
    let metadata: Value = serde_json::from_str(metadata).map_err(|error| unsuitable(error.to_string()))?;
    let entries = match metadata.get("rubric") {
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(unsuitable("expected a list of criteria, found something else".to_owned())),
        None => {
            return Err(unsuitable(
                "expected a list of criteria, found none: add `rubric` to the task, or [[rubric]] to the pack"
                    .to_owned(),
            ));
        }
    };
    if entries.is_empty() || entries.len() > MOST {
        return Err(unsuitable(format!("expected 1 to {MOST} criteria, found {}", entries.len())));
    }
    let criteria: Result<Vec<Criterion>, String> =
        (1..).zip(entries).map(|(number, entry)| criterion(number, entry)).collect();
    let criteria = criteria.map_err(unsuitable)?;
    let mut seen = BTreeSet::new();
    if let Some(twice) = criteria.iter().find(|criterion| !seen.insert(folded(&criterion.id))) {
        return Err(unsuitable(format!("expected each id once, found `{}` twice", twice.id)));
    }
    if criteria.iter().all(|criterion| criterion.weight < 0.0) {
        return Err(unsuitable(
            "expected at least one weight above 0, found none: no response could earn anything".to_owned(),
        ));
    }
    Ok(criteria)
}

fn criterion(number: usize, entry: &Value) -> Result<Criterion, String> {
    let at = |message: String| format!("entry {number}: {message}");
    let Entry { id, text, weight, levels, required } =
        Entry::deserialize(entry).map_err(|error| at(error.to_string()))?;
    let id = match id {
        None => number.to_string(),
        Some(Value::String(id)) => id,
        Some(Value::Number(id)) => id.to_string(),
        Some(other) => return Err(at(format!("expected a text or a number as `id`, found {other}"))),
    };
    if id.trim() != id || !(1..=80).contains(&id.len()) || id.contains(['"', '\\']) || id.contains(char::is_control) {
        return Err(at(format!("expected an `id` of 1 to 80 bytes without quotes and backslashes, found {id:?}")));
    }
    if text.trim().is_empty() {
        return Err(at(format!("expected a `text` for `{id}`, found none")));
    }
    let weight = weight.unwrap_or(1.0);
    if !(weight.is_finite() && weight != 0.0 && weight.abs() <= 1e6) {
        return Err(at(format!("expected a `weight` for `{id}` from -1000000 to 1000000 and not 0, found {weight}")));
    }
    if levels.len() == 1 || levels.len() > MOST_LEVELS || levels.iter().any(|level| level.trim().is_empty()) {
        return Err(at(format!("expected 2 to {MOST_LEVELS} `levels` for `{id}`, found {levels:?}")));
    }
    if required && weight < 0.0 {
        return Err(at(format!(
            "`{id}` is required and has a weight below 0: put its text so that meeting it is good"
        )));
    }
    Ok(Criterion { id, text, weight, levels, required })
}

/// An id as it is compared.
pub fn folded(id: &str) -> String {
    id.trim().to_lowercase()
}

impl Criterion {
    /// The scores of its levels, from worst to best: spread evenly over the scale.
    ///
    /// # Errors
    /// A refusal where they are no scores of a scale of whole numbers.
    pub fn level_scores(&self, scale: &Scale) -> Result<Vec<f64>, Refusal> {
        let last = self.levels.len().saturating_sub(1) as f64;
        let scores: Vec<f64> = (0..self.levels.len())
            .map(|level| {
                if level as f64 == last { scale.max } else { scale.min + (scale.max - scale.min) * level as f64 / last }
            })
            .collect();
        match scores.iter().find(|score| scale.integer && score.fract() != 0.0) {
            Some(score) => Err(Refusal::UnsuitableTask(format!(
                "metadata.rubric: `{}` has {} levels, one of which would be {score} on a scale of whole numbers from {} to {}: \
                 take a scale of fractions, such as 0 to 1",
                self.id,
                self.levels.len(),
                scale.min,
                scale.max
            ))),
            None => Ok(scores),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rubric_json: &str) -> Result<Vec<Criterion>, String> {
        rubric(&format!(r#"{{"rubric": {rubric_json}, "source": "x"}}"#)).map_err(|refusal| match refusal {
            Refusal::UnsuitableTask(why) => why,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn entries_may_be_terse_and_have_the_names_of_public_datasets() {
        let all = read(r#"[{"text": "a"}, {"id": 7, "criterion": "b", "points": -5, "tags": []}]"#).unwrap();
        let plain = Criterion { id: "1".into(), text: "a".into(), weight: 1.0, levels: vec![], required: false };
        assert_eq!(all, [plain.clone(), Criterion { id: "7".into(), text: "b".into(), weight: -5.0, ..plain }]);
    }

    #[test]
    fn what_cannot_be_weighed_or_told_apart_is_refused_by_its_entry() {
        for (json, why) in [
            ("[]", "expected 1 to 256 criteria, found 0"),
            ("3", "expected a list of criteria, found something else"),
            (r#"[{"id": "a"}]"#, "entry 1: missing field `text`"),
            (r#"[{"text": "x", "weight": 0}]"#, "entry 1: expected a `weight` for `1`"),
            (r#"[{"text": "x", "levels": ["only"]}]"#, "entry 1: expected 2 to 10 `levels`"),
            (r#"[{"id": "A", "text": "x"}, {"id": "a", "text": "y"}]"#, "expected each id once, found `a` twice"),
            (r#"[{"id": "a\"", "text": "x"}]"#, "entry 1: expected an `id`"),
            (r#"[{"text": "x", "weight": -1}]"#, "expected at least one weight above 0"),
            (r#"[{"text": "x"}, {"text": "y", "weight": -1, "required": true}]"#, "entry 2: `2` is required"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.starts_with(&format!("metadata.rubric: {why}")), "{json}: {error}");
        }
        assert!(matches!(rubric("{}"), Err(Refusal::UnsuitableTask(why)) if why.contains("found none")));
    }

    #[test]
    fn levels_are_spread_over_the_scale_or_refused_where_they_do_not_fit() {
        let graded = read(r#"[{"text": "x", "levels": ["bad", "fair", "good"]}]"#).unwrap().remove(0);
        let scale = |min, max, integer| Scale { min, max, integer };
        assert_eq!(graded.level_scores(&scale(0.0, 1.0, false)), Ok(vec![0.0, 0.5, 1.0]));
        assert_eq!(graded.level_scores(&scale(1.0, 5.0, true)), Ok(vec![1.0, 3.0, 5.0]));
        assert!(graded.level_scores(&scale(1.0, 10.0, true)).is_err());
    }
}
