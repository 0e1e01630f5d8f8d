//! Tables and what stands in their cells.

use rewarden_evaluate::{Evaluation, Figures, Share};

use crate::chart::{hex, series_colour};
use crate::escape::html;

/// A table in a box that scrolls sideways on narrow screens. The first column's cells name the rows.
pub(crate) fn table<R: IntoIterator<Item = Vec<String>>>(caption: &str, heads: &[&str], rows: R) -> String {
    let mut out = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\">\
         <table>\n<caption>{caption}</caption><thead><tr>"
    );
    for head in heads {
        out += &format!("<th scope=\"col\">{head}</th>");
    }
    out += "</tr></thead>\n<tbody>\n";
    for row in rows {
        out += "<tr>";
        for (column, cell) in row.iter().enumerate() {
            out += &if column == 0 { format!("<th scope=\"row\">{cell}</th>") } else { format!("<td>{cell}</td>") };
        }
        out += "</tr>\n";
    }
    out + "</tbody></table></div>\n"
}

/// A run's name with the colour that it has in the charts.
pub(crate) fn name(evaluations: &[Evaluation], index: usize) -> String {
    let name = evaluations.get(index).map_or("", |evaluation| evaluation.name.as_str());
    format!("{}<bdi>{}</bdi>", swatch(&hex(series_colour(index))), html(name))
}

fn swatch(colour: &str) -> String {
    format!(
        "<svg class=\"chart swatch\" viewBox=\"0 0 10 10\" aria-hidden=\"true\">\
         <rect width=\"10\" height=\"10\" fill=\"{colour}\"/></svg>"
    )
}

pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

pub(crate) fn interval(share: Option<Share>) -> String {
    share.map_or_else(none, |share| {
        let (low, high) = (share.low * 100.0, share.high * 100.0);
        format!("{}<span class=\"interval\">{low:.1} – {high:.1}</span>", percent(share.value))
    })
}

/// [`interval`], with the number of tasks that it was measured on.
pub(crate) fn interval_of(share: Option<Share>) -> String {
    share.map_or_else(none, |share| {
        let tasks = count(share.tasks);
        format!("{}<span class=\"interval\">n = {tasks}</span>", interval(Some(share)))
    })
}

/// Not measured: never a number.
pub(crate) fn none() -> String {
    "<span class=\"none\" title=\"not measured\">–</span>".into()
}

pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push('\u{202F}');
        }
        out.push(digit);
    }
    out
}

/// A part of a whole. What rounds to nothing or to all of it, but is not, says so.
pub(crate) fn ratio(part: u64, whole: u64) -> String {
    if whole == 0 {
        return none();
    }
    match part as f64 / whole as f64 {
        share if part > 0 && share < 0.0005 => "&lt; 0.1 %".into(),
        share if part < whole && share >= 0.9995 => "&gt; 99.9 %".into(),
        share => percent(share),
    }
}

pub(crate) fn mean(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(none, |value| format!("{value:.decimals$}"))
}

pub(crate) fn tasks(figures: &Figures) -> String {
    if figures.labelled == figures.tasks {
        count(figures.tasks)
    } else {
        format!("{}<span class=\"interval\">{} labelled</span>", count(figures.tasks), count(figures.labelled))
    }
}

/// `1 task`, `7 tasks`.
pub(crate) fn task_count(tasks: u64) -> String {
    format!("{} {}", count(tasks), if tasks == 1 { "task" } else { "tasks" })
}

/// How many tasks there are, and how many of them have a label where not all do, in words.
pub(crate) fn task_counts(figures: &Figures) -> String {
    let all = task_count(figures.tasks);
    if figures.labelled == figures.tasks { all } else { format!("{all}, {} labelled", count(figures.labelled)) }
}

/// A bar beside a figure, in the run's colour.
pub(crate) fn bar(value: f64, most: f64, index: usize) -> String {
    let width = if most > 0.0 { (value / most * 100.0).clamp(0.0, 100.0) } else { 0.0 };
    format!(
        "<svg class=\"chart bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect width=\"{width:.1}\" height=\"10\" fill=\"{}\"/></svg>",
        hex(series_colour(index))
    )
}

pub(crate) fn folded(summary: &str, content: &str) -> String {
    format!("<details><summary>{summary}</summary>\n{content}</details>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rare_failure_does_not_look_like_none() {
        assert_eq!(
            [(0, 9000), (1, 9000), (90, 9000)].map(|(part, all)| ratio(part, all)),
            ["0.0 %", "&lt; 0.1 %", "1.0 %"]
        );
        assert_eq!([(9000, 9000), (8999, 9000)].map(|(part, all)| ratio(part, all)), ["100.0 %", "&gt; 99.9 %"]);
        assert_eq!(ratio(0, 0), none());
    }

    #[test]
    fn the_number_of_labelled_tasks_never_runs_into_the_number_of_tasks() {
        let figures = |tasks, labelled| Figures { labelled, ..crate::fixtures::figures(tasks, 0.5) };
        assert_eq!(task_counts(&figures(7, 6)), "7 tasks, 6 labelled");
        assert_eq!(task_counts(&figures(1, 1)), "1 task");
        assert_eq!(task_counts(&figures(0, 0)), "0 tasks");
    }

    #[test]
    fn long_counts_are_grouped() {
        assert_eq!([7, 950, 1000, 1234567].map(count), ["7", "950", "1\u{202F}000", "1\u{202F}234\u{202F}567"]);
    }
}
