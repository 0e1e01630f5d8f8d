//! Laws of parsers.

use rand::Rng;
use rewarden_types::{Completion, Judgement, ParseFailure, ParseRequest, Scale, Score};

use super::Checked;
use super::made_up::{MadeUp, smallest};
use super::quote::quoted;
use super::tally::{CheckTally, Report};
use crate::values;

pub(super) fn check(checked: &Checked, made_up: &mut MadeUp, report: &mut Report) {
    let mut runs = CheckTally::law("never traps or runs over a limit");
    let mut valid = CheckTally::law("gives one score on the scale for each response, or a failure");
    let (part, config) = (checked.part, &checked.config);
    for number in 0..checked.cases {
        if runs.is_settled() || valid.is_settled() {
            break;
        }
        // A meta RM's parser reads one rating.
        let shown = if part.is_meta { 1 } else { made_up.random.random_range(1..=5) };
        let text = made_up.text_of_case(number);
        let completion = made_up.completion(text);
        let parsed = match report.value(part.plugin.parse(config, &ParseRequest::new(&completion, shown, part.scale))) {
            Ok(parsed) => parsed,
            Err(error) => {
                runs.case(Err(format!("{error}\non {}", described(&completion, shown))));
                continue;
            }
        };
        runs.case(Ok(()));
        if let Err(first) = validity(&parsed, shown, part.scale) {
            let again = |text: &str| {
                let completion = Completion { text: text.to_owned(), ..completion.clone() };
                let parsed = part.plugin.parse(config, &ParseRequest::new(&completion, shown, part.scale)).ok()?.value;
                validity(&parsed, shown, part.scale).err()
            };
            let (text, why) = smallest(completion.text.clone(), again).unwrap_or((completion.text.clone(), first));
            valid.case(Err(format!("{why}\non {}", described(&Completion { text, ..completion.clone() }, shown))));
        } else {
            valid.case(Ok(()));
        }
    }
    report.add(runs);
    report.add(valid);
}

/// The host would refuse what this refuses: a score must not get there by luck.
fn validity(parsed: &Result<Judgement, ParseFailure>, shown: u32, scale: Scale) -> Result<(), String> {
    let Ok(judgement) = parsed else { return Ok(()) };
    let found = values::scores_text(&judgement.scores);
    if judgement.scores.len() != shown as usize {
        return Err(format!("expected {shown} scores, found {}: {found}", judgement.scores.len()));
    }
    let off = judgement.scores.iter().any(|score| match score {
        Score::Value(value) => !values::on_scale(*value, scale),
        Score::Abstain(_) => false,
    });
    if off {
        let kind = if scale.integer { "whole numbers" } else { "numbers" };
        return Err(format!("expected {kind} from {} to {}, found {found}", scale.min, scale.max));
    }
    Ok(())
}

fn described(completion: &Completion, shown: u32) -> String {
    let tokens =
        if completion.tokens.is_empty() { String::new() } else { format!(", with the tokens {:?}", completion.tokens) };
    format!(
        "the completion {} about {shown} responses (finish: {:?}){tokens}",
        quoted(&completion.text),
        completion.finish
    )
}
