//! The text and the questions.

use criteria::{Criterion, folded, rubric};
use rendering::{Escape, block, conversation, named_responses, reference};
use rewarden_plugin::{AnswerForm, Choice, Prompt, Question, Refusal, Request, Task, YesNo};

use crate::Config;

/// The id of the one question about one response.
pub(crate) const GRADE: &str = "grade";

/// The id of the question about several responses.
pub(crate) const BEST: &str = "best";

pub(crate) fn prompt(config: &Config, request: &Request) -> Result<Prompt, Refusal> {
    let unsuitable = |message: &str| Err(Refusal::UnsuitableTask(message.to_owned()));
    if request.critique.is_some() {
        return unsuitable("expected a task for the judge, found a critique to be rated: decision is no meta template");
    }
    if !request.earlier.is_empty() {
        return unsuitable(
            "expected no earlier samples to show, since decision models take questions only: take another policy",
        );
    }
    let task = &request.task;
    if request.scale.integer {
        return Err(Refusal::Other(
            "an expected score is a fraction: set `integer = false` in the pack's [scale]".to_owned(),
        ));
    }
    match task.responses.as_slice() {
        [] => unsuitable("expected at least one response to judge, found none"),
        [_] => one(config, request),
        several if several.len() > 26 => unsuitable("expected at most 26 responses in one question, found more"),
        _ => Ok(Prompt::questions(state(task), vec![best(config, task)])),
    }
}

/// The conversation, the reference and the responses, each in its block.
fn state(task: &Task) -> String {
    let escape = Escape::default();
    let responses = match task.responses.as_slice() {
        [response] => block("Response", response, &escape),
        several => {
            named_responses(several, (0..several.len()).map(|place| format!("Response {}", letter(place))), &escape)
        }
    };
    format!(
        "#### Conversation Context ####\n{}\n\n{}#### To be Judged ####\n{responses}",
        conversation(&task.messages, &escape),
        reference(task.reference.as_deref(), &escape)
    )
}

fn one(config: &Config, request: &Request) -> Result<Prompt, Refusal> {
    let task = &request.task;
    let rubric = match rubric(&task.metadata) {
        Ok(rubric) => rubric,
        // Without a rubric the configuration asks; one that is there and wrong is not passed over.
        Err(_) if !has_rubric(&task.metadata) => Vec::new(),
        Err(refusal) => return Err(refusal),
    };
    if rubric.is_empty() {
        let form = match config.levels.as_slice() {
            [] => AnswerForm::YesNo(YesNo { yes: None, no: None }),
            levels => AnswerForm::Levels(levels.to_vec()),
        };
        let grade = Question { id: GRADE.to_owned(), instructions: Some(config.instructions.clone()), form };
        return Ok(Prompt::questions(state(task), vec![grade]));
    }
    let is_asked = |criterion: &Criterion| {
        request.asked.is_empty() || request.asked.iter().any(|asked| folded(asked) == folded(&criterion.id))
    };
    if let Some(taken) = rubric.iter().find(|criterion| [GRADE, BEST].contains(&criterion.id.as_str())) {
        return Err(Refusal::UnsuitableTask(format!(
            "metadata.rubric: the id `{}` has a meaning of its own here: give the criterion another",
            taken.id
        )));
    }
    let questions: Vec<Question> = rubric.into_iter().filter(is_asked).map(question).collect();
    if questions.is_empty() {
        return Err(Refusal::UnsuitableTask("the policy asks about criteria that the rubric does not have".to_owned()));
    }
    Ok(Prompt::questions(state(task), questions))
}

fn has_rubric(metadata: &str) -> bool {
    let metadata: Result<serde_json::Value, _> = serde_json::from_str(metadata);
    metadata.is_ok_and(|metadata| metadata.get("rubric").is_some_and(|rubric| !rubric.is_null()))
}

fn question(criterion: Criterion) -> Question {
    let form = if criterion.levels.is_empty() {
        AnswerForm::YesNo(YesNo { yes: None, no: None })
    } else {
        AnswerForm::Levels(criterion.levels)
    };
    Question { id: criterion.id, instructions: Some(format!("Does the response meet this? {}", criterion.text)), form }
}

fn best(config: &Config, task: &Task) -> Question {
    let option = |place| Choice { name: letter(place), text: Some(format!("Response {}", letter(place))) };
    Question {
        id: BEST.to_owned(),
        instructions: Some(config.choose.clone()),
        form: AnswerForm::Choice((0..task.responses.len()).map(option).collect()),
    }
}

/// `A` for the first.
pub(crate) fn letter(place: usize) -> String {
    char::from(b'A' + (place % 26) as u8).to_string()
}
