//! Decides which scores a completion gives.
//!
//! The rules, in order:
//! 1. The last box that is an attempt at scores decides; an earlier one is a draft. Placeholders (`\boxed{x, x}`) and
//!    words are no attempts. A last box that is never closed decides too, and fails: the text was cut.
//! 2. If that box holds one score and several responses were shown, the boxes are joined where that leaves no doubt:
//!    there is exactly one single score for each response, and either every box is labelled with its response
//!    (`Response 2: \boxed{7}`) or they stand side by side.
//! 3. Where the text has no box at all, `[[8, 1]]` is read in the same way. Single brackets never are.
//! 4. In a text that the token limit cut, the boxes count only if the text begins or ends with them, or if they head a line after
//!    `Scores:`: a form that is said again in the middle of it holds no scores.
//! 5. Every entry has to be a plain number on the scale, or the model's own word that it gives none (`N/A`), which is
//!    an abstention on that response. One entry per response. Anything else fails the sample: nothing is guessed,
//!    dropped, filled in or clipped.

use reading::counts_if_cut;
use rewarden_plugin::{Completion, CountMismatch, FinishReason, ParseFailure, Scale, Score};

use crate::{
    boxes::{Found, boxes},
    entries::{Entry, Value, is_attempt, read},
};

/// One score for each of the `shown` responses, in shown order.
pub(crate) fn scores(completion: &Completion, shown: u32, scale: &Scale) -> Result<Vec<Score>, ParseFailure> {
    let text = completion.text.as_str();
    let boxes = boxes(text);
    if let (Some((last, _)), Some(first)) = (last_attempt(&boxes), boxes.first())
        && last.closed
        && !counts_if_cut(completion, text, first.start, last.end)
        && !heads_a_line(text, last.start)
    {
        return Err(ParseFailure::Unparsable(format!(
            "expected the scores at the end of the text, found `{}` in the middle of a text that the token limit cut: raise it, or \
             have the model write less",
            excerpt(last.content)
        )));
    }
    let entries = if boxes.is_empty() {
        double_brackets(text)
    } else {
        match last_attempt(&boxes) {
            Some((found, _)) if !found.closed => return Err(cut_off(found, completion.finish)),
            Some((_, entries)) if entries.len() == 1 && shown > 1 => join(text, &boxes, shown).or(Some(entries)),
            Some((_, entries)) => Some(entries),
            None => None,
        }
    };
    match entries {
        Some(entries) => check(&entries, shown, scale),
        None => Err(ParseFailure::Unparsable(nothing_found(completion, &boxes))),
    }
}

/// Whether nothing but `Scores` stands before a box on its line: then it is the answer, and what was cut is talk after it.
fn heads_a_line(text: &str, start: usize) -> bool {
    let line = text.get(..start).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
    let words = line.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).eq(["scores"])
}

/// The last box that is an attempt at scores, or that is not closed.
fn last_attempt<'a>(boxes: &[Found<'a>]) -> Option<(Found<'a>, Vec<Entry>)> {
    boxes.iter().rev().find_map(|found| {
        let entries = read(found.content);
        (!found.closed || is_attempt(&entries)).then_some((*found, entries))
    })
}

/// The scores of one box per response, in shown order; none where it is not plain which is whose.
fn join(text: &str, boxes: &[Found], shown: u32) -> Option<Vec<Entry>> {
    let mut singles = Vec::new();
    let mut previous = 0;
    for found in boxes {
        let before = text.get(previous..found.start).unwrap_or_default();
        previous = found.end;
        let mut entries = read(found.content);
        if !found.closed || !is_attempt(&entries) {
            continue;
        }
        if entries.len() != 1 || singles.len() == shown as usize {
            return None;
        }
        singles.push((before, entries.pop()?));
    }
    if singles.len() != shown as usize {
        return None;
    }
    let side_by_side = singles.iter().skip(1).all(|(before, _)| only_separators(before));
    let unlabelled = singles.iter().all(|(_, entry)| entry.label.is_none());
    for (before, entry) in &mut singles {
        entry.label = entry.label.or_else(|| label(before));
    }
    let labelled = singles.iter().all(|(_, entry)| entry.label.is_some());
    let mut entries: Vec<Entry> = singles.into_iter().map(|(_, entry)| entry).collect();
    if !labelled {
        if !side_by_side || !unlabelled {
            return None;
        }
        entries.iter_mut().for_each(|entry| entry.label = None);
    }
    Some(entries)
}

/// What may stand between boxes side by side.
fn only_separators(between: &str) -> bool {
    between.split_whitespace().all(|word| word == "and" || word.chars().all(|char| ",;|&$*.".contains(char)))
}

/// The response that the text before a box speaks of: the only one named on the same line, or else the only one named
/// since the last box.
fn label(before: &str) -> Option<u32> {
    let line = before.rsplit('\n').next().unwrap_or(before);
    let mut numbers = named_responses(line).peekable();
    if numbers.peek().is_some() { only(numbers) } else { only(named_responses(before)) }
}

fn only(mut numbers: impl Iterator<Item = u32>) -> Option<u32> {
    let first = numbers.next()?;
    numbers.all(|number| number == first).then_some(first)
}

/// The numbers in `Response 1`, `response #2`, `Response **3**`.
fn named_responses(text: &str) -> impl Iterator<Item = u32> {
    const WORD: &str = "esponse";
    text.match_indices(WORD).filter_map(|(at, _)| {
        let rest = text.get(at + WORD.len()..)?.trim_start_matches([' ', '#', '*', '_']);
        let digits = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..digits)?.parse().ok()
    })
}

/// The last `[[8, 1]]` of a text that is an attempt at scores.
fn double_brackets(text: &str) -> Option<Vec<Entry>> {
    text.rmatch_indices("[[").find_map(|(open, brackets)| {
        let inside = text.get(open + brackets.len()..)?;
        let (content, rest) = inside.split_at_checked(inside.find(['[', ']', '\n'])?)?;
        let entries = rest.starts_with("]]").then(|| read(content))?;
        is_attempt(&entries).then_some(entries)
    })
}

/// One entry per response, each a valid score; in the order of their labels where all have one.
fn check(entries: &[Entry], shown: u32, scale: &Scale) -> Result<Vec<Score>, ParseFailure> {
    let total = entries.len();
    for (number, entry) in (1..).zip(entries) {
        match &entry.value {
            Value::Other(text) => {
                return Err(ParseFailure::Unparsable(format!(
                    "expected plain numbers in the box, found `{}` as score {number} of {total}",
                    excerpt(text)
                )));
            }
            Value::NotFinite(text) => {
                return Err(ParseFailure::NotFinite(format!(
                    "score {number} of {total} is `{}`, expected a finite number",
                    excerpt(text)
                )));
            }
            Value::Of(score, top) if *top != scale.max => {
                return Err(ParseFailure::Unparsable(format!(
                    "expected a score out of {} or a plain number, found `{score}/{top}` as score {number} of {total}",
                    scale.max
                )));
            }
            _ => {}
        }
    }
    if u32::try_from(total) != Ok(shown) {
        let found = u32::try_from(total).unwrap_or(u32::MAX);
        return Err(ParseFailure::WrongCount(CountMismatch { expected: shown, found }));
    }
    in_order(entries)?.into_iter().zip(1..).map(|(entry, number)| score(entry, number, shown, scale)).collect()
}

fn in_order(entries: &[Entry]) -> Result<Vec<&Entry>, ParseFailure> {
    let mut ordered: Vec<&Entry> = entries.iter().collect();
    if entries.iter().any(|entry| entry.label.is_some()) {
        ordered.sort_by_key(|entry| entry.label);
        if !ordered.iter().map(|entry| entry.label).eq((1..).map(Some).take(entries.len())) {
            return Err(ParseFailure::Unparsable(format!(
                "expected one score labelled for each of the responses 1 to {}, found other labels",
                entries.len()
            )));
        }
    }
    Ok(ordered)
}

fn score(entry: &Entry, number: u32, shown: u32, scale: &Scale) -> Result<Score, ParseFailure> {
    let value = match &entry.value {
        Value::Number(value) | Value::Of(value, _) => *value,
        Value::None(text) => return Ok(Score::Abstain(format!("the model wrote `{text}` instead of a score"))),
        Value::NotFinite(text) | Value::Other(text) => return Err(ParseFailure::Unparsable(excerpt(text))),
    };
    if scale.contains(value) {
        return Ok(Score::Value(value));
    }
    let kind = if scale.integer { "a whole number" } else { "a number" };
    Err(ParseFailure::OutOfScale(format!(
        "score {number} of {shown} is {value}, expected {kind} from {} to {}",
        scale.min, scale.max
    )))
}

fn cut_off(found: Found, finish: FinishReason) -> ParseFailure {
    let why = match finish {
        FinishReason::Length => "the token limit came first: raise it, or have the model write less",
        FinishReason::Stop => "its closing brace is missing",
    };
    ParseFailure::Unparsable(format!("the last box is not closed, it begins `{}`: {why}", excerpt(found.content)))
}

fn nothing_found(completion: &Completion, boxes: &[Found]) -> String {
    let text = completion.text.trim_end();
    let from = text.char_indices().rev().nth(EXCERPT - 1).map_or(0, |(at, _)| at);
    let end = text.get(from..).unwrap_or_default();
    let looked_for = match boxes.last() {
        Some(found) => format!("expected scores in \\boxed{{}}, found only `{}` there", excerpt(found.content)),
        None => "expected scores in \\boxed{}, found no box".to_owned(),
    };
    match completion.finish {
        FinishReason::Length => format!("{looked_for}; the token limit cut the text, which ends `{end}`"),
        FinishReason::Stop => format!("{looked_for}; the text ends `{end}`"),
    }
}

/// Characters of the completion that a message quotes.
const EXCERPT: usize = 60;

fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
