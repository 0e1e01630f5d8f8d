//! Labels that stand alone on a line.

use crate::{
    labels::Occurrence,
    read::{Found, Verdict},
};

/// The labels that have a line of the plain text for themselves: nothing else stands there but signs, or a remark in
/// round brackets after the label. A colon after it makes a heading of the line.
pub(crate) fn alone(text: &str, labels: &[Occurrence]) -> Vec<Found> {
    let mut labels = labels.iter().peekable();
    let mut all = Vec::new();
    let mut line_start = 0;
    for line in text.split('\n') {
        let line_end = line_start + line.len();
        let mut in_line = None;
        while let Some(label) = labels.next_if(|label| label.start < line_end) {
            in_line = in_line.or(Some(label));
        }
        if let Some(label) = in_line.filter(|label| label.end <= line_end) {
            let before = text.get(line_start..label.start).unwrap_or_default();
            let after = text.get(label.end..line_end).unwrap_or_default();
            if !before.contains(char::is_alphanumeric) && (only_signs(after) || is_remark(after)) {
                all.push(Found { start: label.start, end: label.end, verdict: Verdict::Label(label.meaning) });
            }
        }
        line_start = line_end + 1;
    }
    all
}

fn only_signs(text: &str) -> bool {
    !text.contains(|char: char| char.is_alphanumeric() || char == ':')
}

fn is_remark(text: &str) -> bool {
    text.trim_start().starts_with('(') && text.trim_end_matches(['.', ' ']).ends_with(')')
}
