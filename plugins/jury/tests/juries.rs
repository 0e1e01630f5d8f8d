//! Votes, quorums and weights of several judges.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use jury::Jury;
use rewarden_plugin::{Context, Draw, Judge, Outcome, Plugin, Policy, Random, Refusal, Reward, Sample, Step};
use voting::fixtures::{self, SCALE, all, failure, number, text, values};

fn policy(config: &str) -> Jury {
    Jury::from_json(config).unwrap()
}

fn context(own: bool, judges: &[&str]) -> Context {
    let judges = judges.iter().map(|name| Judge { name: (*name).to_owned(), temperature: 0.5 }).collect();
    Context { judges, has_own_judge: own, ..Context::of(SCALE) }
}

fn three() -> Context {
    context(false, &["a", "b", "c"])
}

fn of(id: u32, judge: &str, outcome: Outcome) -> Sample {
    Sample { judge: Some(judge.to_owned()), ..Sample::of(id, vec![0, 1], outcome) }
}

fn reward(config: &str, samples: &[Sample]) -> Reward {
    fixtures::finish(&policy(config), &fixtures::task(2), &three(), samples)
}

#[test]
fn every_judge_is_asked_k_times_in_the_same_orders() {
    let context = context(true, &["b"]);
    let Step::Draw(draws) = policy(r#"{"k": 2}"#).next(&fixtures::task(2), &context, &[]).unwrap() else { panic!() };
    let asked: Vec<(Option<&str>, &[u32])> =
        draws.iter().map(|d: &Draw| (d.judge.as_deref(), d.order.as_slice())).collect();
    assert_eq!(asked.iter().map(|(judge, _)| *judge).collect::<Vec<_>>(), [None, None, Some("b"), Some("b")]);
    assert_eq!(asked[0].1, asked[2].1);
    assert_eq!(asked[1].1, asked[3].1);
    // A sample that is there already is not drawn again.
    let there = [Sample::of(0, vec![0, 1], all(&[1.0, 2.0]))];
    let Step::Draw(draws) = policy(r#"{"k": 2}"#).next(&fixtures::task(2), &context, &there).unwrap() else { panic!() };
    assert_eq!(draws.len(), 3);
}

#[test]
fn the_majority_of_judges_wins_however_loud_the_minority_is() {
    let samples = [of(0, "a", all(&[6.0, 5.0])), of(1, "b", all(&[6.0, 5.0])), of(2, "c", all(&[1.0, 10.0]))];
    let voted = reward("{}", &samples);
    assert_eq!(values(&voted), [2.0 / 3.0, 1.0 / 3.0]);
    assert_eq!((voted.confidence, voted.used.clone()), (Some(2.0 / 3.0), vec![0, 1, 2]));
    assert_eq!((number(&voted, "agreement"), number(&voted, "judge_c")), (1.0 / 3.0, 1.0));
    let mean = reward(r#"{"aggregate": "mean"}"#, &samples);
    assert_eq!(values(&mean), [13.0 / 3.0, 20.0 / 3.0]);
    let median = values(&reward(r#"{"aggregate": "geometric-median"}"#, &samples));
    assert!((median[0] - 6.0).abs() < 1e-6 && (median[1] - 5.0).abs() < 1e-6, "{median:?}");
    let weighed = reward(r#"{"weights": {"c": 3}}"#, &samples);
    assert_eq!(values(&weighed), [0.4, 0.6]);
}

#[test]
fn a_judge_that_is_down_costs_its_samples_and_no_task_while_the_quorum_stands() {
    let samples = [of(0, "a", all(&[6.0, 5.0])), of(1, "b", failure()), of(2, "c", all(&[9.0, 1.0]))];
    let voted = reward("{}", &samples);
    assert_eq!((values(&voted), text(&voted, "missing")), (vec![1.0, 0.0], "b"));
    let next = |config: &str, samples: &[Sample]| policy(config).next(&fixtures::task(2), &three(), samples);
    let failed = [of(0, "a", all(&[6.0, 5.0])), of(1, "b", failure()), of(2, "c", failure())];
    for (config, samples) in [(r#"{"quorum": 3}"#, &samples), ("{}", &failed)] {
        assert!(matches!(next(config, samples), Err(Refusal::TooFewSamples(why)) if why.contains("none from b")));
    }
    assert!(matches!(next(r#"{"quorum": 1}"#, &failed), Ok(Step::Finish(_))));
}

#[test]
fn a_jury_of_judges_that_the_pack_lacks_is_refused_by_name() {
    let refused = |config: &str, context: &Context| match policy(config).next(&fixtures::task(2), context, &[]) {
        Err(Refusal::Other(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(refused(r#"{"judges": ["a", "x"]}"#, &three()).contains("no judge `x`; it has a, b, c"));
    assert!(refused(r#"{"judges": ["own"]}"#, &three()).contains("no judge `own`"));
    assert!(refused(r#"{"weights": {"x": 2}}"#, &three()).contains("no judge `x`"));
    assert!(refused("{}", &context(false, &[])).contains("[judges.NAME]"));
    for wrong in [r#"{"weights": {"a": 0}}"#, r#"{"judges": ["a", "a"]}"#, r#"{"judges": ["a"], "weights": {"b": 1}}"#]
    {
        assert!(Jury::from_json(wrong).is_err(), "{wrong}");
    }
}

/// The chance that most of three independent judges are right.
fn binomial(p: f64) -> f64 {
    p.powi(3) + 3.0 * p.powi(2) * (1.0 - p)
}

#[test]
fn three_judges_of_known_accuracy_are_as_right_as_the_binomial_says() {
    let tasks = 20_000;
    for accuracy in [0.6, 0.7, 0.9] {
        let mut random = Random::new(7);
        let mut right = 0;
        for _ in 0..tasks {
            let mut vote = |id, judge| {
                let is_right = chance(&mut random) < accuracy;
                of(id, judge, all(if is_right { &[9.0, 2.0] } else { &[2.0, 9.0] }))
            };
            let samples = [vote(0, "a"), vote(1, "b"), vote(2, "c")];
            right += u32::from(values(&reward("{}", &samples))[0] > 0.5);
        }
        let (found, expected) = (f64::from(right) / f64::from(tasks), binomial(accuracy));
        let error = (expected * (1.0 - expected) / f64::from(tasks)).sqrt();
        assert!((found - expected).abs() < 4.0 * error, "{accuracy}: {found}, expected {expected} ± {error}");
    }
}

/// A number from 0 to 1.
fn chance(random: &mut Random) -> f64 {
    random.below(1_000_000) as f64 / 1e6
}
