//! Laws of parsers.

use rand::Rng;
use rewarden_judge::accepted_judgement;
use rewarden_types::{Completion, Judgement, ParseFailure, ParseRequest, Scale};

use super::Checked;
use super::made_up::{MadeUp, smallest};
use super::quote::quoted;
use super::tally::{CheckTally, Report};
use crate::values;

pub(super) fn check(checked: &Checked, made_up: &mut MadeUp, report: &mut Report) {
    let mut runs = CheckTally::law("never traps or runs over a limit");
    let mut valid = CheckTally::law(
        "gives one score on the scale for each response, sound criteria and probabilities, or a failure",
    );
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
    let found = values::parsed_text(parsed);
    accepted_judgement(judgement, shown as usize, scale).map_err(|failure| format!("{}: {found}", failure.message))
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
