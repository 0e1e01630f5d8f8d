//! Laws of templates.

use std::sync::Arc;

use rand::Rng;
use rewarden_runtime::Interface;
use rewarden_types::{Message, Principle, RenderRequest, Role, TaskView};

use super::Checked;
use super::made_up::MadeUp;
use super::quote;
use super::tally::{CheckTally, Report};
use crate::subject::{Subject, TestedPart};
use crate::values;

/// Most responses of a made-up task.
const MOST: usize = 4;

/// Lines at the end of a prompt, where the form of the answer is said.
const LEARNT: usize = 24;

/// Words around a response by which it is found in a prompt: letters alone, which no template has a reason to change.
fn marks(index: usize) -> (String, String) {
    let letter = char::from(b'a' + u8::try_from(index).unwrap_or(25).min(25));
    (format!("qalorvex{letter}"), format!("qumendar{letter}"))
}

/// `text` between the marks of a response.
pub(super) fn marked(index: usize, text: &str) -> String {
    let (open, close) = marks(index);
    format!("{open} {text} {close}")
}

/// What the prompt shows between the marks of a response.
pub(super) fn shown(prompt: &str, index: usize) -> Option<&str> {
    let (open, close) = marks(index);
    prompt.get(prompt.find(&open)? + open.len()..prompt.rfind(&close)?)
}

/// The prompt of a task; `Err` says how the call failed.
pub(super) fn render(
    part: &TestedPart,
    config: &str,
    task: TaskView,
    critique: &str,
    report: &mut Report,
) -> Result<Option<String>, String> {
    render_under(part, config, task, critique, Vec::new(), report)
}

/// The prompt of a task whose query has these principles.
fn render_under(
    part: &TestedPart,
    config: &str,
    task: TaskView,
    critique: &str,
    principles: Vec<Principle>,
    report: &mut Report,
) -> Result<Option<String>, String> {
    let critique = part.is_meta.then(|| critique.to_owned());
    let request = RenderRequest { critique, principles, ..RenderRequest::new(task, part.scale) };
    let rendered = report.value(part.plugin.render(config, &request))?;
    Ok(rendered.ok().map(|prompt| values::prompt_text(&prompt)))
}

/// A rubric of plain words.
const RUBRIC: &str = r#"{"rubric": [{"id": "first", "text": "It says so.", "weight": 2}, {"id": "second", "text": "How it sounds.", "levels": ["dull", "fine"]}]}"#;

/// A task of plain words, with these responses.
pub(super) fn plain_task(made_up: &mut MadeUp, responses: Vec<String>) -> TaskView {
    TaskView {
        messages: vec![Message { role: Role::User, content: made_up.words() }].into(),
        responses: responses.into_iter().map(Arc::from).collect(),
        reference: None,
        // Templates that need no rubric do not look at it.
        metadata: RUBRIC.into(),
    }
}

/// Numbers of responses that the template takes.
pub(super) fn counts(part: &TestedPart, config: &str, made_up: &mut MadeUp, report: &mut Report) -> Vec<usize> {
    (1..=MOST)
        .filter(|count| {
            let task = plain_task(made_up, (0..*count).map(|index| marked(index, "words")).collect());
            matches!(render(part, config, task, "words", report), Ok(Some(_)))
        })
        .collect()
}

/// Makes the lines of the prompt that a parser's completions answer part of made-up texts: a model repeats them.
pub(super) fn learn_words(subject: &Subject, parser: &TestedPart, made_up: &mut MadeUp) {
    let mut templates = subject.parts_of(Interface::Template);
    let Some(asking) = templates.find(|part| part.is_meta == parser.is_meta) else { return };
    let task = plain_task(made_up, vec![marked(0, "words"), marked(1, "words")]);
    let config = asking.config_text(&serde_json::Map::new());
    if let Ok(Some(prompt)) = render(asking, &config, task, "words", &mut Report::default()) {
        prompt.lines().rev().take(LEARNT).for_each(|line| made_up.learn(line));
    }
}

pub(super) fn check(checked: &Checked, made_up: &mut MadeUp, report: &mut Report) {
    let (part, config) = (checked.part, checked.config.as_str());
    let counts = counts(part, config, made_up, report);
    if counts.is_empty() {
        report.remark(format!("it refused tasks of 1 to {MOST} responses, so only that it runs was tried"));
    } else if counts.len() < MOST {
        report.remark(format!("it takes tasks of {counts:?} of 1 to {MOST} responses"));
    }
    let frame = counts.iter().find(|count| **count >= 2).map(|count| Framed::new(checked, *count, made_up, report));
    if let Some(Framed { frame: Some(frame), .. }) = &frame {
        frame.between.iter().chain(&frame.lines).for_each(|delimiter| made_up.learn(delimiter));
    }
    runs(checked, made_up, report);
    shows(checked, &counts, made_up, report);
    differs(checked, &counts, made_up, report);
    let given = checked.subject.parts_of(Interface::Principles).next().is_some() && !part.is_meta;
    if given {
        shows_principles(checked, &counts, made_up, report);
    }
    match frame {
        Some(Framed { base, frame: Some(frame) }) => forges(checked, &base, &frame, given, report),
        Some(_) => report.remark("its prompts do not show responses one after the other, so delimiters were not tried"),
        None => {}
    }
}

fn runs(checked: &Checked, made_up: &mut MadeUp, report: &mut Report) {
    let mut law = CheckTally::law("never traps or runs over a limit");
    for number in 0..checked.cases {
        if law.is_settled() {
            break;
        }
        let responses = made_up.random.random_range(1..=MOST);
        let (mut task, critique) = (made_up.task(responses), made_up.text());
        if let Some(first) = Arc::make_mut(&mut task.responses).first_mut() {
            *first = made_up.text_of_case(number).into();
        }
        let rendered = render(checked.part, &checked.config, task.clone(), &critique, report);
        law.case(rendered.map(|_| ()).map_err(|error| format!("{error}\non {}", quote::task(&task))));
    }
    report.add(law);
}

fn shows(checked: &Checked, counts: &[usize], made_up: &mut MadeUp, report: &mut Report) {
    let mut law = CheckTally::law("shows every response");
    for (_, &count) in (0..checked.cases).zip(counts.iter().cycle()) {
        let responses: Vec<String> = (0..count).map(|index| marked(index, &made_up.words())).collect();
        let task = plain_task(made_up, responses.clone());
        if let Ok(Some(prompt)) = render(checked.part, &checked.config, task, "words", report) {
            let missing = responses.iter().find(|response| !prompt.contains(response.as_str()));
            law.case(
                missing.map_or(Ok(()), |text| Err(format!("the response {text:?} is not in the prompt\n{prompt}"))),
            );
        }
    }
    report.add(law);
}

/// In a pack that has principles written beforehand, a template that left them out would make them worthless.
fn shows_principles(checked: &Checked, counts: &[usize], made_up: &mut MadeUp, report: &mut Report) {
    let mut law = CheckTally::law("shows every principle that it is given");
    for (_, &count) in (0..checked.cases).zip(counts.iter().cycle()) {
        let task = plain_task(made_up, (0..count).map(|index| marked(index, "words")).collect());
        let given: Vec<Principle> = (0..made_up.random.random_range(1..=8))
            .map(|number| Principle {
                name: format!("P{number} {}", made_up.words()),
                weight: Some(f64::from(number) + 1.0),
                text: made_up.words(),
            })
            .collect();
        let rendered = render_under(checked.part, &checked.config, task, "words", given.clone(), report);
        if let Ok(Some(prompt)) = rendered {
            let shown = |principle: &&Principle| prompt.contains(&principle.name) && prompt.contains(&principle.text);
            let missing = given.iter().find(|principle| !shown(principle));
            law.case(missing.map_or(Ok(()), |missing| Err(format!("{missing:?} is not in the prompt\n{prompt}"))));
        }
    }
    report.add(law);
}

/// What a prompt shows says which response it was.
fn differs(checked: &Checked, counts: &[usize], made_up: &mut MadeUp, report: &mut Report) {
    let mut law = CheckTally::law("a changed response gives another prompt");
    let mut note = CheckTally::note("a response that looks as another one does in its prompt gives another prompt");
    for (_, &count) in (0..checked.cases).zip(counts.iter().cycle()) {
        if law.is_settled() {
            break;
        }
        let index = made_up.random.random_range(0..count);
        let task = plain_task(made_up, (0..count).map(|index| marked(index, "words")).collect());
        let mut with = |text: &str| {
            let mut task = task.clone();
            if let Some(response) = Arc::make_mut(&mut task.responses).get_mut(index) {
                *response = marked(index, text).into();
            }
            render(checked.part, &checked.config, task, "words", report).ok().flatten()
        };
        let first = made_up.text();
        let Some(prompt) = with(&first) else { continue };
        let mut tried = |second: &str, tally: &mut CheckTally| {
            if let Some(other) = with(second).filter(|_| second != first) {
                let why = || {
                    let (first, second) = (quote::quoted(&first), quote::quoted(second));
                    format!("the responses\n{first}\nand\n{second}\nboth give the prompt\n{other}")
                };
                tally.case(if other == prompt { Err(why()) } else { Ok(()) });
            }
        };
        let (word, at) = (made_up.words(), made_up.random.random_range(0..=first.len()));
        let (before, after) = first.split_at(first.floor_char_boundary(at));
        tried(&format!("{before}{word}{after}"), &mut law);
        if let Some(changed) = shown(&prompt, index) {
            let changed = changed.strip_prefix(' ').unwrap_or(changed);
            tried(changed.strip_suffix(' ').unwrap_or(changed), &mut note);
        }
    }
    report.add(law);
    report.add(note);
}

/// A place of a task that a stranger's text can stand in.
#[derive(Clone, Copy, Debug)]
enum Place {
    Response(usize),
    Message,
    Reference,
    Critique,
    /// Where the pack has them written beforehand: a model wrote them about a stranger's query.
    Principle,
}

/// A task of several responses, and what its prompt puts around them.
struct Framed {
    base: TaskView,
    frame: Option<Frame>,
}

impl Framed {
    fn new(checked: &Checked, count: usize, made_up: &mut MadeUp, report: &mut Report) -> Self {
        let base = plain_task(made_up, (0..count).map(|index| marked(index, "words")).collect());
        let prompt = render(checked.part, &checked.config, base.clone(), "words", report).ok().flatten();
        Self { base, frame: prompt.and_then(|prompt| Frame::of(&prompt, count)) }
    }
}

fn forges(checked: &Checked, base: &TaskView, frame: &Frame, given: bool, report: &mut Report) {
    let (part, config, count) = (checked.part, checked.config.as_str(), base.responses.len());
    let places = (0..count).map(Place::Response).chain([Place::Message, Place::Reference]);
    let places = places.chain(part.is_meta.then_some(Place::Critique)).chain(given.then_some(Place::Principle));
    let places: Vec<Place> = places.collect();

    let mut whole = CheckTally::law("no text of the task can repeat what stands between two responses");
    let mut lines = CheckTally::note("no text of the task can repeat a line that stands at a response's begin or end");
    for &place in &places {
        let tried = |delimiter: &str, counted: &str, tally: &mut CheckTally, report: &mut Report| {
            for text in
                [delimiter.to_owned(), format!("words{delimiter}words"), format!("words\n{}\nwords", delimiter.trim())]
            {
                let mut with = |text: &str| {
                    let (task, critique, principles) = placed(base, place, text);
                    render_under(part, config, task, &critique, principles, report)
                        .ok()
                        .flatten()
                        .map(|prompt| occurrences(&prompt, counted))
                };
                if let (Some(before), Some(after)) = (with("words"), with(&text)) {
                    let why = || {
                        format!(
                            "{place:?} = {text:?}: {counted:?} stands in the prompt {after} times instead of {before}"
                        )
                    };
                    tally.case(if before == after { Ok(()) } else { Err(why()) });
                }
            }
        };
        for between in &frame.between {
            tried(between, between, &mut whole, report);
        }
        for line in &frame.lines {
            tried(&format!("\n{line}\n"), &format!("\n{line}\n"), &mut lines, report);
        }
    }
    if frame.between.is_empty() {
        report.remark("nothing but white space stands between responses: one can pass for two");
    } else {
        report.add(whole);
    }
    if !frame.lines.is_empty() {
        report.add(lines);
    }
}

fn placed(base: &TaskView, place: Place, text: &str) -> (TaskView, String, Vec<Principle>) {
    let (mut task, mut critique, mut principles) = (base.clone(), "words".to_owned(), Vec::new());
    match place {
        Place::Response(index) => {
            if let Some(response) = Arc::make_mut(&mut task.responses).get_mut(index) {
                *response = marked(index, text).into();
            }
        }
        Place::Message => {
            if let Some(message) = Arc::make_mut(&mut task.messages).last_mut() {
                message.content = text.to_owned();
            }
        }
        Place::Reference => task.reference = Some(text.into()),
        Place::Critique => critique = text.to_owned(),
        Place::Principle => {
            principles.push(Principle { name: text.to_owned(), weight: None, text: text.to_owned() });
        }
    }
    (task, critique, principles)
}

/// Overlapping ones too: lines share their ends.
fn occurrences(text: &str, part: &str) -> usize {
    text.char_indices().filter(|(at, _)| text.get(*at..).is_some_and(|rest| rest.starts_with(part))).count()
}

/// What a prompt puts around responses.
pub(super) struct Frame {
    /// Between one response and the next, where it is more than white space.
    pub(super) between: Vec<String>,
    /// Lines that stand alone right before or after a response.
    pub(super) lines: Vec<String>,
}

impl Frame {
    /// Of a prompt whose responses carry their marks; `None` if they do not stand in order.
    pub(super) fn of(prompt: &str, count: usize) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut end = 0;
        for index in 0..count {
            let (open, close) = marks(index);
            let start = prompt.find(&open)?;
            pieces.push(prompt.get(end..start)?);
            end = prompt.rfind(&close)? + close.len();
        }
        let (first, between) = pieces.split_first()?;
        let last = prompt.get(end..)?;
        let mut lines: Vec<String> = Vec::new();
        let near = first.lines().rfind(|line| !line.trim().is_empty()).into_iter();
        let near = near.chain(last.lines().find(|line| !line.trim().is_empty()));
        for line in between.iter().flat_map(|piece| piece.lines()).chain(near) {
            // A line that the response continues is not whole.
            let whole = prompt.contains(&format!("\n{line}\n"));
            if whole && line.trim().chars().count() >= 3 && !lines.iter().any(|known| known == line) {
                lines.push(line.to_owned());
            }
        }
        let between = between.iter().filter(|piece| !piece.trim().is_empty()).map(|piece| (*piece).to_owned());
        Some(Self { between: between.collect(), lines })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_of_a_prompt_is_what_stands_around_its_responses() {
        let prompt = format!("Judge.\n[1]\n{}\n[/1]\n[2]\n{}\n[/2]\nGo.", marked(0, "x"), marked(1, "y"));
        let frame = Frame::of(&prompt, 2).unwrap();
        assert_eq!(frame.between, ["\n[/1]\n[2]\n"]);
        assert_eq!(
            frame.lines,
            ["[/1]", "[2]", "[1]", "[/2]"]
                .map(|line| line.to_owned())
                .into_iter()
                .filter(|line| line.len() >= 3)
                .collect::<Vec<_>>()
        );
        assert_eq!(shown(&prompt, 1), Some(" y "));
        assert!(Frame::of("no marks", 2).is_none());
    }

    #[test]
    fn occurrences_that_share_an_end_all_count() {
        assert_eq!(occurrences("\na\na\n", "\na\n"), 2);
    }
}
