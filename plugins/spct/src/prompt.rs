//! Puts the prompt together.

use rendering::{
    Escape, conversation, earlier, fill, reference, responses,
    steps::{Steps, written},
};
use rewarden_plugin::{Refusal, Request, Scale};

use crate::{Style, criteria, given};

const FULL: &str = include_str!("../prompts/full.txt");
const COMPACT: &str = include_str!("../prompts/compact.txt");

/// The second step of the full prompt, where the model sets up criteria and where they are given.
const OWN_BASIS: &str = "2. Take the general criteria listed under Evaluation Criteria as a basis. Add the specific \
    criteria that matter for this query, and give each of them a weight in percent; the weights add up to 100%.";
const GIVEN_BASIS: &str = "2. Judge by the criteria listed under Evaluation Criteria, which were set up for this query \
    before anyone saw a response. Add none and leave none out; a weight says how much a criterion counts beside the others.";

/// What comes before the analysis in the output.
const OWN_PARTS: &str = "Write exactly three parts, in this order, each beginning with its heading:\n\
    Specific Criteria: the criteria for this query, each with its weight and what it asks for.\n";
const GIVEN_PARTS: &str = "Write exactly two parts, in this order, each beginning with its heading:\n";
const OWN_PARTS_COMPACT: &str = "Specific Criteria: what matters most for this query, with weights.\n";

/// The user's turn of the prompt: instruction and criteria first, since they are the same for every task of a pack
/// and a backend with a prefix cache computes them once; then the task, then the output format. With principles, those
/// are the criteria, and the model is not asked for any.
///
/// # Errors
/// When the task has no responses or the scale no two scores.
pub(crate) fn render(style: Style, request: &Request, scale: &Scale) -> Result<String, Refusal> {
    let Request { task, principles, .. } = request;
    if task.responses.is_empty() {
        return Err(Refusal::UnsuitableTask("expected at least one response to score, found none".to_owned()));
    }
    let steps = Steps::of(scale)?;
    let escape = Escape::default();
    let (own, basis) = (principles.is_empty(), if principles.is_empty() { OWN_BASIS } else { GIVEN_BASIS });
    let (text, criteria, parts) = match style {
        Style::Full if own => (FULL, criteria::with_bands(&steps), OWN_PARTS),
        Style::Full => (FULL, given::lines(principles, &escape), GIVEN_PARTS),
        Style::Compact if own => (COMPACT, criteria::IN_SHORT.to_owned(), OWN_PARTS_COMPACT),
        Style::Compact => (COMPACT, given::lines(principles, &escape), ""),
    };
    fill(
        text,
        &[
            ("kind", steps.kind()),
            ("min", &written(steps.min)),
            ("max", &written(steps.max)),
            ("anchors", &anchors(style, &steps)),
            ("basis", basis),
            ("criteria", &criteria),
            ("parts", parts),
            ("conversation", &conversation(&task.messages, &escape)),
            ("reference", &reference(task.reference.as_deref(), &escape)),
            ("responses", &responses(&task.responses, &escape)),
            ("earlier", &earlier(&request.earlier, |place| format!("Response {}", place + 1), &escape)),
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
