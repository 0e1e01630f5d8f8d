//! Finds the answer and reads its entries.

use reading::{excerpt, json::Json, json_answer};
use rewarden_plugin::{Completion, CountMismatch, ParseFailure, Scale, Score};

use crate::config::Config;

/// One score for each response in shown order, and how many bytes the answer takes in the text.
pub(crate) fn scores(
    config: &Config,
    completion: &Completion,
    shown: u32,
    scale: &Scale,
) -> Result<(Vec<Score>, usize), ParseFailure> {
    let expected = match (config.path.is_empty(), &config.key) {
        (true, key) => format!("a JSON array of scores, or a JSON object with fields like `{key}`"),
        (false, _) => format!("a JSON object with scores at `{}`", config.path),
    };
    let mark = config.steps().next().map_or_else(String::new, |name| format!("\"{name}\""));
    let is_answer = |value: &Json| match at_path(config, value) {
        Some(value) if config.path.is_empty() => matches!(value, Json::Array(_)) || fields_of(config, value) > 0,
        other => other.is_some(),
    };
    let found = json_answer(completion, &expected, &mark, is_answer)?;
    let entries = match at_path(config, &found.value) {
        Some(Json::Array(items)) => counted(items.iter().collect(), items.len(), shown)?,
        Some(value @ Json::Object(_)) => {
            let entries = (0..shown).map_while(|place| value.field(&config.name(place)?)).collect::<Vec<_>>();
            let count = fields_of(config, value);
            if u32::try_from(count) == Ok(shown) && entries.len() != count {
                let place = u32::try_from(entries.len()).unwrap_or(u32::MAX);
                return Err(ParseFailure::Unparsable(format!(
                    "expected a field `{}`, found {count} others like it",
                    config.name(place).unwrap_or_else(|| config.key.clone())
                )));
            }
            counted(entries, count, shown)?
        }
        other => {
            let found = other.map_or("nothing", Json::kind);
            let path = &config.path;
            return Err(ParseFailure::Unparsable(format!("expected an array or an object at `{path}`, found {found}")));
        }
    };
    let scores: Result<_, _> =
        entries.into_iter().zip(1..).map(|(entry, number)| score(config, entry, number, shown, scale)).collect();
    Ok((scores?, found.end - found.start))
}

fn at_path<'a>(config: &Config, value: &'a Json) -> Option<&'a Json> {
    config.steps().try_fold(value, |value, name| value.field(name))
}

/// How many fields are there for a response.
fn fields_of(config: &Config, value: &Json) -> usize {
    match value {
        Json::Object(fields) => fields.iter().filter(|(name, _)| config.names(name)).count(),
        _ => 0,
    }
}

fn counted(entries: Vec<&Json>, found: usize, shown: u32) -> Result<Vec<&Json>, ParseFailure> {
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    match found == shown {
        true => Ok(entries),
        false => Err(ParseFailure::WrongCount(CountMismatch { expected: shown, found })),
    }
}

fn score(config: &Config, entry: &Json, number: u32, shown: u32, scale: &Scale) -> Result<Score, ParseFailure> {
    let which = format!("score {number} of {shown}");
    let entry = match &config.field {
        None => entry,
        Some(field) => match entry.field(field) {
            Some(value) => value,
            None => {
                let found = entry.kind();
                return Err(ParseFailure::Unparsable(format!("expected a field `{field}` in {which}, found {found}")));
            }
        },
    };
    let text = match entry {
        Json::Number(text) => text,
        Json::Null => return Ok(Score::Abstain("the model wrote `null` instead of a score".to_owned())),
        other => {
            let found = other.kind();
            return Err(ParseFailure::Unparsable(format!("{which} is {found}, expected a number")));
        }
    };
    let value = text.parse::<f64>().unwrap_or(f64::NAN);
    if !value.is_finite() {
        let text = excerpt(text);
        return Err(ParseFailure::NotFinite(format!("{which} is `{text}`, expected a finite number")));
    }
    if scale.contains(value) {
        return Ok(Score::Value(value));
    }
    let kind = if scale.integer { "a whole number" } else { "a number" };
    let (text, min, max) = (excerpt(text), scale.min, scale.max);
    Err(ParseFailure::OutOfScale(format!("{which} is {text}, expected {kind} from {min} to {max}")))
}
