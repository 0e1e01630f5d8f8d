//! Text for people: a task's scores, the options in force.

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table, presets};
use rewarden_record::Verdict;
use rewarden_types::{Score, Standing, Task};

use crate::console::{line, name};

const SNIPPET: usize = 60;
const BAR: usize = 10;
/// Columns below which a terminal cannot mean what it says.
const NARROWEST: u16 = 10;
/// Columns if the terminal tells none.
const USUAL: u16 = 100;

/// A borderless table that fits the terminal.
pub(crate) fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    // Some pseudo terminals say that they have no columns at all, and each letter would get a line of its own.
    if table.width().is_some_and(|width| width < NARROWEST) {
        table.set_width(USUAL);
    }
    table
}

/// A table of names and values.
pub(crate) fn rows(rows: &[(&str, String)]) -> String {
    let mut table = table();
    for (title, value) in rows {
        table.add_row([*title, &*line(value)]);
    }
    table.trim_fmt()
}

/// One task with the score of each response.
pub(crate) fn verdict(task: &Task, verdict: &Verdict) -> String {
    let mut text = String::new();
    let failures = verdict.failures().iter().map(|(kind, count)| format!(", {count} {kind}")).collect::<String>();
    let _ = writeln!(
        text,
        "{}  ({} of {} samples valid{failures})",
        name(&task.id),
        verdict.valid(),
        verdict.samples.len()
    );
    if let Some(query) = task.messages.last() {
        let _ = writeln!(text, "  {}", snippet(&query.content, SNIPPET + 24));
    }
    match &verdict.reward {
        Err(failure) => {
            let _ = writeln!(text, "  no reward: {}", line(&failure.to_string()));
        }
        Ok(reward) => {
            let standing = Standing::of(&reward.scores);
            let top = reward.scores.iter().filter_map(Score::value).fold(0.0_f64, |top, score| top.max(score.abs()));
            for (index, (score, response)) in reward.scores.iter().zip(task.responses.iter()).enumerate() {
                let (bar, score) = match score {
                    Score::Value(value) => (bar(*value, top), format!("{value:>6.2}")),
                    Score::Abstain(_) => (" ".repeat(BAR), "     –".to_owned()),
                };
                let place = if standing.best == Some(index) && reward.scores.len() > 1 {
                    "best"
                } else if standing.tied.contains(&index) {
                    "tied"
                } else {
                    ""
                };
                let label = if task.preferred == Some(index) { "*" } else { " " };
                let response = snippet(response, SNIPPET);
                let _ = writeln!(text, "  {index}{label} {bar} {score} {place:<4}  {response}");
            }
            if let Some(Score::Abstain(reason)) = reward.scores.iter().find(|score| score.value().is_none()) {
                let _ = writeln!(text, "  – no score: {}", line(reason));
            }
        }
    }
    if let Some((_, message)) = verdict.failure_messages().next() {
        let _ = writeln!(text, "  first failed sample: {}", snippet(message, 160));
    }
    text.push('\n');
    text
}

fn bar(value: f64, top: f64) -> String {
    let share = if top > 0.0 { (value / top).clamp(0.0, 1.0) } else { 0.0 };
    let full = (share * BAR as f64).round() as usize;
    format!("{}{}", "█".repeat(full), "·".repeat(BAR.saturating_sub(full)))
}

/// The beginning of a text on one line, without control characters that could move a terminal's cursor.
pub(crate) fn snippet(text: &str, width: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|c| !c.is_control()));
        if line.chars().count() > width {
            let mut cut: String = line.chars().take(width.saturating_sub(1)).collect();
            cut.push('…');
            return cut;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_is_one_line_of_the_width_asked_for_without_escape_codes() {
        assert_eq!(snippet("a\n b\tc", 10), "a b c");
        assert_eq!(snippet("\u{1b}[2Jboo", 10), "[2Jboo");
        assert_eq!(snippet("one two three", 8), "one two…");
        assert_eq!(snippet("ééééé", 3), "éé…");
    }

    #[test]
    fn bars_are_shares_of_the_top_score() {
        assert_eq!(bar(5.0, 10.0), "█████·····");
        assert_eq!(bar(-5.0, 10.0), "··········");
        assert_eq!(bar(0.0, 0.0), "··········");
    }
}
