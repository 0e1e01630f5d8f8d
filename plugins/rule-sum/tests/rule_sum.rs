//! What the sum of the rules promises, over the policy's public surface.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rewarden_plugin::{Context, Plugin, Policy, Refusal, Score, Signal};
use rule_sum::RuleSum;
use voting::fixtures::{context, finish, task, text, values};

fn signal(scorer: &str, scores: &[Option<f64>]) -> Signal {
    let score = |score: &Option<f64>| score.map_or_else(|| Score::Abstain("no box".to_owned()), Score::Value);
    Signal { scorer: scorer.to_owned(), scores: scores.iter().map(score).collect() }
}

fn with(signals: &[Signal]) -> Context {
    Context { signals: signals.to_vec(), ..context() }
}

fn policy(json: &str) -> RuleSum {
    RuleSum::from_json(json).unwrap()
}

fn refused(json: &str, signals: &[Signal]) -> String {
    match policy(json).next(&task(2), &with(signals), &[]).unwrap_err() {
        Refusal::Other(message) => message,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn of_one_scorer_the_reward_is_its_score_bit_for_bit(scores in prop::collection::vec(prop::num::f64::NORMAL, 2)) {
        let given: Vec<_> = scores.iter().copied().map(Some).collect();
        let reward = finish(&policy("{}"), &task(2), &with(&[signal("a", &given)]), &[]);
        prop_assert_eq!(values(&reward), scores);
    }
}

#[test]
fn several_are_added_by_their_weights_on_whatever_scale_they_are() {
    let signals = [signal("accuracy", &[Some(1.0), Some(0.0)]), signal("length", &[Some(-40.0), Some(200.0)])];
    let reward = finish(&policy(r#"{"weights": {"length": -0.25}}"#), &task(2), &with(&signals), &[]);
    assert_eq!(values(&reward), [11.0, -50.0]);
}

#[test]
fn who_abstains_is_left_out_and_where_all_do_there_is_no_score() {
    let signals = [signal("accuracy", &[None, None]), signal("format", &[Some(0.5), None])];
    let reward = finish(&policy("{}"), &task(2), &with(&signals), &[]);
    assert_eq!(reward.scores[0], Score::Value(0.5));
    assert_eq!(reward.scores[1], Score::Abstain("scorer `accuracy` gave no score: no box".to_owned()));
    assert_eq!(text(&reward, "abstained"), "0: accuracy, 1: accuracy, 1: format");
}

#[test]
fn a_sum_that_is_no_number_and_a_name_that_is_no_scorers_are_refused() {
    let huge = [signal("a", &[Some(f64::MAX), Some(0.0)]), signal("b", &[Some(f64::MAX), Some(0.0)])];
    assert_eq!(refused("{}", &huge), "the scores of response 1 add up to inf");
    let text = refused(r#"{"weights": {"c": 1}}"#, &huge);
    assert_eq!(text, "`weights.c` is of no scorer of the pack, which lists a, b");
    assert!(refused("{}", &[]).starts_with("there is nothing to add up"));
}
