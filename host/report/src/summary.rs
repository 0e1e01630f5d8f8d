//! The page's upper part: what was run, how the runs compare, and their charts.

use std::collections::{BTreeMap, BTreeSet};

use rewarden_evaluate::{Bar, Evaluation, Figures};

use crate::breakdown::{groups, protocols, voting};
use crate::chart::{Background, SvgStyle};
use crate::curve::curve_svg;
use crate::error::ReportError;
use crate::escape::html;
use crate::histogram::{histogram_svg, kinds};
use crate::reliability::reliability_svg;
use crate::table::{bar, count, folded, interval, interval_of, mean, name, none, percent, ratio, table, tasks};

/// All sections as HTML.
pub(crate) fn sections(evaluations: &[Evaluation]) -> Result<String, ReportError> {
    if evaluations.is_empty() {
        return Ok(
            "<section><h2>Comparison</h2><p class=\"empty\">No runs were measured for this page.</p></section>\n"
                .into(),
        );
    }
    let mut out = section("comparison", "Comparison", &comparison(evaluations));
    out += &section("curve", "Accuracy by samples per task", &curve(evaluations)?);
    out += &section("scores", "Scores", &scores(evaluations)?);
    if evaluations.iter().any(|one| one.reward_reliability.is_some() || one.sample_reliability.is_some()) {
        out += &section("confidence", "Confidence against correctness", &confidence(evaluations)?);
    }
    out += &section("failures", "Failures", &failures(evaluations));
    out += &section("cost", "Cost", &cost(evaluations));
    if evaluations.iter().any(|evaluation| evaluation.protocol.is_some()) {
        out += &section("protocols", "Benchmark protocols", &protocols(evaluations));
    }
    if evaluations.iter().any(|evaluation| evaluation.voting.is_some()) {
        out += &section("voting", "One sample or many", &voting(evaluations));
    }
    if evaluations.iter().any(|evaluation| !evaluation.groups.is_empty()) {
        out += &section("groups", "Groups", &groups(evaluations));
    }
    Ok(out)
}

fn section(id: &str, title: &str, content: &str) -> String {
    format!("<section id=\"{id}\"><h2>{title}</h2>\n{content}</section>\n")
}

fn comparison(evaluations: &[Evaluation]) -> String {
    let rows = evaluations.iter().enumerate().map(|(index, evaluation)| {
        let figures = &evaluation.overall;
        let at_most = evaluation.at_k.last().map_or_else(none, |point| {
            let (share, n) = (percent(point.accuracy.value), count(point.accuracy.tasks));
            format!("{share}<span class=\"interval\">at k = {}, n = {n}</span>", point.k)
        });
        vec![
            format!(
                "{}<span class=\"made\">policy <bdi>{}</bdi><span class=\"made\">model <bdi>{}</bdi></span>{}</span>",
                name(evaluations, index),
                html(&evaluation.policy),
                html(&evaluation.model),
                digest(evaluation.digest.as_deref())
            ),
            tasks(figures),
            interval(figures.accuracy),
            at_most,
            figures.tie_rate.map_or_else(none, percent),
            ratio(figures.valid, figures.samples),
            interval(figures.swap_consistency),
            interval(figures.first_shown_wins),
            mean(figures.tokens_per_task, 0),
            mean(figures.seconds_per_task, 2),
        ]
    });
    let heads = [
        "Run",
        "Tasks",
        "Accuracy",
        "Accuracy@K",
        "Tied",
        "Valid samples",
        "Swap consistency",
        "First shown wins",
        "Tokens a task",
        "Seconds a task",
    ];
    let mut out = table("Runs side by side; small figures are 95 % intervals", &heads, rows);
    let unlabelled: Vec<_> = evaluations
        .iter()
        .filter(|evaluation| evaluation.overall.labelled == 0)
        .map(|evaluation| format!("<bdi>{}</bdi>", html(&evaluation.name)))
        .collect();
    if !unlabelled.is_empty() {
        out += &format!("<p class=\"empty\">No labelled tasks, so no accuracy: {}.</p>\n", unlabelled.join(", "));
    }
    out + "<p class=\"note\">Accuracy is over all tasks with a label and at least two responses: a tie with the \
           preferred response among t counts 1/t, a task without a reward counts 0. Accuracy@K is the curve's last \
           point, over the n of these tasks that have at least k samples. A task with fewer is left out of it but \
           still counts in accuracy (0 where it has no reward), so the two can differ. Swap consistency: of the pairs \
           of samples that saw the responses in opposite orders, the share that named the same winner. First shown \
           wins: of the samples that named one winner, the share that named the response shown first; a half, with two \
           responses, is no bias.</p>\n"
}

/// What names the run; in one piece, to be searched for and copied.
fn digest(digest: Option<&str>) -> String {
    digest
        .map_or_else(String::new, |digest| format!("<span class=\"made\">digest <code>{}</code></span>", html(digest)))
}

fn curve(evaluations: &[Evaluation]) -> Result<String, ReportError> {
    if evaluations.iter().all(|evaluation| evaluation.at_k.is_empty()) {
        let labelled = evaluations.iter().any(|evaluation| evaluation.overall.labelled > 0);
        let why =
            if labelled { "Accuracy@k was not measured." } else { "No task has a label, so there is no accuracy." };
        return Ok(format!("<p class=\"empty\">{why}</p>\n"));
    }
    // A legend row each: the lines keep their room.
    let legend = 22 * u32::try_from(evaluations.len().min(20)).unwrap_or(0);
    let mut out = figure(|style| curve_svg(evaluations, style), (1200, 430 + legend), (380, 340 + legend))?;
    let ks: BTreeSet<u32> =
        evaluations.iter().flat_map(|evaluation| evaluation.at_k.iter().map(|point| point.k)).collect();
    let columns: Vec<String> = (0..evaluations.len()).map(|index| name(evaluations, index)).collect();
    let heads: Vec<&str> = std::iter::once("k").chain(columns.iter().map(String::as_str)).collect();
    let rows = ks.iter().map(|k| {
        let at =
            |evaluation: &Evaluation| evaluation.at_k.iter().find(|point| point.k == *k).map(|point| point.accuracy);
        std::iter::once(k.to_string()).chain(evaluations.iter().map(|evaluation| interval_of(at(evaluation)))).collect()
    });
    out += "<p class=\"note\">A point at k is the mean over random subsets of k of each task's samples; a subset \
            without a reward counts 0. Tasks with fewer than k samples are left out of it, not counted 0; n in the \
            figures is how many tasks took part. Points with different n are of different tasks.</p>\n";
    out += &folded("The curve's figures", &table("Accuracy@k with 95 % bootstrap intervals", &heads, rows));
    Ok(out)
}

/// A chart in two sizes; the style sheet shows the one that fits the screen.
fn figure<F>(draw: F, wide: (u32, u32), narrow: (u32, u32)) -> Result<String, ReportError>
where
    F: Fn(SvgStyle) -> Result<String, ReportError>,
{
    let one = |(width, height)| draw(SvgStyle { width, height, background: Background::Clear });
    Ok(format!(
        "<div class=\"chart wide\">{}</div><div class=\"chart narrow\">{}</div>\n",
        one(wide)?.trim_end(),
        one(narrow)?.trim_end()
    ))
}

fn confidence(evaluations: &[Evaluation]) -> Result<String, ReportError> {
    let mut out = String::new();
    for (index, evaluation) in evaluations.iter().enumerate() {
        let both = [("rewards", &evaluation.reward_reliability), ("samples", &evaluation.sample_reliability)];
        for (of, reliability) in both {
            let Some(reliability) = reliability else { continue };
            let name = name(evaluations, index);
            out += &format!("<h3>{name}: {of}</h3>\n");
            out += &figure(|style| reliability_svg(reliability, of, style), (760, 480), (380, 360))?;
            let rows = reliability.bins.iter().map(|bin| {
                vec![
                    format!("{:.1} to {:.1}", bin.from, bin.to),
                    count(bin.count),
                    format!("{:.3}", bin.confidence),
                    interval(Some(bin.accuracy)),
                ]
            });
            let caption =
                format!("{} confidences; expected calibration error {:.3}", reliability.count, reliability.error);
            out += &table(&caption, &["Confidence", "Count", "Mean confidence", "Right"], rows);
        }
    }
    Ok(out
        + "<p class=\"note\">On the thin diagonal confidence means what it says: of what is said with 0.8, 80 % is right. Below \
           it the judge is too sure. Of samples, those that scored every response of a task with a label count.</p>\n")
}

fn scores(evaluations: &[Evaluation]) -> Result<String, ReportError> {
    let mut out = String::new();
    for (index, evaluation) in evaluations.iter().enumerate() {
        let (last, single) = (&evaluation.scores, &evaluation.sample_scores);
        let pair = format!(
            "<div class=\"pair\">\n{}{}</div>\n",
            histogram(last, "Final score")?,
            histogram(single, "Score in a single sample")?
        );
        let name = name(evaluations, index);
        // Two charts for each of many runs would bury the rest of the page.
        out += &if evaluations.len() > 4 { folded(&name, &pair) } else { format!("<h3>{name}</h3>\n{pair}") };
    }
    Ok(out)
}

fn histogram(bars: &[Bar], label: &str) -> Result<String, ReportError> {
    let kinds = kinds(bars);
    if kinds.is_empty() {
        return Ok(format!("<p class=\"empty\">{label}: no scores.</p>\n"));
    }
    let chart = figure(|style| histogram_svg(bars, label, style), (560, 300), (380, 280))?;
    let legend: String = kinds.iter().map(|kind| format!("<span>{}{}</span> ", kind.swatch(), kind.name)).collect();
    let heads: Vec<&str> = ["From", "to"].into_iter().chain(kinds.iter().map(|kind| kind.name)).collect();
    let rows = bars.iter().map(|bar| {
        let counts = kinds.iter().map(|kind| count((kind.count)(bar)));
        [format!("{:.3}", bar.from), format!("{:.3}", bar.to)].into_iter().chain(counts).collect()
    });
    let figures = folded("The histogram's figures", &table(label, &heads, rows));
    Ok(format!("<figure><figcaption>{legend}</figcaption>{chart}{figures}</figure>\n"))
}

fn failures(evaluations: &[Evaluation]) -> String {
    let columns: Vec<String> = (0..evaluations.len()).map(|index| name(evaluations, index)).collect();
    let one = |what: &str, none: &str, of: fn(&Figures) -> (&BTreeMap<String, u64>, u64)| {
        let kinds: BTreeSet<&String> =
            evaluations.iter().flat_map(|evaluation| of(&evaluation.overall).0.keys()).collect();
        if evaluations.iter().all(|evaluation| of(&evaluation.overall).1 == 0) {
            return format!("<p class=\"empty\">{what}: nothing was recorded.</p>\n");
        }
        if kinds.is_empty() {
            return format!("<p class=\"empty\">{none}</p>\n");
        }
        let most =
            evaluations.iter().flat_map(|evaluation| of(&evaluation.overall).0.values()).max().copied().unwrap_or(0);
        let heads: Vec<&str> = std::iter::once("Kind").chain(columns.iter().map(String::as_str)).collect();
        let rows = kinds.into_iter().map(|kind| {
            let cells = evaluations.iter().enumerate().map(|(index, evaluation)| {
                let (failed, all) = of(&evaluation.overall);
                let failed = failed.get(kind).copied().unwrap_or(0);
                let bar = bar(failed as f64, most as f64, index);
                format!("{bar}{}<span class=\"interval\">{}</span>", count(failed), ratio(failed, all))
            });
            std::iter::once(format!("<code>{}</code>", html(kind))).chain(cells).collect()
        });
        table(what, &heads, rows)
    };
    one("Samples without a judgement, by kind", "Every sample has a judgement.", |figures| {
        (&figures.failures, figures.samples)
    }) + &one("Tasks without a reward, by kind", "Every task has a reward.", |figures| {
        (&figures.failed_tasks, figures.tasks)
    })
}

fn cost(evaluations: &[Evaluation]) -> String {
    let most = |of: fn(&Figures) -> Option<f64>| {
        evaluations.iter().filter_map(|evaluation| of(&evaluation.overall)).fold(0.0, f64::max)
    };
    let (tokens, seconds) = (most(|figures| figures.tokens_per_task), most(|figures| figures.seconds_per_task));
    let rows = evaluations.iter().enumerate().map(|(index, evaluation)| {
        let figures = &evaluation.overall;
        let with_bar = |value: Option<f64>, most: f64, decimals| {
            let bar = value.map_or_else(String::new, |value| bar(value, most, index));
            format!("{bar}{}", mean(value, decimals))
        };
        let per_task = (figures.tasks > 0).then(|| figures.samples as f64 / figures.tasks as f64);
        vec![
            name(evaluations, index),
            count(figures.samples),
            mean(per_task, 1),
            with_bar(figures.tokens_per_task, tokens, 0),
            with_bar(figures.seconds_per_task, seconds, 2),
        ]
    });
    let heads = ["Run", "Samples", "Samples per task", "Tokens per task", "Seconds of generation per task"];
    table("What the runs took", &heads, rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn every_figure_of_the_comparison_is_on_the_page() {
        let html = sections(&[fixtures::evaluation("vote", 0), fixtures::evaluation("tournament", 1)]).unwrap();
        let expected = [
            "vote",
            "tournament",
            "vote 0.1.0",
            "SmolLM2-135M-Instruct.Q8_0.gguf",
            "67.0 %",
            "63.0 – 71.0",
            "at k = 32",
            "8.0 %",
            "97.7 %",
            "81.0 %",
            "56.0 %",
            "11240",
            "48.20",
            "unparsable",
            "wrong_count",
            "no_valid_sample",
            "rewardbench",
            "Chat Hard",
            "a part is missing",
            "Adversarial",
            "Natural",
        ];
        for text in expected {
            assert!(html.contains(text), "no {text:?}");
        }
        fixtures::assert_well_formed(&html);
    }

    #[test]
    fn a_run_without_labels_or_scores_says_so_instead_of_showing_empty_charts() {
        let mut evaluation = fixtures::evaluation("raw", 0);
        let nothing = BTreeMap::new();
        evaluation.overall = Figures {
            labelled: 0,
            accuracy: None,
            tie_rate: None,
            swap_consistency: None,
            first_shown_wins: None,
            tokens_per_task: None,
            seconds_per_task: None,
            failures: nothing.clone(),
            failed_tasks: nothing,
            samples: 0,
            valid: 0,
            ..evaluation.overall
        };
        evaluation.at_k.clear();
        evaluation.scores.clear();
        evaluation.sample_scores.clear();
        evaluation.groups.clear();
        evaluation.protocol = None;
        (evaluation.reward_reliability, evaluation.sample_reliability) = (None, None);
        let html = sections(&[evaluation]).unwrap();
        for text in [
            "No task has a label",
            "No labelled tasks, so no accuracy: <bdi>raw</bdi>",
            "Final score: no scores.",
            "Samples without a judgement, by kind: nothing was recorded",
            "Every task has a reward.",
        ] {
            assert!(html.contains(text), "no {text:?} in {html}");
        }
        assert!(!html.contains("role=\"img\""), "no chart");
        assert!(!html.contains("NaN") && !html.contains("0.0 %"), "nothing unmeasured is shown as a number");
        assert!(sections(&[]).unwrap().contains("No runs were measured"));
    }

    #[test]
    fn a_group_with_unlabelled_tasks_says_both_numbers_apart() {
        let mut evaluation = fixtures::evaluation("vote", 0);
        evaluation.groups[0].figures = Figures { labelled: 6, ..fixtures::figures(7, 0.5) };
        let html = sections(&[evaluation]).unwrap();
        assert!(html.contains("<span class=\"interval\">7 tasks, 6 labelled, tied 8.0 %</span>"), "{html}");
    }

    #[test]
    fn each_accuracy_at_k_says_how_many_tasks_it_is_of() {
        let mut evaluation = fixtures::evaluation("vote", 0);
        for (point, tasks) in evaluation.at_k.iter_mut().zip([197, 196, 195, 194, 193, 192]) {
            point.accuracy.tasks = tasks;
        }
        let html = sections(&[evaluation]).unwrap();
        assert!(html.contains("at k = 32, n = 192<"), "{html}");
        for tasks in 192..=197 {
            assert!(html.contains(&format!(">n = {tasks}<")), "no n = {tasks} in {html}");
        }
    }

    #[test]
    fn names_from_runs_are_text_and_not_markup() {
        let hostile = "<img src=x onerror=alert(1)>\"'</table>";
        let mut evaluation = fixtures::evaluation(hostile, 0);
        evaluation.policy = hostile.into();
        evaluation.model = hostile.into();
        evaluation.by = vec![hostile.into()];
        evaluation.groups[0].values = vec![hostile.into()];
        evaluation.overall.failures = BTreeMap::from([(hostile.into(), 3)]);
        let html = sections(&[evaluation]).unwrap();
        assert!(!html.contains("<img"), "{html}");
        fixtures::assert_well_formed(&html);
    }
}
