//! What pointwise rating promises, over the policy's public surface.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use pointwise::Pointwise;
use proptest::prelude::*;
use rewarden_plugin::{
    Context, Failure, FailureKind, Message, Outcome, Plugin, Policy, Refusal, Reward, Sample, Scale, Score, Step, Task,
};

fn task(responses: usize) -> Task {
    Task {
        messages: vec![Message::user("Which?")],
        responses: vec!["r".to_owned(); responses],
        reference: None,
        metadata: "{}".to_owned(),
    }
}

fn context() -> Context {
    let scale = Scale { min: 0.0, max: 9.0, integer: true };
    Context { seed: 5, samples_left: 64, rounds_left: 8, ..Context::of(scale) }
}

fn sample(id: u32, scores: &[Option<f64>]) -> Sample {
    let order = (0..).zip(scores).filter(|(_, score)| score.is_some()).map(|(index, _)| index).collect();
    let outcome = Outcome::Scored(scores.iter().map(|score| score.map(Score::Value)).collect());
    Sample { completion_tokens: 9, ..Sample::of(id, order, outcome) }
}

fn failed(id: u32) -> Sample {
    let failure = Failure { kind: FailureKind::Unparsable, message: "no number".to_owned() };
    let outcome = Outcome::Failed(failure);
    Sample { completion_tokens: 9, ..Sample::of(id, vec![0], outcome) }
}

fn next(json: &str, responses: usize, samples: &[Sample]) -> Result<Step, Refusal> {
    Pointwise::from_json(json).unwrap().next(&task(responses), &context(), samples)
}

fn finish(json: &str, responses: usize, samples: &[Sample]) -> Reward {
    match next(json, responses, samples) {
        Ok(Step::Finish(reward)) => reward,
        other => panic!("expected a reward, found {other:?}"),
    }
}

#[test]
fn every_response_is_shown_alone_as_often_as_asked_for() {
    let orders = |json, samples: &[Sample]| match next(json, 3, samples).unwrap() {
        Step::Draw(draws) => draws.into_iter().map(|draw| draw.order).collect::<Vec<_>>(),
        other => panic!("expected draws, found {other:?}"),
    };
    assert_eq!(orders("{}", &[]), [[0], [1], [2]]);
    assert_eq!(orders(r#"{"per_response": 2}"#, &[]), [[0], [1], [2], [0], [1], [2]]);
    // One that is there already is not drawn again.
    assert_eq!(orders(r#"{"k": 4}"#, &[sample(0, &[Some(7.0), None, None])]), [[1], [2], [0]]);
    assert!(matches!(next(r#"{"k": 2}"#, 3, &[]), Err(Refusal::TooFewSamples(_))));
}

#[test]
fn a_response_gets_the_mean_of_its_own_scores_and_a_failure_costs_no_other_response() {
    let samples =
        [sample(0, &[Some(4.0), None]), sample(1, &[None, Some(9.0)]), sample(2, &[Some(7.0), None]), failed(3)];
    let reward = finish(r#"{"per_response": 2}"#, 2, &samples);
    assert_eq!(reward.scores, [Score::Value(5.5), Score::Value(9.0)]);
    assert_eq!(reward.used, [0, 1, 2]);
    let none = finish("{}", 2, &[failed(0), sample(1, &[None, Some(3.0)])]);
    assert!(matches!(&none.scores[..], [Score::Abstain(_), Score::Value(3.0)]));
}

#[test]
fn samples_that_showed_several_responses_count_for_each_of_them() {
    let samples = [sample(0, &[Some(9.0), Some(0.0)]), sample(1, &[Some(0.0), Some(9.0)])];
    assert_eq!(finish(r#"{"k": 2}"#, 2, &samples).scores, [Score::Value(4.5), Score::Value(4.5)]);
}

proptest! {
    #[test]
    fn a_mean_lies_between_the_scores_that_it_is_made_of(scores in prop::collection::vec(0_u8..10, 1..20)) {
        let samples: Vec<_> = (0..).zip(&scores).map(|(id, score)| sample(id, &[Some(f64::from(*score))])).collect();
        let reward = finish(&format!(r#"{{"k": {}}}"#, scores.len()), 1, &samples);
        let Some(Score::Value(mean)) = reward.scores.first() else { panic!("no score") };
        let (least, most) = (scores.iter().min().unwrap(), scores.iter().max().unwrap());
        prop_assert!(*mean >= f64::from(*least) && *mean <= f64::from(*most));
    }
}
