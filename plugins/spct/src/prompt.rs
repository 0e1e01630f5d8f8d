//! Puts the prompt together.

use rendering::{
    Escape, conversation, fill, reference, responses,
    steps::{Steps, written},
};
use rewarden_plugin::{Refusal, Scale, Task};

use crate::{Style, criteria};

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
    let escape = Escape::default();
    fill(
        text,
        &[
            ("kind", steps.kind()),
            ("min", &written(steps.min)),
            ("max", &written(steps.max)),
            ("anchors", &anchors(style, &steps)),
            ("criteria", &criteria),
            ("conversation", &conversation(&task.messages, &escape)),
            ("reference", &reference(task.reference.as_deref(), &escape)),
            ("responses", &responses(&task.responses, &escape)),
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
