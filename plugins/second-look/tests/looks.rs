//! What is shown to whom, and what the second look comes to.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use rewarden_plugin::{Context, Draw, Judge, Outcome, Plugin, Policy, Refusal, Reward, Sample, Step};
use second_look::SecondLook;
use voting::fixtures::{self, SCALE, all, failure, number, values};

fn context() -> Context {
    Context { judges: vec![Judge { name: "critic".into(), temperature: 0.0 }], ..Context::of(SCALE) }
}

fn policy(config: &str) -> SecondLook {
    SecondLook::from_json(config).unwrap()
}

fn sample(id: u32, judge: Option<&str>, outcome: Outcome) -> Sample {
    Sample { judge: judge.map(str::to_owned), ..Sample::of(id, vec![0, 1], outcome) }
}

fn draws(config: &str, samples: &[Sample]) -> Vec<Draw> {
    match policy(config).next(&fixtures::task(2), &context(), samples).unwrap() {
        Step::Draw(draws) => draws,
        step => panic!("{step:?}"),
    }
}

fn finish(config: &str, samples: &[Sample]) -> Reward {
    match policy(config).next(&fixtures::task(2), &context(), samples).unwrap() {
        Step::Finish(reward) => reward,
        step => panic!("{step:?}"),
    }
}

fn asked(draws: &[Draw]) -> Vec<(Option<&str>, &[u32])> {
    draws.iter().map(|draw| (draw.judge.as_deref(), draw.show.as_slice())).collect()
}

const FIRST: [f64; 2] = [9.0, 2.0];
const SECOND: [f64; 2] = [2.0, 9.0];

#[test]
fn in_a_cross_examination_each_judge_sees_what_all_said_and_the_second_answers_decide() {
    let config = r#"{"k": 1, "last_k": 1}"#;
    assert_eq!(asked(&draws(config, &[])), [(None, &[][..]), (Some("critic"), &[])]);
    let mut samples = vec![sample(0, None, all(&FIRST)), sample(1, Some("critic"), all(&SECOND))];
    assert_eq!(asked(&draws(config, &samples)), [(None, &[0, 1][..]), (Some("critic"), &[0, 1])]);
    samples.extend([sample(2, None, all(&SECOND)), sample(3, Some("critic"), all(&SECOND))]);
    let reward = finish(config, &samples);
    assert_eq!((values(&reward), reward.used.clone(), reward.confidence), (SECOND.to_vec(), vec![2, 3], Some(1.0)));
    // The first answers were even, so both of the last say something else.
    assert_eq!((number(&reward, "shown"), number(&reward, "changed")), (2.0, 2.0));
}

#[test]
fn a_critique_is_shown_to_the_judge_that_decides_though_it_holds_no_score() {
    let config = r#"{"first": ["critic"], "last": [""], "k": 1, "last_k": 2, "show_failed": true}"#;
    let mut samples = vec![sample(0, Some("critic"), failure())];
    assert_eq!(asked(&draws(config, &samples)), [(None, &[0][..]), (None, &[0])]);
    samples.extend([sample(1, None, all(&FIRST)), sample(2, None, failure())]);
    let reward = finish(config, &samples);
    assert_eq!((values(&reward), reward.used), (FIRST.to_vec(), vec![1]));
}

#[test]
fn failed_first_samples_are_not_shown_and_nothing_is_decided_without_any() {
    let config = r#"{"first": [""], "k": 2, "last_k": 1}"#;
    let samples = [sample(0, None, failure()), sample(1, None, all(&FIRST))];
    assert_eq!(asked(&draws(config, &samples)), [(None, &[1][..])]);
    let failed = [sample(0, None, failure()), sample(1, None, failure())];
    let next = |samples: &[Sample]| policy(config).next(&fixtures::task(2), &context(), samples);
    assert!(matches!(next(&failed), Err(Refusal::TooFewSamples(_))));
    let undecided = [sample(0, None, all(&FIRST)), sample(1, None, all(&FIRST)), sample(2, None, failure())];
    assert!(matches!(next(&undecided), Err(Refusal::TooFewSamples(_))));
}

#[test]
fn an_unknown_judge_a_doubled_one_and_a_budget_that_is_too_small_are_refused() {
    let next = |config: &str, context: &Context| policy(config).next(&fixtures::task(2), context, &[]);
    assert!(matches!(next(r#"{"first": ["nobody"]}"#, &context()), Err(Refusal::Other(why)) if why.contains("nobody")));
    let small = Context { samples_left: 3, ..context() };
    assert!(matches!(next("{}", &small), Err(Refusal::TooFewSamples(_))));
    for config in [r#"{"first": ["a", "a"]}"#, r#"{"k": 0}"#, r#"{"last_k": 65}"#] {
        assert!(SecondLook::from_json(config).is_err(), "{config}");
    }
}
