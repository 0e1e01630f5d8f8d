//! Puts the prompt together.

use rendering::{
    Escape, conversation, fill, reference, responses,
    steps::{Steps, written},
};
use rewarden_plugin::{Constraint, Refusal, Scale, Task};
use serde_json::Value;

use crate::config::{Config, Verdicts};

const PROMPT: &str = include_str!("../prompts/rubric.txt");

/// The field of the answer with the verdicts on a response, by its place in shown order from 0.
pub(crate) fn key(place: usize) -> String {
    format!("response_{}", place + 1)
}

/// The user's turn: what is the same for every task first, for backends with a prefix cache.
///
/// # Errors
/// When the task has no responses or the scale no two scores.
pub(crate) fn render(config: &Config, task: &Task, scale: &Scale) -> Result<String, Refusal> {
    if task.responses.is_empty() {
        return Err(Refusal::UnsuitableTask("expected at least one response to judge, found none".to_owned()));
    }
    let steps = Steps::of(scale)?;
    let markers: Vec<String> = (0..task.responses.len()).map(|place| format!("\"{}\":", key(place))).collect();
    let escape = Escape::with(markers.iter().map(String::as_str)).map_err(Refusal::Other)?;
    fill(
        PROMPT,
        &[
            ("principles", &principles(config)),
            ("verdicts", &verdicts(config, &steps)),
            ("conversation", &conversation(&task.messages, &escape)),
            ("reference", &reference(task.reference.as_deref(), &escape)),
            ("responses", &responses(&task.responses, &escape)),
            ("format", &format(config, task.responses.len(), &steps)),
        ],
    )
}

/// The list. Weights are the parser's business and are not shown: they say nothing about a verdict.
fn principles(config: &Config) -> String {
    let mut lines = Vec::new();
    for (number, principle) in (1..).zip(&config.principles) {
        lines.push(format!("{number}. {}: {}", principle.name, principle.description.trim()));
        lines.extend(principle.bands.iter().map(|band| format!("   - {band}")));
    }
    lines.join("\n")
}

fn verdicts(config: &Config, steps: &Steps) -> String {
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

fn format(config: &Config, shown: usize, steps: &Steps) -> String {
    let names: Vec<String> =
        config.principles.iter().map(|principle| format!("{}: ...", Value::from(principle.name.as_str()))).collect();
    let verdicts = format!("{{{}}}", names.join(", "));
    let responses: Vec<String> = (0..shown).map(|place| format!("\"{}\": {verdicts}", key(place))).collect();
    let (analysis, where_from) = match config.analysis {
        true => ("\"analysis\": \"...\", ", "In `analysis`, weigh each response by each principle in a few words. "),
        false => ("", ""),
    };
    let what = match config.verdicts {
        Verdicts::YesNo => "\"yes\" or \"no\"".to_owned(),
        Verdicts::Points => {
            let one = if steps.integer { "a whole number" } else { "a number" };
            format!("{one} from {} to {}", written(steps.min), written(steps.max))
        }
    };
    format!(
        "Write one JSON object of this form and nothing else. {where_from}After the name of each principle write {what}.\n\
         {{{analysis}{}}}",
        responses.join(", ")
    )
}

/// A JSON schema of the answer. Its text keeps the order of the fields, which is the order in which they are written.
pub(crate) fn constraint(config: &Config, shown: usize, steps: &Steps) -> Constraint {
    let verdict = match config.verdicts {
        Verdicts::YesNo => r#"{"enum": ["yes", "no"]}"#.to_owned(),
        Verdicts::Points => {
            let kind = if steps.integer { "integer" } else { "number" };
            format!(r#"{{"type": "{kind}", "minimum": {}, "maximum": {}}}"#, steps.min, steps.max)
        }
    };
    let principles: Vec<(String, String)> =
        config.principles.iter().map(|principle| (principle.name.clone(), verdict.clone())).collect();
    let verdicts = object(&principles);
    let mut fields = Vec::new();
    if config.analysis {
        let analysis = format!(r#"{{"type": "string", "minLength": 1, "maxLength": {}}}"#, config.constrain_chars);
        fields.push(("analysis".to_owned(), analysis));
    }
    fields.extend((0..shown).map(|place| (key(place), verdicts.clone())));
    Constraint::JsonSchema(object(&fields))
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
