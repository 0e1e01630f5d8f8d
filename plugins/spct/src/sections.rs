//! The criteria and the analysis in a completion, for people to read. Best effort: scores never depend on it.

use rewarden_plugin::Principle;

/// Principles that are kept, and bytes of text of each and of the critique: a completion may run to megabytes, and
/// the scores must not be lost to the host's limit on results.
const MOST_PRINCIPLES: usize = 32;
const LONGEST_PRINCIPLE: usize = 1_000;
const LONGEST_CRITIQUE: usize = 16_000;

/// The parts of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Criteria,
    Analysis,
    Scores,
}

const HEADINGS: [(&str, Section); 3] =
    [("specific criteria", Section::Criteria), ("analysis", Section::Analysis), ("scores", Section::Scores)];

/// The analysis, without its heading and the scores; none where there is no such heading.
pub(crate) fn critique(text: &str) -> Option<String> {
    let text = without_box(section(text, Section::Analysis)?);
    (!text.is_empty()).then(|| shortened(text, LONGEST_CRITIQUE))
}

/// The text without a box on its last line, and without what introduces the box there (`### Output: \boxed{10, 7}`).
fn without_box(text: &str) -> &str {
    let last_line = text.rfind('\n').map_or(0, |at| at + 1);
    let Some(at) = text.get(last_line..).and_then(|line| line.find("\\boxed")) else { return text };
    let before = trimmed(text.get(..last_line + at).unwrap_or_default());
    match before.strip_suffix(':') {
        Some(before) => trimmed(before.rsplit_once('\n').map_or("", |(lines, _)| lines)),
        None => before,
    }
}

/// The criteria that the model set up, with their weights.
pub(crate) fn principles(text: &str) -> Vec<Principle> {
    let Some(text) = section(text, Section::Criteria) else { return Vec::new() };
    items(text).into_iter().take(MOST_PRINCIPLES).filter_map(principle).collect()
}

/// The text under the first heading of a kind, up to the next heading.
fn section(text: &str, wanted: Section) -> Option<&str> {
    let mut start = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some((section, offset)) = heading(line) {
            if let Some(start) = start {
                return text.get(start..at).map(trimmed);
            }
            if section == wanted {
                start = Some(at + offset);
            }
        }
        at += line.len();
    }
    text.get(start?..).map(trimmed)
}

/// `Analysis:`, `**Analysis:** ...`, `### Analysis`, `3. **Analysis**: ...`: the section and where its text begins in
/// the line.
fn heading(line: &str) -> Option<(Section, usize)> {
    let bare = line.trim_start_matches(|char: char| " \t#*_->.".contains(char) || char.is_ascii_digit());
    let marked = line.trim_start().starts_with(['#', '*']);
    let (section, rest) = HEADINGS.iter().find_map(|(name, section)| {
        let (head, rest) = bare.split_at_checked(name.len())?;
        head.eq_ignore_ascii_case(name).then_some((*section, rest))
    })?;
    let after = rest.trim_start_matches(['*', '_', ' ', '#']);
    let after = match after.strip_prefix([':', '\u{ff1a}']) {
        Some(after) => after.trim_start_matches(['*', '_']),
        // Without a colon it is a heading only in heading's dress, alone on its line.
        None if marked && after.trim().is_empty() => after,
        None => return None,
    };
    Some((section, line.len() - after.len()))
}

fn trimmed(text: &str) -> &str {
    text.trim().trim_end_matches(['#', '*']).trim_end()
}

/// The entries of a list, or the lines; a single line is split at the numbers 2, 3 ... of its items, or at semicolons.
fn items(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [line] if is_listed(line) && line.contains(" 2. ") => numbered(line),
        [line] => line.split(';').map(str::trim).filter(|item| !item.is_empty()).collect(),
        lines if lines.iter().any(|line| is_listed(line)) => {
            lines.iter().copied().filter(|line| is_listed(line)).collect()
        }
        _ => lines,
    }
}

/// `1. a 2. b 3. c` as `1. a`, `2. b` and `3. c`.
fn numbered(line: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let mut rest = line;
    for number in 2..=MOST_PRINCIPLES {
        let Some(at) = rest.find(&format!(" {number}. ")) else { break };
        let Some((item, next)) = rest.split_at_checked(at) else { break };
        items.push(item);
        rest = next.trim_start();
    }
    items.push(rest);
    items
}

/// `1. ...`, `(2) ...`, `- ...`, `* ...`.
fn is_listed(line: &str) -> bool {
    let rest = line.trim_start_matches('(');
    let digits = rest.len() - rest.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    if digits > 0 {
        return rest.get(digits..).is_some_and(|rest| rest.starts_with(['.', ')', ':']));
    }
    line.starts_with(['-', '*', '\u{2022}'])
}

fn principle(item: &str) -> Option<Principle> {
    let item = item.trim_start_matches(|char: char| "-*\u{2022}(".contains(char) || char == ' ');
    let number = item.len() - item.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    let item = match item.get(number..) {
        Some(rest) if number > 0 && rest.starts_with(['.', ')', ':']) => rest.get(1..).unwrap_or_default(),
        _ => item,
    };
    let item = item.trim_start_matches(['*', '_', ' ']);
    let name_length = item.find([':', '(', '\u{ff1a}', '\n']).unwrap_or(item.len());
    let (name, rest) = item.split_at_checked(name_length)?;
    let name = name.trim_matches(['*', '_', ' ', '-', ',']);
    if name.is_empty() {
        return None;
    }
    let text = rest.split_once([':', '\u{ff1a}']).map_or("", |(head, text)| {
        // The colon of `(Weight: 30%)` is not the one before the text.
        if head.contains('(') && !head.contains(')') { text.split_once(')').map_or("", |(_, text)| text) } else { text }
    });
    Some(Principle {
        name: shortened(name, LONGEST_PRINCIPLE),
        weight: weight(rest),
        text: shortened(text.trim_matches(['*', '_', ' ', ':']), LONGEST_PRINCIPLE),
    })
}

/// The number in `(Weight: 30%)`, `Weight: 4`, `(4)` or `35%`; none where several weights could be meant.
fn weight(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    if let Some((_, after)) = lower.split_once("weight") {
        return leading_number(after.trim_start_matches(|char: char| ":=* (of".contains(char)));
    }
    if let Some((_, after)) = text.split_once('(')
        && let Some((inside, _)) = after.split_once(')')
        && let Some(number) = leading_number(inside)
        && inside.trim().trim_end_matches('%').parse::<f64>().is_ok()
    {
        return Some(number);
    }
    let percent = text.find('%')?;
    let before = text.get(..percent)?.trim_end();
    let digits = before.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.');
    leading_number(before.get(digits.len()..)?)
}

fn leading_number(text: &str) -> Option<f64> {
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    text.get(..end)?.trim_end_matches('.').parse().ok()
}

/// At most `limit` bytes of the text, with a mark where it was cut.
fn shortened(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    format!("{}...", text.get(..text.floor_char_boundary(limit)).unwrap_or_default())
}
