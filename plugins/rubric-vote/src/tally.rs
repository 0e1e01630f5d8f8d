//! Which samples count, and what they say under each criterion.

use std::collections::BTreeMap;

use criteria::{Criterion, folded};
use rewarden_plugin::{CriterionScore, Outcome, Rejection, RejectionKind, Sample, Score};

use crate::config::NotApplicable;

/// The verdicts on one response under one criterion.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Votes {
    /// In the order of the samples.
    pub(crate) values: Vec<f64>,
    /// How many samples said that it does not apply.
    pub(crate) not_applicable: usize,
}

/// What all samples say.
pub(crate) struct Tally {
    /// By response, then by the criterion's place in the rubric.
    pub(crate) votes: Vec<Vec<Votes>>,
    pub(crate) used: Vec<u32>,
    pub(crate) rejected: Vec<Rejection>,
}

impl Tally {
    pub(crate) fn of(
        rubric: &[Criterion],
        responses: usize,
        samples: &[Sample],
        not_applicable: NotApplicable,
    ) -> Tally {
        let places: BTreeMap<String, usize> =
            rubric.iter().enumerate().map(|(place, criterion)| (folded(&criterion.id), place)).collect();
        let mut tally = Tally {
            votes: vec![vec![Votes::default(); rubric.len()]; responses],
            used: Vec::new(),
            rejected: Vec::new(),
        };
        for sample in samples.iter().filter(|sample| matches!(sample.outcome, Outcome::Scored(_))) {
            match read(sample, rubric, &places, not_applicable) {
                Ok(verdicts) => {
                    tally.used.push(sample.id);
                    for (response, place, score) in verdicts {
                        tally.count(response, place, score);
                    }
                }
                Err((kind, message)) => tally.rejected.push(Rejection { sample: sample.id, kind, message }),
            }
        }
        tally
    }

    fn count(&mut self, response: u32, place: usize, score: &Score) {
        let votes = self.votes.get_mut(response as usize).and_then(|of_response| of_response.get_mut(place));
        match (votes, score) {
            (Some(votes), Score::Value(value)) => votes.values.push(*value),
            (Some(votes), Score::Abstain(_)) => votes.not_applicable += 1,
            // The host places scores at responses that there are.
            (None, _) => {}
        }
    }
}

/// A verdict: the response, the criterion's place in the rubric, and the score.
type Verdict<'a> = (u32, usize, &'a Score);

/// The verdicts of a sample that counts, or why it does not.
fn read<'a>(
    sample: &'a Sample,
    rubric: &[Criterion],
    places: &BTreeMap<String, usize>,
    not_applicable: NotApplicable,
) -> Result<Vec<Verdict<'a>>, (RejectionKind, String)> {
    let asked: Vec<usize> = match sample.asked.as_slice() {
        [] => (0..rubric.len()).collect(),
        asked => asked.iter().filter_map(|id| places.get(&folded(id)).copied()).collect(),
    };
    let mut verdicts: Vec<Verdict<'a>> = Vec::with_capacity(sample.criteria.len());
    let mut seen = BTreeMap::new();
    for CriterionScore { criterion, response, score, .. } in &sample.criteria {
        let name: String = criterion.chars().take(80).collect();
        let Some(place) = places.get(&folded(criterion)).copied().filter(|place| asked.contains(place)) else {
            let message = format!("a verdict under `{name}` on response {response}, which was not asked for");
            return Err((RejectionKind::UnknownCriterion, message));
        };
        if seen.insert((*response, place), ()).is_some() {
            let message = format!("expected one verdict under `{name}` on response {response}, found two");
            return Err((RejectionKind::RepeatedCriterion, message));
        }
        if not_applicable == NotApplicable::Fail && matches!(score, Score::Abstain(_)) {
            let message = format!("`{name}` does not apply to response {response}, and every criterion has to");
            return Err((RejectionKind::NotApplicable, message));
        }
        verdicts.push((*response, place, score));
    }
    for response in &sample.order {
        if let Some(missing) = asked.iter().find(|place| !seen.contains_key(&(*response, **place))) {
            let id = rubric.get(*missing).map_or("", |criterion| criterion.id.as_str());
            let message = format!("expected a verdict under `{id}` on response {response}, found none");
            return Err((RejectionKind::MissingCriterion, message));
        }
    }
    Ok(verdicts)
}
