//! The patterns that force the form of the answer.

use rewarden_plugin::Constraint;

use crate::config::{Config, Form};

/// Characters of a forced name. Enough for a few words.
const NAME: u32 = 40;

/// Into how many parts the alphabet is divided: A, F, K …; B, G, L …; C, H, M, R, W; and two more.
const INITIALS: u32 = 5;

/// A constraint for `least` to `most` principles.
pub(crate) fn constraint(config: &Config) -> Constraint {
    match config.form {
        Form::List => Constraint::Regex(list(config)),
        Form::Json => Constraint::JsonSchema(object(config)),
    }
}

/// The numbered lines; neither a name nor a text begins with a bracket, as those of the prompt's own example do. Those beyond `least` are optional, each only after the one before it.
fn list(config: &Config) -> String {
    let Config { least, most, constrain_chars: chars, weights, .. } = *config;
    let weight = if weights { r" \(Weight: (?:100|[1-9][0-9]?)%\)" } else { "" };
    let line = |number: u32| {
        let (initial, text) = (initial(number), chars - 1);
        format!(r"{number}\. {initial}[^\n\\:()\[\]]{{1,{NAME}}}{weight}: [^\s\\\[][^\n\\]{{9,{text}}}")
    };
    let mut pattern = (1..=least).map(line).collect::<Vec<_>>().join(r"\n");
    for number in least + 1..=most {
        pattern.push_str(&format!(r"(?:\n{}", line(number)));
    }
    pattern.push_str(&")?".repeat(most.saturating_sub(least) as usize));
    pattern
}

/// The first sign of a name. Of the ASCII letters every line has others than the [`INITIALS`] - 1 before it, since small models go in
/// circles: of eight queries of the demo SmolLM2-135M gave six a list that names one thing three times. Other scripts have any letter.
fn initial(number: u32) -> String {
    let others = (b'A'..=b'Z').zip(0..).filter(|(_, place)| place % INITIALS != (number - 1) % INITIALS);
    let others: String = others.map(|(letter, _)| char::from(letter)).collect();
    format!(r"[^\s!-@\[-`{{-~{others}{}]", others.to_lowercase())
}

/// Its text keeps the order of the fields, which is the order in which they are written.
fn object(config: &Config) -> String {
    let Config { least, most, constrain_chars: chars, weights, .. } = *config;
    let (weight, required) = match weights {
        true => (r#""weight": {"type": "integer", "minimum": 1, "maximum": 100}, "#, r#""name", "weight", "text""#),
        false => ("", r#""name", "text""#),
    };
    format!(
        r#"{{"type": "object", "properties": {{"principles": {{"type": "array", "minItems": {least}, "maxItems": {most}, "items": {{"type": "object", "properties": {{"name": {{"type": "string", "minLength": 2, "maxLength": {NAME}}}, {weight}"text": {{"type": "string", "minLength": 10, "maxLength": {chars}}}}}, "required": [{required}], "additionalProperties": false}}}}}}, "required": ["principles"], "additionalProperties": false}}"#
    )
}
