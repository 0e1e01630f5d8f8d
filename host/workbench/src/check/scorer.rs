//! Laws of scorers.

use std::sync::Arc;

use rand::Rng;
use rewarden_types::Score;

use super::Checked;
use super::made_up::MadeUp;
use super::quote;
use super::tally::{CheckTally, Report};
use crate::values;

pub(super) fn check(checked: &Checked, made_up: &mut MadeUp, report: &mut Report) {
    let mut runs = CheckTally::law("never traps or runs over a limit");
    let mut valid = CheckTally::law("gives one finite score for each response, or refuses");
    let mut refused = 0;
    for number in 0..checked.cases {
        if runs.is_settled() || valid.is_settled() {
            break;
        }
        let responses = made_up.random.random_range(1..=5);
        let mut task = made_up.task(responses);
        if let Some(first) = Arc::make_mut(&mut task.responses).first_mut() {
            *first = made_up.text_of_case(number).into();
        }
        match report.value(checked.part.plugin.score_responses(&checked.config, &task)) {
            Err(error) => runs.case(Err(format!("{error}\non {}", quote::task(&task)))),
            Ok(Err(_)) => {
                runs.case(Ok(()));
                refused += 1;
            }
            Ok(Ok(scores)) => {
                runs.case(Ok(()));
                let finite = scores.iter().all(|score| !matches!(score, Score::Value(value) if !value.is_finite()));
                let fits = finite && scores.len() == responses;
                let found = || format!("it gave {}\non {}", values::scores_text(&scores), quote::task(&task));
                valid.case(if fits { Ok(()) } else { Err(found()) });
            }
        }
    }
    report.add(runs);
    report.add(valid);
    if refused > 0 {
        report.remark(format!("it refused {refused} of the made-up tasks"));
    }
}
