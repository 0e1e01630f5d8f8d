//! When the strong judge is asked, and what that saves.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use cascade::Cascade;
use rewarden_plugin::{Context, Draw, Judge, Outcome, Plugin, Policy, Random, Refusal, Reward, Sample, Step};
use voting::fixtures::{self, SCALE, all, failure, flag, values};

fn context() -> Context {
    Context { judges: vec![Judge { name: "strong".into(), temperature: 0.0 }], ..Context::of(SCALE) }
}

fn policy(config: &str) -> Cascade {
    Cascade::from_json(config).unwrap()
}

fn cheap(id: u32, outcome: Outcome) -> Sample {
    Sample::of(id, vec![0, 1], outcome)
}

fn strong(id: u32, outcome: Outcome) -> Sample {
    Sample { judge: Some("strong".into()), ..cheap(id, outcome) }
}

fn next(config: &str, samples: &[Sample]) -> Step {
    policy(config).next(&fixtures::task(2), &context(), samples).unwrap()
}

fn finish(config: &str, samples: &[Sample]) -> Reward {
    match next(config, samples) {
        Step::Finish(reward) => reward,
        step => panic!("{step:?}"),
    }
}

fn asks_strong(config: &str, samples: &[Sample]) -> bool {
    match next(config, samples) {
        Step::Draw(draws) => draws.iter().all(|draw: &Draw| draw.judge.as_deref() == Some("strong")),
        _ => false,
    }
}

const FIRST: [f64; 2] = [9.0, 2.0];
const SECOND: [f64; 2] = [2.0, 9.0];

#[test]
fn the_strong_judge_is_asked_where_the_first_is_unsure_and_then_decides_alone() {
    let config = r#"{"k": 3, "strong_k": 1}"#;
    let sure = [cheap(0, all(&FIRST)), cheap(1, all(&FIRST)), cheap(2, all(&FIRST))];
    let reward = finish(config, &sure);
    assert_eq!((values(&reward), flag(&reward, "escalated")), (FIRST.to_vec(), false));
    let mut split = vec![cheap(0, all(&FIRST)), cheap(1, all(&FIRST)), cheap(2, all(&SECOND))];
    assert!(asks_strong(config, &split));
    split.push(strong(3, all(&SECOND)));
    let reward = finish(config, &split);
    assert_eq!((values(&reward), reward.used.clone(), flag(&reward, "escalated")), (SECOND.to_vec(), vec![3], true));
    // A level that the first judge reaches, and one that nobody has to reach.
    assert!(matches!(next(r#"{"k": 3, "strong_k": 1, "level": 0.6}"#, &split[..3]), Step::Finish(_)));
    let tie = [cheap(0, all(&FIRST)), cheap(1, all(&SECOND))];
    assert!(asks_strong(r#"{"k": 2}"#, &tie));
}

#[test]
fn a_first_judge_that_fails_is_unsure_and_a_strong_one_that_fails_leaves_the_first() {
    let config = r#"{"k": 2, "strong_k": 1}"#;
    assert!(asks_strong(config, &[cheap(0, failure()), cheap(1, failure())]));
    let left = [cheap(0, all(&FIRST)), cheap(1, all(&SECOND)), strong(2, failure())];
    let reward = finish(config, &left);
    assert!(flag(&reward, "strong_failed") && reward.used == [0, 1]);
    let nothing = [cheap(0, failure()), cheap(1, failure()), strong(2, failure())];
    let refused = policy(config).next(&fixtures::task(2), &context(), &nothing);
    assert!(matches!(refused, Err(Refusal::TooFewSamples(_))));
}

#[test]
fn certainty_may_come_from_the_samples_themselves() {
    let config = r#"{"k": 2, "strong_k": 1, "by": "confidence", "level": 0.8}"#;
    let with = |confidence| [0, 1].map(|id| Sample { confidence, ..cheap(id, all(&FIRST)) });
    assert!(matches!(next(config, &with(Some(0.9))), Step::Finish(_)));
    assert!(asks_strong(config, &with(Some(0.7))));
    assert!(asks_strong(config, &with(None)));
}

#[test]
fn judges_that_the_pack_lacks_and_settings_that_make_no_sense_are_refused() {
    let lacking = policy(r#"{"strong": "huge"}"#).next(&fixtures::task(2), &context(), &[]);
    assert!(matches!(lacking, Err(Refusal::Other(why)) if why.contains("no judge huge")));
    for wrong in [r#"{"level": 2}"#, r#"{"strong": null}"#, r#"{"strong_k": 0}"#] {
        assert!(Cascade::from_json(wrong).is_err(), "{wrong}");
    }
}

/// A judge's verdict on a task: easy ones it gets right, hard ones by its accuracy.
fn verdict(random: &mut Random, hard: bool, accuracy: f64) -> Outcome {
    let right = chance(random) < if hard { accuracy } else { 0.97 };
    all(if right { &FIRST } else { &SECOND })
}

#[test]
fn it_is_as_right_as_the_strong_judge_alone_for_a_part_of_its_cost() {
    let config = r#"{"k": 4, "strong_k": 1}"#;
    let tasks = 4000;
    let (mut random, mut right, mut alone, mut escalated) = (Random::new(11), 0, 0, 0);
    for _ in 0..tasks {
        let hard = chance(&mut random) < 0.3;
        let mut samples: Vec<Sample> = (0..4).map(|id| cheap(id, verdict(&mut random, hard, 0.55))).collect();
        let answer = verdict(&mut random, hard, 0.95);
        alone += u32::from(answer == all(&FIRST));
        if asks_strong(config, &samples) {
            escalated += 1;
            samples.push(strong(4, answer));
        }
        right += u32::from(values(&finish(config, &samples))[0] > 5.0);
    }
    let share = |count: u32| f64::from(count) / f64::from(tasks);
    // Hard tasks on which four samples agree on what is wrong are the price: 0.3 * 0.45^4 = 1.2 %.
    assert!(share(right) > share(alone) - 0.02, "{} against {}", share(right), share(alone));
    assert!(share(escalated) < 0.45, "{}", share(escalated));
}

/// A number from 0 to 1.
fn chance(random: &mut Random) -> f64 {
    random.below(1_000_000) as f64 / 1e6
}
