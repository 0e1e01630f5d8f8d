//! Puts the prompt together.

use rendering::{Escape, conversation, fill};
use rewarden_plugin::{Query, Refusal};
use serde_json::Value;

use crate::config::{Config, Form};

const ASK: &str = include_str!("../prompts/ask.txt");

/// The user's turn: what is the same for every query first, for backends with a prefix cache.
///
/// # Errors
/// When the query has no messages, or its metadata is no JSON object.
pub(crate) fn render(config: &Config, query: &Query) -> Result<String, Refusal> {
    if query.messages.is_empty() {
        return Err(Refusal::UnsuitableTask("expected a conversation to write principles for, found none".to_owned()));
    }
    let escape = Escape::default();
    let guidance = config.guidance.trim();
    let guidance = if guidance.is_empty() { String::new() } else { format!("\n\n{guidance}") };
    fill(
        ASK,
        &[
            ("instruction", config.instruction.trim()),
            ("how-many", &how_many(config)),
            ("weight-rule", weight_rule(config)),
            ("guidance", &guidance),
            ("conversation", &conversation(&query.messages, &escape)),
            ("known", &known(&query.metadata, &escape)?),
            ("form", &form(config)),
        ],
    )
}

fn how_many(config: &Config) -> String {
    match (config.least, config.most) {
        (1, 1) => "exactly 1 principle".to_owned(),
        (least, most) if least == most => format!("exactly {most} principles"),
        (least, most) => format!("{least} to {most} principles"),
    }
}

fn weight_rule(config: &Config) -> &'static str {
    if config.weights { ", a weight in percent (all weights together make 100)" } else { "" }
}

/// What the pack has been told to say of the task, a line a field, or nothing.
fn known(metadata: &str, escape: &Escape) -> Result<String, Refusal> {
    let fields: serde_json::Map<String, Value> = serde_json::from_str(metadata)
        .map_err(|error| Refusal::Other(format!("expected metadata as one JSON object: {error}")))?;
    if fields.is_empty() {
        return Ok(String::new());
    }
    let line = |(key, value): (&String, &Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // On a line of its own, whatever it holds.
        let text = format!("{key}: {value}").split_whitespace().collect::<Vec<_>>().join(" ");
        format!("- {}\n", escape.text(&text))
    };
    Ok(format!("\n#### Known of It ####\n{}", fields.iter().map(line).collect::<String>()))
}

/// The form that is asked for. What stands in brackets cannot be copied where the form is forced.
fn form(config: &Config) -> String {
    let weighted = config.weights;
    match config.form {
        Form::List => format!(
            "Write a numbered list and nothing else, each principle on a line of its own:\n1. [name]{}: [what a good \
             response does]",
            if weighted { " (Weight: [percent]%)" } else { "" }
        ),
        Form::Json => format!(
            "Write one JSON object of this form and nothing else:\n{{\"principles\": [{{\"name\": \"...\", {}\"text\": \
             \"...\"}}, ...]}}",
            if weighted { "\"weight\": 40, " } else { "" }
        ),
    }
}
