//! Reads the verdicts and makes a score of them.

use criteria::folded;
use reading::{
    excerpt,
    json::{Found, Json},
    json_answer,
};
use rendering::steps::Steps;
use rewarden_plugin::{Completion, CountMismatch, CriterionScore, ParseFailure, Scale, Score};

use crate::{
    config::{Config, Verdicts as Form},
    mean::{mean, points, weight},
    prompt::key,
};

/// What a completion says.
pub(crate) struct Verdicts {
    /// One score for each response in shown order.
    pub(crate) scores: Vec<Score>,
    /// Every verdict, by response and in the order of the text.
    pub(crate) criteria: Vec<CriterionScore>,
    /// The answer that they come from.
    pub(crate) answer: Found,
}

/// Reads the verdicts on each response.
///
/// # Errors
/// Anything that is missing, unknown, there twice, or no verdict; with the task's own criteria only the last.
pub(crate) fn verdicts(
    config: &Config,
    completion: &Completion,
    shown: u32,
    scale: &Scale,
) -> Result<Verdicts, ParseFailure> {
    let steps = Steps::of(scale).map_err(|_| {
        let why = "expected a scale with two scores, correct the pack's [scale]; found";
        ParseFailure::Unparsable(format!("{why} {} to {}", scale.min, scale.max))
    })?;
    let expected = "a JSON object with the verdicts on each response";
    let is_answer = |value: &Json| places(value).next().is_some();
    let answer = json_answer(completion, expected, "\"response_", is_answer)?;
    let count = places(&answer.value).count();
    if u32::try_from(count) != Ok(shown) {
        let found = u32::try_from(count).unwrap_or(u32::MAX);
        return Err(ParseFailure::WrongCount(CountMismatch { expected: shown, found }));
    }
    let (mut scores, mut criteria) = (Vec::new(), Vec::new());
    for (place, response) in (0..count).zip(0_u32..) {
        let key = key(place);
        let Some(verdicts) = answer.value.field(&key) else {
            return Err(ParseFailure::Unparsable(format!("expected the verdicts `{key}`, found none by that name")));
        };
        let read = of_response(config, &key, verdicts, &steps)?;
        scores.push(if config.principles.is_empty() {
            left_to_the_policy()
        } else {
            weighed(config, &key, &read, &steps)?
        });
        criteria.extend(read.into_iter().map(|(name, score)| CriterionScore {
            criterion: name.trim().to_owned(),
            response,
            score,
            reason: None,
        }));
    }
    Ok(Verdicts { scores, criteria, answer })
}

fn left_to_the_policy() -> Score {
    Score::Abstain("judged by criterion: a policy such as rubric-vote weighs the verdicts".to_owned())
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

/// The verdicts on one response, in the order of the text.
fn of_response<'a>(
    config: &Config,
    key: &str,
    verdicts: &'a Json,
    steps: &Steps,
) -> Result<Vec<(&'a str, Score)>, ParseFailure> {
    let Json::Object(fields) = verdicts else {
        let found = verdicts.kind();
        return Err(ParseFailure::Unparsable(format!("expected an object of verdicts in `{key}`, found {found}")));
    };
    if let Some((name, _)) = fields.iter().find(|(name, _)| name.trim().is_empty()) {
        return Err(ParseFailure::Unparsable(format!("expected the name of a criterion in `{key}`, found {name:?}")));
    }
    fields.iter().map(|(name, verdict)| Ok((name.as_str(), score(config, verdict, name, key, steps)?))).collect()
}

/// The weighted mean of the verdicts under the configured principles, each of which has to be there once.
fn weighed(config: &Config, key: &str, read: &[(&str, Score)], steps: &Steps) -> Result<Score, ParseFailure> {
    let known = |name: &str| config.principles.iter().any(|principle| folded(&principle.name) == folded(name));
    if let Some((name, _)) = read.iter().find(|(name, _)| !known(name)) {
        let name = excerpt(name);
        return Err(ParseFailure::Unparsable(format!(
            "expected verdicts on the principles in `{key}`, found `{name}`"
        )));
    }
    let mut weighted = Vec::with_capacity(config.principles.len());
    for principle in &config.principles {
        let name = &principle.name;
        let mut of_it = read.iter().filter(|(field, _)| folded(field) == folded(name)).map(|(_, score)| score);
        let (Some(score), None) = (of_it.next(), of_it.next()) else {
            return Err(ParseFailure::Unparsable(format!(
                "expected one verdict on `{name}` in `{key}`, found {}",
                read.iter().filter(|(field, _)| folded(field) == folded(name)).count()
            )));
        };
        let Score::Value(value) = *score else { continue };
        let (Some(weight), Some(points)) = (weight(principle.counts()), points(value)) else {
            return Err(ParseFailure::Unparsable(format!(
                "expected points of at most six decimals for `{name}` in `{key}`, found {value}"
            )));
        };
        weighted.push((weight, points));
    }
    Ok(match weighted.is_empty() {
        true => Score::Abstain("no principle applies".to_owned()),
        false => Score::Value(mean(&weighted, steps)),
    })
}

/// One verdict. Under the task's own criteria it may be a word or a number, whichever the prompt asked for.
fn score(config: &Config, verdict: &Json, name: &str, key: &str, steps: &Steps) -> Result<Score, ParseFailure> {
    if config.not_applicable
        && matches!(verdict, Json::String(text) if matches!(text.trim().to_ascii_lowercase().as_str(), "n/a" | "na" | "not applicable"))
    {
        return Ok(Score::Abstain("n/a".to_owned()));
    }
    let of_task = config.principles.is_empty();
    let value = match (config.verdicts, verdict) {
        (Form::YesNo, Json::Number(_)) if of_task => number(verdict, name, key, steps)?,
        (Form::YesNo, _) if yes(verdict, name, key)? => steps.max,
        (Form::YesNo, _) => steps.min,
        (Form::Points, _) => number(verdict, name, key, steps)?,
    };
    Ok(Score::Value(value))
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
