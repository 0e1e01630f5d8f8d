//! Puts the prompt together.

use rewarden_plugin::{Message, Refusal, Role, Scale, Task};

use crate::{
    Style, criteria,
    escape::escape,
    slots,
    steps::{Steps, written},
};

const FULL: &str = include_str!("../prompts/full.txt");
const COMPACT: &str = include_str!("../prompts/compact.txt");

/// The user's turn of the prompt: instruction and criteria first, since they are the same for every task of a pack
/// and a backend with a prefix cache computes them once; then the task, then the output format.
///
/// # Errors
/// When the task has no responses or the scale no two scores.
pub(crate) fn render(style: Style, task: &Task, scale: &Scale) -> Result<String, Refusal> {
    if task.responses.is_empty() {
        return Err(Refusal::UnsuitableTask("expected at least one response to score, found none".to_owned()));
    }
    let steps = Steps::of(scale)?;
    let (text, criteria) = match style {
        Style::Full => (FULL, criteria::with_bands(&steps)),
        Style::Compact => (COMPACT, String::new()),
    };
    slots::fill(
        text,
        &[
            ("kind", steps.kind()),
            ("min", &written(steps.min)),
            ("max", &written(steps.max)),
            ("anchors", &anchors(style, &steps)),
            ("criteria", &criteria),
            ("conversation", &conversation(&task.messages)),
            ("reference", &reference(task.reference.as_deref())),
            ("responses", &responses(&task.responses)),
            ("box", &vec!["x"; task.responses.len()].join(", ")),
        ],
    )
}

/// What the ends of the scale mean, and where sufficient responses begin.
fn anchors(style: Style, steps: &Steps) -> String {
    let (min, max) = (written(steps.min), written(steps.max));
    let sufficient = steps.sufficient().map(written);
    match (style, sufficient) {
        (Style::Compact, _) => format!("{min} is useless, {max} is excellent."),
        (Style::Full, None) => {
            format!("{min}: the response fails the person who asked. {max}: the response serves that person well.")
        }
        (Style::Full, Some(sufficient)) => format!(
            "{min}: the response fails the person who asked in every way that counts. {sufficient}: it is just about \
             sufficient, with clear room for improvement. {max}: it is correct, complete and hard to better."
        ),
    }
}

/// A single turn as it is; several with a label each.
fn conversation(messages: &[Message]) -> String {
    if let [Message { role: Role::User, content }] = messages {
        return escape(content);
    }
    let turn = |message: &Message| {
        let label = match message.role {
            Role::System => "[System]",
            Role::User => "[User]",
            Role::Assistant => "[Assistant]",
        };
        format!("{label}\n{}", escape(&message.content))
    };
    messages.iter().map(turn).collect::<Vec<_>>().join("\n\n")
}

/// A section with the blank line after it, or nothing.
fn reference(reference: Option<&str>) -> String {
    reference.map_or_else(String::new, |reference| {
        format!(
            "#### Reference Answer ####\nThis answer is known to be correct. Check the responses against it; they need \
             not be worded like it.\n[The Begin of Reference]\n{}\n[The End of Reference]\n\n",
            escape(reference)
        )
    })
}

fn responses(responses: &[String]) -> String {
    let block = |(number, response): (u32, &String)| {
        format!("[The Begin of Response {number}]\n{}\n[The End of Response {number}]", escape(response))
    };
    (1..).zip(responses).map(block).collect::<Vec<_>>().join("\n\n")
}
