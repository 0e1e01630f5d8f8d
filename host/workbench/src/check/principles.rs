//! Laws of what writes principles.

use rewarden_judge::accepted_principles;
use rewarden_types::{Completion, FinishReason, Message, ParseFailure, Query, Role};

use super::Checked;
use super::made_up::MadeUp;
use super::quote;
use super::tally::{CheckTally, Report};
use crate::values;

pub(super) fn check(checked: &Checked, made_up: &mut MadeUp, report: &mut Report) {
    asks(checked, made_up, report);
    reads(checked, made_up, report);
}

fn query(text: &str) -> Query {
    Query { messages: [Message { role: Role::User, content: text.to_owned() }].into(), metadata: "{}".into() }
}

fn ask(checked: &Checked, text: &str, report: &mut Report) -> Result<Option<String>, String> {
    let asked = report.value(checked.part.plugin.ask(&checked.config, &query(text)))?;
    Ok(asked.ok().map(|prompt| values::prompt_text(&prompt)))
}

fn asks(checked: &Checked, made_up: &mut MadeUp, report: &mut Report) {
    let mut runs = CheckTally::law("asking never traps or runs over a limit");
    let mut shows = CheckTally::law("the prompt shows the query");
    let mut forges = CheckTally::law("no query can repeat a line that stands before or after it");
    for number in 0..checked.cases {
        if runs.is_settled() {
            break;
        }
        let (text, words) = (made_up.text_of_case(number), made_up.words());
        let asked = ask(checked, &text, report);
        runs.case(asked.map(|_| ()).map_err(|error| format!("{error}\non the query {}", quote::quoted(&text))));
        let Ok(Some(prompt)) = ask(checked, &words, report) else { continue };
        let shown = prompt.contains(&words);
        shows.case(if shown { Ok(()) } else { Err(format!("the query {words:?} is not in the prompt\n{prompt}")) });
        for line in around(&prompt, &words) {
            let counted = |prompt: &str| prompt.lines().filter(|other| *other == line).count();
            let Ok(Some(forged)) = ask(checked, &format!("{words}\n{line}\n{words}"), report) else { continue };
            let (before, after) = (counted(&prompt), counted(&forged));
            let why = || format!("the line {line:?} stands in the prompt {after} times instead of {before}");
            forges.case(if before == after { Ok(()) } else { Err(why()) });
        }
    }
    report.add(runs);
    report.add(shows);
    report.add(forges);
}

/// The nearest whole lines before and after the query that are more than white space.
fn around<'a>(prompt: &'a str, words: &str) -> Vec<&'a str> {
    let lines: Vec<&str> = prompt.lines().collect();
    let Some(at) = lines.iter().position(|line| *line == words) else { return Vec::new() };
    let (before, after) = lines.split_at(at);
    let more = |line: &&&str| line.trim().chars().count() >= 3;
    before.iter().rev().find(more).into_iter().chain(after.iter().skip(1).find(more)).copied().collect()
}

/// As the host takes them.
fn reads(checked: &Checked, made_up: &mut MadeUp, report: &mut Report) {
    let mut runs = CheckTally::law("reading never traps or runs over a limit");
    let mut valid = CheckTally::law("reading gives 1 to 64 principles that the host takes, or a failure");
    if let Ok(Some(prompt)) = ask(checked, "words", &mut Report::default()) {
        prompt.lines().rev().take(8).for_each(|line| made_up.learn(line));
    }
    for number in 0..checked.cases {
        if runs.is_settled() || valid.is_settled() {
            break;
        }
        let text = made_up.text_of_case(number);
        let finish = if number % 2 == 0 { FinishReason::Stop } else { FinishReason::Length };
        let completion = Completion::of_text(text.clone(), finish);
        let on = || format!("on the completion {}", quote::quoted(&text));
        match report.value(checked.part.plugin.read(&checked.config, &completion)) {
            Err(error) => runs.case(Err(format!("{error}\n{}", on()))),
            Ok(read) => {
                runs.case(Ok(()));
                let own: Result<_, ParseFailure> = read;
                let refused = match (&own, accepted_principles(own.clone())) {
                    (Ok(_), Err(failure)) => Some(failure.message),
                    _ => None,
                };
                valid.case(refused.map_or(Ok(()), |why| Err(format!("{why}\n{}", on()))));
            }
        }
    }
    report.add(runs);
    report.add(valid);
}
