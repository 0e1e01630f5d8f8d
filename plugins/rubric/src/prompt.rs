//! Puts the prompt together.

use rendering::{
    Escape, conversation, earlier, fill, reference, responses,
    steps::{Steps, written},
};
use rewarden_plugin::{Constraint, Refusal, Request};
use serde_json::Value;

use crate::config::{Config, Verdicts};
use crate::listed::{Listed, Verdict};

const PROMPT: &str = include_str!("../prompts/rubric.txt");

/// The field of the answer with the verdicts on a response, by its place in shown order from 0.
pub(crate) fn key(place: usize) -> String {
    format!("response_{}", place + 1)
}

/// The user's turn: what is the same for every task first, for backends with a prefix cache.
///
/// # Errors
/// When the task has no responses or the scale no two scores.
pub(crate) fn render(config: &Config, listed: &[Listed], request: &Request, steps: &Steps) -> Result<String, Refusal> {
    let task = &request.task;
    if task.responses.is_empty() {
        return Err(Refusal::UnsuitableTask("expected at least one response to judge, found none".to_owned()));
    }
    let markers: Vec<String> = (0..task.responses.len()).map(|place| format!("\"{}\":", key(place))).collect();
    let escape = Escape::with(markers.iter().map(String::as_str)).map_err(Refusal::Other)?;
    fill(
        PROMPT,
        &[
            ("principles", &principles(listed, &escape)),
            ("verdicts", &verdicts(config, listed, steps)),
            ("conversation", &conversation(&task.messages, &escape)),
            ("reference", &reference(task.reference.as_deref(), &escape)),
            ("responses", &responses(&task.responses, &escape)),
            ("earlier", &earlier(&request.earlier, |place| format!("Response {}", place + 1), &escape)),
            ("format", &format(config, listed, task.responses.len(), steps)),
        ],
    )
}

/// The list. Weights are the parser's business and are not shown: they say nothing about a verdict.
fn principles(listed: &[Listed], escape: &Escape) -> String {
    // The rubric of a task is a stranger's text: on one line each, so that it adds no entry of its own.
    let line = |text: &str| escape.text(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut lines = Vec::new();
    for (number, entry) in (1..).zip(listed) {
        lines.push(format!("{number}. {}: {}", entry.name, line(&entry.text)));
        lines.extend(entry.bands.iter().map(|band| format!("   - {}", line(band))));
    }
    lines.join("\n")
}

fn verdicts(config: &Config, listed: &[Listed], steps: &Steps) -> String {
    let mut text = forms(config, steps);
    if listed.iter().any(|entry| matches!(entry.verdict, Verdict::Levels(_))) {
        text.push_str(
            " Where levels with numbers stand below a principle, give the number of the level that fits instead.",
        );
    }
    if config.not_applicable {
        text.push_str(" If a principle does not apply to a response at all, say \"n/a\" of it.");
    }
    text
}

fn forms(config: &Config, steps: &Steps) -> String {
    match config.verdicts {
        Verdicts::YesNo => {
            "For each response, say of each principle whether the response meets it: \"yes\" if it does, \"no\" if it \
             does not, or only in part."
                .to_owned()
        }
        Verdicts::Points => format!(
            "For each response, give points under each principle, {} from {min} to {max}: {min} if the response fails \
             it altogether, {max} if it could not meet it better. Use the whole range.",
            steps.kind(),
            min = written(steps.min),
            max = written(steps.max),
        ),
    }
}

fn format(config: &Config, listed: &[Listed], shown: usize, steps: &Steps) -> String {
    let names: Vec<String> = listed.iter().map(|entry| format!("{}: ...", Value::from(entry.name.as_str()))).collect();
    let verdicts = format!("{{{}}}", names.join(", "));
    let responses: Vec<String> = (0..shown).map(|place| format!("\"{}\": {verdicts}", key(place))).collect();
    let (analysis, where_from) = match config.analysis {
        true => ("\"analysis\": \"...\", ", "In `analysis`, weigh each response by each principle in a few words. "),
        false => ("", ""),
    };
    let mut what = match config.verdicts {
        Verdicts::YesNo => "\"yes\" or \"no\"".to_owned(),
        Verdicts::Points => {
            let one = if steps.integer { "a whole number" } else { "a number" };
            format!("{one} from {} to {}", written(steps.min), written(steps.max))
        }
    };
    if listed.iter().any(|entry| matches!(entry.verdict, Verdict::Levels(_))) {
        what.push_str(", or the number of its level");
    }
    if config.not_applicable {
        what.push_str(", or \"n/a\"");
    }
    format!(
        "Write one JSON object of this form and nothing else. {where_from}After the name of each principle write {what}.\n\
         {{{analysis}{}}}",
        responses.join(", ")
    )
}

/// A JSON schema of the answer. Its text keeps the order of the fields, which is the order in which they are written.
pub(crate) fn constraint(config: &Config, listed: &[Listed], shown: usize, steps: &Steps) -> Constraint {
    let verdict = |entry: &Listed| {
        let (mut words, number) = match &entry.verdict {
            Verdict::YesNo => (vec![Value::from("yes"), Value::from("no")], None),
            Verdict::Levels(levels) => (levels.iter().map(|level| number(*level)).collect(), None),
            Verdict::Points => {
                let kind = if steps.integer { "integer" } else { "number" };
                let range = format!(r#"{{"type": "{kind}", "minimum": {}, "maximum": {}}}"#, steps.min, steps.max);
                (Vec::new(), Some(range))
            }
        };
        if config.not_applicable {
            words.push(Value::from("n/a"));
        }
        let one_of = format!(r#"{{"enum": [{}]}}"#, words.iter().map(Value::to_string).collect::<Vec<_>>().join(", "));
        match number {
            Some(range) if words.is_empty() => range,
            Some(range) => format!(r#"{{"anyOf": [{range}, {one_of}]}}"#),
            None => one_of,
        }
    };
    let principles: Vec<(String, String)> = listed.iter().map(|entry| (entry.name.clone(), verdict(entry))).collect();
    let verdicts = object(&principles);
    let mut fields = Vec::new();
    if config.analysis {
        let analysis = format!(r#"{{"type": "string", "minLength": 1, "maxLength": {}}}"#, config.constrain_chars);
        fields.push(("analysis".to_owned(), analysis));
    }
    fields.extend((0..shown).map(|place| (key(place), verdicts.clone())));
    Constraint::JsonSchema(object(&fields))
}

/// A number as people write it: 1 and not 1.0.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e9 { Value::from(value as i64) } else { Value::from(value) }
}

/// The schema of an object with these fields and no others.
fn object(fields: &[(String, String)]) -> String {
    let quoted = |name: &String| Value::from(name.as_str()).to_string();
    let names: Vec<String> = fields.iter().map(|(name, _)| quoted(name)).collect();
    let properties: Vec<String> = fields.iter().map(|(name, schema)| format!("{}: {schema}", quoted(name))).collect();
    format!(
        r#"{{"type": "object", "properties": {{{}}}, "required": [{}], "additionalProperties": false}}"#,
        properties.join(", "),
        names.join(", ")
    )
}
