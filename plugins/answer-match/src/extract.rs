//! Where the answer of a response stands.

use crate::answer::LONGEST;
use crate::config::Place;
use crate::prose;

/// An answer as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// Here it stands.
    One(&'a str),
    /// Boxes beside each other, which are one list.
    Several(Vec<&'a str>),
    /// A whole response, which may be the answer, and the last expression in it.
    Response(&'a str, Option<&'a str>),
    /// There is none, or it was cut off.
    Nothing,
}

/// What the reference says: its boxes, what follows its last `####`, or all of it.
pub(crate) fn reference(text: &str) -> Found<'_> {
    match boxes(text) {
        Boxes::Whole(found) => found,
        Boxes::None | Boxes::Cut => {
            let answer = text.rsplit_once("####").map_or(text, |(_, answer)| answer).trim();
            if answer.is_empty() {
                return Found::Nothing;
            }
            // A solution without a mark is prose; the reference is its last expression then.
            let is_prose = answer.split_whitespace().count() > 12 && answer.contains('$');
            match prose::last_expression(answer).filter(|_| is_prose) {
                Some(last) => Found::One(last),
                None => Found::One(answer),
            }
        }
    }
}

/// The answer of a response.
pub(crate) fn response(text: &str, place: Place) -> Found<'_> {
    let Some(text) = without_thinking(text) else { return Found::Nothing };
    match place {
        Place::Whole => non_empty(text),
        Place::Box => boxed(text).unwrap_or(Found::Nothing),
        Place::LastBox => match boxes(text) {
            Boxes::Whole(Found::Several(parts)) => parts.last().map_or(Found::Nothing, |last| Found::One(last)),
            Boxes::Whole(found) => found,
            Boxes::None | Boxes::Cut => Found::Nothing,
        },
        Place::Tag => tag(text).unwrap_or(Found::Nothing),
        Place::Expression => prose::last_expression(text).map_or(Found::Nothing, Found::One),
        Place::Auto => {
            boxed(text).or_else(|| tag(text)).or_else(|| after_mark(text)).unwrap_or_else(|| match text.trim() {
                "" => Found::Nothing,
                // That is no answer as a whole.
                text if text.len() > LONGEST => prose::last_expression(text).map_or(Found::Nothing, Found::One),
                text => Found::Response(without_emphasis(text), prose::last_expression(text)),
            })
        }
    }
}

/// `**B**`
fn without_emphasis(text: &str) -> &str {
    let inside = text.strip_prefix("**").and_then(|text| text.strip_suffix("**"));
    inside.filter(|inside| !inside.contains("**")).map_or(text, str::trim)
}

fn non_empty(text: &str) -> Found<'_> {
    match text.trim() {
        "" => Found::Nothing,
        text => Found::One(text),
    }
}

/// What follows the last thinking block. None where one was begun and never ended: what it ends in is a draft.
fn without_thinking(text: &str) -> Option<&str> {
    const BLOCKS: [(&str, &str); 8] = [
        ("<think>", "</think>"),
        ("<thinking>", "</thinking>"),
        ("<thought>", "</thought>"),
        ("[think]", "[/think]"),
        ("<seed:think>", "</seed:think>"),
        ("\u{25c1}think\u{25b7}", "\u{25c1}/think\u{25b7}"),
        ("<|begin_of_thought|>", "<|end_of_thought|>"),
        ("<|start_thinking|>", "<|end_thinking|>"),
    ];
    // In any case; as many bytes.
    let folded = text.to_ascii_lowercase();
    let mut from = 0;
    for (open, close) in BLOCKS {
        let rest = folded.get(from..)?;
        if let Some(at) = rest.rfind(close) {
            from += at + close.len();
        }
        if folded.get(from..)?.contains(open) {
            return None;
        }
    }
    text.get(from..)
}

/// What was found in boxes.
enum Boxes<'a> {
    None,
    /// The last one is never closed.
    Cut,
    Whole(Found<'a>),
}

fn boxed(text: &str) -> Option<Found<'_>> {
    match boxes(text) {
        Boxes::None => None,
        // What would have stood in it is not known.
        Boxes::Cut => Some(Found::Nothing),
        Boxes::Whole(found) => Some(found),
    }
}

/// The last box, and those beside it with nothing but `,` and "and" in between.
fn boxes(text: &str) -> Boxes<'_> {
    const MOST: usize = 50;
    let spans = spans(text);
    let Some(last) = spans.last() else { return Boxes::None };
    let content = |span: &Span| text.get(span.inside..span.end?);
    let Some(answer) = content(last) else { return Boxes::Cut };
    let (mut first, mut beside) = (last.start, vec![answer]);
    for span in spans.iter().rev().skip(1).take(MOST) {
        let (Some(content), Some(end)) = (content(span), span.end) else { break };
        // One box in another is no neighbour.
        if !text.get(end + 1..first).is_some_and(joins) {
            break;
        }
        beside.push(content);
        first = span.start;
    }
    beside.reverse();
    Boxes::Whole(match beside.as_slice() {
        [one, others @ ..] if others.iter().all(|other| other == one) => Found::One(one),
        _ => Found::Several(beside),
    })
}

/// Where a box begins, where its content does, and where that ends; nowhere, if it is never closed.
struct Span {
    start: usize,
    inside: usize,
    end: Option<usize>,
}

/// The boxes of a text, in one pass. Braces that LaTeX prints (`\{`, `\}`) close and open nothing, as in
/// `\left\{ … \right.`.
fn spans(text: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    // Braces that are open, with the box that each is of.
    let mut open: Vec<Option<usize>> = Vec::new();
    // The word `\boxed` that a brace would belong to.
    let mut pending = None;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                let word_at = |at: usize| {
                    let rest = text.get(at..).unwrap_or_default();
                    ["\\boxed", "\\fbox"].into_iter().find(|word| rest.starts_with(word))
                };
                let word = word_at(at);
                pending = word.map(|_| at);
                match word {
                    Some(word) => {
                        bytes.by_ref().take(word.len() - 1).for_each(drop);
                    }
                    // `\\boxed`, escaped once too often.
                    None if word_at(at + 1).is_some() => {}
                    None => {
                        bytes.next();
                    }
                }
            }
            b'{' => {
                open.push(pending.take().map(|start| {
                    spans.push(Span { start, inside: at + 1, end: None });
                    spans.len() - 1
                }));
            }
            b'}' => {
                if let Some(Some(of)) = open.pop()
                    && let Some(span) = spans.get_mut(of)
                {
                    span.end = Some(at);
                }
                pending = None;
            }
            _ if byte.is_ascii_whitespace() => {}
            _ => pending = None,
        }
    }
    spans
}

/// Whether two boxes with this between them are parts of one answer.
fn joins(between: &str) -> bool {
    if between.len() > 60 {
        return false;
    }
    let mut rest = between.to_owned();
    for nothing in ["\\text", "\\quad", "\\qquad", "\\mathrm", "\\(", "\\)", "\\[", "\\]", "\\,", "\\;", "\\ "] {
        rest = rest.replace(nothing, " ");
    }
    let words: String = rest.chars().map(|char| if "{}$,;*()".contains(char) { ' ' } else { char }).collect();
    let words: Vec<&str> = words.split_whitespace().collect();
    let is_conjunction = |word: &&str| ["and", "or", "&"].contains(word);
    if words.iter().all(is_conjunction) {
        return true;
    }
    // `\boxed{1} papers and \boxed{2} bins`, `\boxed{1} and y_2 = \boxed{2}`, but nothing that goes on to argue.
    const ARGUES: [&str; 16] = [
        "so",
        "thus",
        "hence",
        "then",
        "therefore",
        "no",
        "not",
        "but",
        "is",
        "wait",
        "i",
        "since",
        "if",
        "should",
        "actually",
        "maybe",
    ];
    words.len() <= 5
        && words.iter().any(is_conjunction)
        && !words
            .iter()
            .any(|word| word.contains(['.', ':', '?', '!']) || ARGUES.contains(&word.to_lowercase().as_str()))
}

/// What the last `<answer>` holds; there in a box, if there is one.
fn tag(text: &str) -> Option<Found<'_>> {
    let (_, inside) = text.rsplit_once("<answer>")?;
    let Some((inside, _)) = inside.split_once("</answer>") else { return Some(Found::Nothing) };
    Some(boxed(inside).unwrap_or_else(|| non_empty(inside)))
}

/// What follows the last `####`, or the first expression behind the last "the answer is".
fn after_mark(text: &str) -> Option<Found<'_>> {
    if let Some((_, answer)) = text.rsplit_once("####") {
        return Some(non_empty(answer.trim_start().lines().next().unwrap_or_default()));
    }
    const MARKS: [&str; 6] = ["answer is", "answer:", "answer**:", "answer:**", "answer is:", "answers are"];
    let lower = text.to_ascii_lowercase();
    let (at, mark) = MARKS
        .iter()
        .filter_map(|mark| lower.rfind(mark).map(|at| (at, mark)))
        .max_by_key(|(at, mark)| (*at, mark.len()))?;
    let behind = text.get(at + mark.len()..)?;
    let behind = behind.trim_start_matches([':', '*', ' ', '\n', '\r', '"']);
    let line = behind.lines().next().unwrap_or_default();
    if line.trim().is_empty() {
        return None;
    }
    // `answer is (C) mitochondrion.`, `answer is $5$, since …`
    let said = sentence(line);
    // `answer is $5$, since $2 + 3$ is`, but `Answer: The largest $n$ is 5`.
    let beginning = line.char_indices().nth(LONGEST).map_or(line, |(end, _)| line.get(..end).unwrap_or(line));
    let at_once = prose::first_expression(beginning).filter(|first| {
        let before = line.find(first).unwrap_or(line.len());
        line.get(..before).is_some_and(|before| !before.contains(|char: char| char.is_alphanumeric()))
    });
    Some(match at_once.or_else(|| prose::last_expression(said)) {
        Some(expression) if said.len() > LONGEST => Found::One(expression),
        Some(expression) => Found::Response(said, Some(expression)),
        None => Found::One(said),
    })
}

/// Up to the end of the sentence.
fn sentence(line: &str) -> &str {
    let end = [". ", "! ", "? "].iter().filter_map(|end| line.find(end)).min().unwrap_or(line.len());
    line.get(..end).unwrap_or(line).trim().trim_end_matches(['*', '"'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(text: &str) -> Found<'_> {
        response(text, Place::Auto)
    }

    #[test]
    fn the_last_box_is_found_with_the_braces_in_it() {
        assert_eq!(auto(r"\boxed{1} so it is \boxed{\frac{1}{2}}."), Found::One(r"\frac{1}{2}"));
        assert_eq!(auto(r"\boxed{1} as told, in \boxed"), Found::One("1"));
        assert_eq!(auto(r"\\boxed{1}"), Found::One("1"));
        assert_eq!(auto(r"\boxed{1} or \boxed{2"), Found::Nothing);
        assert_eq!(auto(r"\boxed{\left\{ x \right.}"), Found::One(r"\left\{ x \right."));
        assert_eq!(auto(r"\boxed{1}$ and $\boxed{-2}"), Found::Several(vec!["1", "-2"]));
        assert_eq!(response(r"\boxed{1} and \boxed{-2}", Place::LastBox), Found::One("-2"));
    }

    #[test]
    fn what_stands_in_a_thinking_block_is_a_draft() {
        assert_eq!(auto(r"<think>\boxed{1}</think> \boxed{2}"), Found::One("2"));
        assert_eq!(auto(r"<think>\boxed{1}"), Found::Nothing);
        assert_eq!(auto(r"<THINK>\boxed{1}</THINK>\boxed{2}"), Found::One("2"));
        assert_eq!(auto(r"[THINK]\boxed{1}[/THINK]"), Found::Nothing);
        assert_eq!(auto("\u{25c1}think\u{25b7}\\boxed{1}"), Found::Nothing);
        assert_eq!(auto(r"<think>\boxed{1}</think>"), Found::Nothing);
        assert_eq!(auto(r"\boxed{1}</think>\boxed{3}"), Found::One("3"));
    }

    #[test]
    fn other_marks_count_where_there_is_no_box() {
        assert_eq!(auto("so <answer> 5 </answer>"), Found::One("5"));
        assert_eq!(auto("so <answer> 5"), Found::Nothing);
        assert_eq!(auto("4 + 4 = 8\n#### 8"), Found::One("8"));
        assert_eq!(auto("The answer is 42. I took 3 steps."), Found::Response("42", Some("42")));
        assert_eq!(auto("  "), Found::Nothing);
    }
}
