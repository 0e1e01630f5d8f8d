//! Reads the verdicts and makes a score of them.

use reading::{
    excerpt,
    json::{Found, Json},
    json_answer,
};
use rendering::steps::Steps;
use rewarden_plugin::{Completion, CountMismatch, ParseFailure, Scale, Score};

use crate::{
    config::{Config, Verdicts, folded},
    mean::{mean, points, weight},
    prompt::key,
};

/// One score for each response in shown order, and the answer that they come from.
pub(crate) fn scores(
    config: &Config,
    completion: &Completion,
    shown: u32,
    scale: &Scale,
) -> Result<(Vec<Score>, Found), ParseFailure> {
    let steps = Steps::of(scale).map_err(|_| {
        let why = "expected a scale with two scores, correct the pack's [scale]; found";
        ParseFailure::Unparsable(format!("{why} {} to {}", scale.min, scale.max))
    })?;
    let expected = "a JSON object with the verdicts on each response";
    let is_answer = |value: &Json| places(value).next().is_some();
    let found = json_answer(completion, expected, "\"response_", is_answer)?;
    let count = places(&found.value).count();
    if u32::try_from(count) != Ok(shown) {
        let found = u32::try_from(count).unwrap_or(u32::MAX);
        return Err(ParseFailure::WrongCount(CountMismatch { expected: shown, found }));
    }
    let scores: Result<Vec<_>, _> = (0..count)
        .map(|place| {
            let key = key(place);
            let Some(verdicts) = found.value.field(&key) else {
                return Err(ParseFailure::Unparsable(format!(
                    "expected the verdicts `{key}`, found none by that name"
                )));
            };
            score(config, &key, verdicts, &steps).map(Score::Value)
        })
        .collect();
    Ok((scores?, found))
}

/// The fields that look like the verdicts on a response.
fn places(value: &Json) -> impl Iterator<Item = &str> {
    let fields = match value {
        Json::Object(fields) => fields.as_slice(),
        _ => &[],
    };
    fields.iter().map(|(name, _)| name.as_str()).filter(|name| {
        name.strip_prefix("response_")
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

fn score(config: &Config, key: &str, verdicts: &Json, steps: &Steps) -> Result<f64, ParseFailure> {
    let Json::Object(fields) = verdicts else {
        let found = verdicts.kind();
        return Err(ParseFailure::Unparsable(format!("expected an object of verdicts in `{key}`, found {found}")));
    };
    let known = |name: &str| config.principles.iter().any(|principle| folded(&principle.name) == folded(name));
    if let Some((name, _)) = fields.iter().find(|(name, _)| !known(name)) {
        let name = excerpt(name);
        return Err(ParseFailure::Unparsable(format!(
            "expected verdicts on the principles in `{key}`, found `{name}`"
        )));
    }
    let mut weighted = Vec::with_capacity(config.principles.len());
    for principle in &config.principles {
        let name = &principle.name;
        let mut of_it = fields.iter().filter(|(field, _)| folded(field) == folded(name)).map(|(_, value)| value);
        let (Some(verdict), None) = (of_it.next(), of_it.next()) else {
            return Err(ParseFailure::Unparsable(format!(
                "expected one verdict on `{name}` in `{key}`, found {}",
                fields.iter().filter(|(field, _)| folded(field) == folded(name)).count()
            )));
        };
        let value = match config.verdicts {
            Verdicts::YesNo if yes(verdict, name, key)? => steps.max,
            Verdicts::YesNo => steps.min,
            Verdicts::Points => number(verdict, name, key, steps)?,
        };
        let (Some(weight), Some(points)) = (weight(principle.counts()), points(value)) else {
            return Err(ParseFailure::Unparsable(format!(
                "expected points of at most six decimals for `{name}` in `{key}`, found {value}"
            )));
        };
        weighted.push((weight, points));
    }
    Ok(mean(&weighted, steps))
}

fn yes(verdict: &Json, name: &str, key: &str) -> Result<bool, ParseFailure> {
    let word = match verdict {
        Json::Bool(yes) => return Ok(*yes),
        Json::String(text) => text.trim().to_ascii_lowercase(),
        other => other.kind().to_owned(),
    };
    match word.as_str() {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(ParseFailure::Unparsable(format!(
            "expected \"yes\" or \"no\" on `{name}` in `{key}`, found {}",
            excerpt(other)
        ))),
    }
}

fn number(verdict: &Json, name: &str, key: &str, steps: &Steps) -> Result<f64, ParseFailure> {
    let Json::Number(text) = verdict else {
        let found = verdict.kind();
        return Err(ParseFailure::Unparsable(format!("expected points for `{name}` in `{key}`, found {found}")));
    };
    let value = text.parse::<f64>().unwrap_or(f64::NAN);
    if !value.is_finite() {
        let text = excerpt(text);
        return Err(ParseFailure::NotFinite(format!("the points for `{name}` in `{key}` are `{text}`")));
    }
    if value < steps.min || value > steps.max || (steps.integer && value.fract() != 0.0) {
        let kind = if steps.integer { "a whole number" } else { "a number" };
        return Err(ParseFailure::OutOfScale(format!(
            "the points for `{name}` in `{key}` are {}, expected {kind} from {} to {}",
            excerpt(text),
            steps.min,
            steps.max
        )));
    }
    Ok(value)
}
