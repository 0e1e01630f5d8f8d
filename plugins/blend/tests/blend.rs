//! What the mix of judge and rules promises, over the policy's public surface.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use blend::Blend;
use proptest::prelude::*;
use rewarden_plugin::{Context, Plugin, Policy, Random, Refusal, Reward, Sample, Score, Signal};
use voting::fixtures::{
    SCALE, all, context, draws, failed, finish, no_meta, nothing_left, number, run, scored, task, text, values,
};

fn policy(json: &str) -> Blend {
    Blend::from_json(json).unwrap()
}

fn signal(scorer: &str, scores: &[f64]) -> Signal {
    let scores = scores.iter().map(|score| Score::Value(*score)).collect();
    Signal { scorer: scorer.to_owned(), scores }
}

fn with(signals: &[Signal]) -> Context {
    Context { signals: signals.to_vec(), ..context() }
}

fn reward(json: &str, signals: &[Signal], samples: &[Sample]) -> Reward {
    finish(&policy(json), &task(2), &Context { samples_left: 0, ..with(signals) }, samples)
}

const HALF: &str = r#"{"k": 1, "judge_weight": 1, "signals": {"length": {"weight": 1}}}"#;

#[test]
fn without_signals_it_is_the_mean_of_the_judges_scores() {
    let reward =
        reward(r#"{"k": 2}"#, &[signal("length", &[0.0, 1.0])], &[scored(0, &[4.0, 8.0]), scored(1, &[6.0, 9.0])]);
    assert_eq!((values(&reward), reward.used), (vec![5.0, 8.5], vec![0, 1]));
}

#[test]
fn parts_are_mixed_by_their_weights_on_the_packs_scale() {
    // 5.5 is the middle of 1 to 10, and 10 the top.
    let samples = [scored(0, &[5.5, 10.0])];
    assert_eq!(values(&reward(HALF, &[signal("length", &[1.0, 0.0])], &samples)), [7.75, 5.5]);
    let json = r#"{"k": 1, "judge_weight": 3, "signals": {"length": {"weight": 1, "min": -4, "max": 4}}}"#;
    assert_eq!(values(&reward(json, &[signal("length", &[0.0, 4.0])], &samples)), [5.5, 10.0]);
}

#[test]
fn a_response_below_a_gate_gets_the_lowest_score_whatever_the_judge_says() {
    let json = r#"{"k": 1, "signals": {"format": {"gate": 1}, "length": {"weight": 1, "gate": 0.2}}}"#;
    let signals = [signal("format", &[0.0, 1.0]), signal("length", &[1.0, 0.2])];
    let reward = reward(json, &signals, &[scored(0, &[10.0, 10.0])]);
    assert_eq!(values(&reward)[0], SCALE.min);
    assert!(values(&reward)[1] > 6.0, "a signal at the gate passes: {reward:?}");
    assert_eq!((number(&reward, "gated"), text(&reward, "gates")), (1.0, "0: format"));
}

#[test]
fn where_gates_stop_every_response_nothing_is_drawn() {
    let policy = policy(r#"{"signals": {"format": {"gate": 1}}}"#);
    let context = with(&[signal("format", &[0.0, 0.5])]);
    let reward = finish(&policy, &task(2), &context, &[]);
    assert_eq!((values(&reward), text(&reward, "gates")), (vec![1.0, 1.0], "0: format, 1: format"));
    assert_eq!(draws(&policy, &task(2), &with(&[signal("format", &[0.0, 1.0])]), &[]).len(), 4);
}

#[test]
fn without_a_judge_nothing_is_drawn_and_the_rules_decide() {
    let json = r#"{"judge_weight": 0, "signals": {"answer": {"weight": 3}, "length": {"weight": 1}}}"#;
    let context = Context {
        samples_left: 0,
        rounds_left: 0,
        ..with(&[signal("answer", &[1.0, 0.0]), signal("length", &[0.0, 1.0])])
    };
    let reward = finish(&policy(json), &task(2), &context, &[]);
    assert_eq!((values(&reward), number(&reward, "samples")), (vec![7.75, 3.25], 0.0));
    let zero = r#"{"k": 0, "judge_weight": 0, "signals": {"answer": {"weight": 1}}}"#;
    assert_eq!(values(&finish(&policy(zero), &task(2), &context, &[])), [10.0, 1.0]);
}

#[test]
fn what_is_not_known_is_not_made_up() {
    let unsure =
        Signal { scorer: "length".to_owned(), scores: vec![Score::Abstain("no target".to_owned()), Score::Value(1.0)] };
    let found = reward(HALF, std::slice::from_ref(&unsure), &[scored(0, &[10.0, 10.0])]);
    assert!(matches!(&found.scores[0], Score::Abstain(why) if why.contains("`length` gave no score: no target")));
    assert_eq!(found.scores[1], Score::Value(10.0));

    let lost = reward(HALF, &[signal("length", &[1.0, 1.0])], &[failed(0)]);
    assert!(lost.scores.iter().all(|score| matches!(score, Score::Abstain(why) if why.contains("1 failed"))));

    let gate = r#"{"k": 1, "signals": {"format": {"gate": 1}, "length": {"weight": 1}}}"#;
    let stopped = reward(gate, &[signal("format", &[0.0, 1.0]), unsure], &[failed(0)]);
    assert_eq!(stopped.scores[0], Score::Value(1.0), "the gate decides without the rest");
    assert!(matches!(stopped.scores[1], Score::Abstain(_)));
}

#[test]
fn signals_that_the_pack_lacks_or_that_leave_their_range_are_refused_with_advice() {
    let refused = |signals: &[Signal]| match policy(HALF).next(&task(2), &with(signals), &[]).unwrap_err() {
        Refusal::Other(why) => why,
        other => panic!("{other:?}"),
    };
    assert!(refused(&[]).contains("the pack lists none"));
    assert!(refused(&[signal("format", &[1.0, 1.0])]).contains("the pack lists format"));
    assert!(
        refused(&[signal("length", &[0.5, 1.5])]).contains("gave 1.5, outside of 0 to 1: set `signals.length.min`")
    );
    assert!(refused(&[signal("length", &[0.5])]).contains("1 scores for 2 responses"));
}

#[test]
fn it_draws_like_vote_and_refuses_a_budget_below_k() {
    let policy = policy(r#"{"k": 4}"#);
    let orders = draws(&policy, &task(2), &context(), &[]);
    assert_eq!(draws(&policy, &task(2), &context(), &[scored(0, &[1.0, 2.0])]), orders[1..]);
    let few = Context { samples_left: 3, ..context() };
    assert!(matches!(policy.next(&task(2), &few, &[]), Err(Refusal::TooFewSamples(why)) if why.contains("leaves 3")));
    let (reward, _) = run(&policy, &task(2), &context(), |_, _| all(&[2.0, 3.0]), no_meta).unwrap();
    assert_eq!(values(&reward), [2.0, 3.0]);
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_by_its_key() {
    for (json, key) in [
        (r#"{"k": 0}"#, Some("k")),
        (r#"{"judge_weight": -1}"#, Some("judge_weight")),
        (r#"{"judge_weight": 0}"#, None),
        (r#"{"signals": {"a": {}}}"#, Some("signals")),
        (r#"{"signals": {"a": {"weight": -1}}}"#, Some("signals")),
        (r#"{"signals": {"a": {"weight": 1, "min": 1}}}"#, Some("signals")),
        (r#"{"signals": {"a": {"gate": 0}}}"#, Some("signals")),
        (r#"{"signals": {"a": {"gate": 2}}}"#, Some("signals")),
        (r#"{"judge_weight": 0, "signals": {"a": {"gate": 1}}}"#, None),
    ] {
        assert_eq!(Blend::from_json(json).unwrap_err().key.as_deref(), key, "{json}");
    }
}

proptest! {
    #[test]
    fn rewards_stay_on_the_scale_and_no_order_of_samples_changes_a_bit(
        scores in prop::collection::vec((1.0_f64..=10.0, 1.0_f64..=10.0), 1..9),
        one in prop::array::uniform2(0.0_f64..=1.0), other in prop::array::uniform2(-3.0_f64..=8.0),
        weights in prop::array::uniform3(0.1_f64..10.0), seed: u64,
    ) {
        let [judge, a, b] = weights;
        let json = format!(
            r#"{{"k": {}, "judge_weight": {judge}, "signals": {{"a": {{"weight": {a}}}, "b": {{"weight": {b}, "min": -3, "max": 8}}}}}}"#,
            scores.len()
        );
        let signals = [signal("a", &one), signal("b", &other)];
        let mut samples: Vec<Sample> = (0..).zip(scores).map(|(id, (a, b))| scored(id, &[a, b])).collect();
        let first = reward(&json, &signals, &samples);
        for value in values(&first) {
            prop_assert!((SCALE.min - 1e-9..=SCALE.max + 1e-9).contains(&value));
        }
        Random::new(seed).shuffle(&mut samples);
        prop_assert_eq!(first.scores, reward(&json, &signals, &samples).scores);
    }

    #[test]
    fn a_better_signal_never_lowers_a_reward(low in 0.0_f64..=1.0, high in 0.0_f64..=1.0, score in 1.0_f64..=10.0) {
        let (low, high) = (low.min(high), low.max(high));
        let reward = reward(HALF, &[signal("length", &[low, high])], &[scored(0, &[score, score])]);
        prop_assert!(values(&reward)[0] <= values(&reward)[1]);
    }
}

#[test]
fn the_judges_mean_is_taken_over_the_samples_that_score_every_response() {
    let reward = finish(
        &policy(r#"{"k": 3}"#),
        &task(2),
        &nothing_left(),
        &[failed(0), scored(1, &[4.0, 6.0]), scored(2, &[6.0, 8.0])],
    );
    assert_eq!((values(&reward), number(&reward, "valid"), number(&reward, "samples")), (vec![5.0, 7.0], 2.0, 3.0));
}
