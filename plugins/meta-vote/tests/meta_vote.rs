//! What voting guided by ratings promises, over the policy's public surface.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use meta_vote::MetaVote;
use proptest::prelude::*;
use rewarden_plugin::{
    Context, Failure, FailureKind, Outcome, Plugin, Policy, Random, Rating, Refusal, Reward, Sample, Score, Step,
};
use voting::fixtures::{
    SCALE, all, context, draws, failed, finish, flag, no_meta, nothing_left, number, rated, run, scored, task, text,
    values,
};

fn policy(json: &str) -> MetaVote {
    MetaVote::from_json(json).unwrap()
}

fn reward(json: &str, samples: &[Sample]) -> Reward {
    finish(&policy(json), &task(2), &nothing_left(), samples)
}

fn unrated(sample: Sample) -> Sample {
    let failure = Failure { kind: FailureKind::Refused, message: "no verdict".to_owned() };
    Sample { rating: Some(Rating::Failed(failure)), ..sample }
}

fn figure_3(ratings: [f64; 4]) -> Vec<Sample> {
    let scores = [[1.0, 5.0], [5.0, 6.0], [4.0, 8.0], [7.0, 6.0]];
    (0..).zip(scores.iter().zip(ratings)).map(|(id, (scores, rating))| rated(scored(id, scores), rating)).collect()
}

/// Samples 2 and 3 were shown in reversed order; the host has put their scores back into the task's order.
fn table_17() -> Vec<Sample> {
    vec![
        rated(scored(0, &[8.0, 8.0]), -15.7781),
        rated(Sample { order: vec![1, 0], ..scored(1, &[5.0, 9.0]) }, 1.3126),
        rated(Sample { order: vec![1, 0], ..scored(2, &[7.0, 10.0]) }, 1.6739),
    ]
}

#[test]
fn figure_3_of_the_paper_keeps_samples_1_and_3_and_sums_to_5_and_13() {
    let reward = reward(r#"{"k": 4}"#, &figure_3([2.0, -1.0, 3.0, 0.5]));
    assert_eq!((values(&reward), reward.used.as_slice()), (vec![5.0, 13.0], [0, 2].as_slice()));
    assert_eq!((number(&reward, "k_meta"), number(&reward, "kept")), (2.0, 2.0));
}

#[test]
fn table_17_of_the_paper_sums_to_20_and_27_to_12_and_19_and_to_7_and_10() {
    for (k_meta, sums) in [(3, [20.0, 27.0]), (2, [12.0, 19.0]), (1, [7.0, 10.0])] {
        let reward = reward(&format!(r#"{{"k": 3, "k_meta": {k_meta}}}"#), &table_17());
        assert_eq!(values(&reward), sums);
    }
    let half = reward(r#"{"k": 3}"#, &table_17());
    assert_eq!((values(&half), number(&half, "k_meta")), (vec![12.0, 19.0], 2.0));
    assert_eq!(values(&reward(r#"{"k": 3, "k_meta": 2, "aggregate": "mean"}"#, &table_17())), [6.0, 9.5]);
}

#[test]
fn of_equal_ratings_at_the_cut_the_first_drawn_is_kept() {
    let kept = |ratings| reward(r#"{"k": 4}"#, &figure_3(ratings)).used;
    assert_eq!(kept([1.0, 1.0, 1.0, 1.0]), [0, 1]);
    assert_eq!(kept([0.0, 1.0, 2.0, 1.0]), [1, 2]);
    assert_eq!(kept([-0.0, -1.0, 0.0, 0.0]), [0, 2], "-0 and 0 are the same rating");
}

#[test]
fn failed_samples_and_failed_ratings_are_never_kept_and_counted() {
    let samples = [
        rated(failed(0), 9.0),
        unrated(scored(1, &[10.0, 1.0])),
        rated(scored(2, &[3.0, 4.0]), -8.0),
        rated(scored(3, &[5.0, 7.0]), -9.0),
    ];
    let reward = reward(r#"{"k": 4, "k_meta": 3}"#, &samples);
    assert_eq!((values(&reward), reward.used.as_slice()), (vec![8.0, 11.0], [2, 3].as_slice()));
    assert_eq!((number(&reward, "valid"), number(&reward, "rated")), (3.0, 2.0));
    assert_eq!((number(&reward, "rating_failed"), number(&reward, "kept")), (1.0, 2.0));
    assert!(flag(&reward, "short_of_k_meta"));
}

#[test]
fn a_k_meta_above_k_keeps_all_and_says_so() {
    let reward = reward(r#"{"k": 3, "k_meta": 16}"#, &table_17());
    assert_eq!(values(&reward), [20.0, 27.0]);
    assert!(flag(&reward, "short_of_k_meta"));
}

#[test]
fn it_draws_then_rates_the_valid_samples_then_keeps_the_best() {
    let judge = |id: u32, _: &_| if id == 1 { failed(1).outcome } else { all(&[f64::from(id) + 1.0, 4.0]) };
    let meta = |sample: &Sample| Rating::Rated(f64::from(sample.id));
    let (reward, samples) = run(&policy(r#"{"k": 4}"#), &task(2), &context(), judge, meta).unwrap();
    let rated: Vec<u32> = samples.iter().filter(|sample| sample.rating.is_some()).map(|sample| sample.id).collect();
    assert_eq!((samples.len(), rated.as_slice()), (4, [0, 2, 3].as_slice()));
    assert_eq!((values(&reward), reward.used.as_slice()), (vec![7.0, 8.0], [2, 3].as_slice()));
}

#[test]
fn only_ratings_that_are_missing_are_asked_for() {
    let samples = [rated(scored(0, &[1.0, 2.0]), 0.0), scored(1, &[1.0, 2.0]), unrated(scored(2, &[1.0, 2.0]))];
    let step = policy(r#"{"k": 3}"#).next(&task(2), &nothing_left(), &samples).unwrap();
    assert_eq!(step, Step::Rate(vec![1]));
}

#[test]
fn its_orders_are_those_of_vote_and_missing_ones_are_drawn_in_their_place() {
    let policy = policy(r#"{"k": 4}"#);
    let all = draws(&policy, &task(2), &context(), &[]);
    assert_eq!(all.len(), 4);
    assert_eq!(draws(&policy, &task(2), &context(), &[scored(0, &[1.0, 5.0])]), all[1..]);
}

#[test]
fn without_anything_to_keep_every_response_abstains_and_says_why() {
    let (none, bad) = ([failed(0), failed(1)], [unrated(scored(0, &[1.0, 2.0])), failed(1)]);
    let low = [rated(scored(0, &[1.0, 2.0]), 0.2), rated(scored(1, &[1.0, 2.0]), 0.1)];
    for (json, samples, why) in [
        (r#"{"k": 2}"#, &none, "no valid sample of 2: 2 failed"),
        (r#"{"k": 2}"#, &bad, "none of 1 valid samples has a rating"),
        (r#"{"k": 2, "weights": "threshold", "threshold": 0.5}"#, &low, "none of 2 ratings reaches the threshold"),
    ] {
        let reward = reward(json, samples);
        assert!(reward.scores.iter().all(|score| matches!(score, Score::Abstain(found) if found.contains(why))));
        assert!(reward.used.is_empty());
    }
}

#[test]
fn soft_weights_follow_their_formulas() {
    let samples = [rated(scored(0, &[2.0, 8.0]), 0.0), rated(scored(1, &[6.0, 4.0]), 3.0_f64.ln())];
    let near = |json: &str, expected: [f64; 2]| {
        let found = values(&reward(json, &samples));
        assert!(
            found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12),
            "{json}: {found:?}"
        );
    };
    // exp(0) : exp(ln 3) is 1 : 3, and with T = 1/2 it is 1 : 9.
    near(r#"{"k": 2, "weights": "softmax"}"#, [5.0, 5.0]);
    near(r#"{"k": 2, "weights": "softmax", "temperature": 0.5}"#, [5.6, 4.4]);
    near(r#"{"k": 2, "weights": "softmax", "aggregate": "mean"}"#, [5.0, 5.0]);
    // 1 / (1 + 1) and 1 / (1 + 1/3).
    near(r#"{"k": 2, "weights": "sigmoid"}"#, [0.5 * 2.0 + 0.75 * 6.0, 0.5 * 8.0 + 0.75 * 4.0]);
    near(r#"{"k": 2, "weights": "sigmoid", "aggregate": "mean"}"#, [5.5 / 1.25, 7.0 / 1.25]);
    near(r#"{"k": 2, "weights": "threshold", "threshold": 1.0}"#, [6.0, 4.0]);
    let effective = number(&reward(r#"{"k": 2, "weights": "softmax"}"#, &samples), "effective");
    assert!((effective - 1.6).abs() < 1e-12, "(1 + 3)^2 / (1 + 9), found {effective}");
}

#[test]
fn ratings_as_large_as_numbers_get_leave_finite_scores() {
    let samples = [
        rated(scored(0, &[2.0, 8.0]), -f64::MAX),
        rated(scored(1, &[6.0, 4.0]), -1e9),
        rated(scored(2, &[7.0, 3.0]), -1e9),
    ];
    for (weights, mean) in [("softmax", [6.5, 3.5]), ("sigmoid", [6.5, 3.5])] {
        let json = format!(r#"{{"k": 3, "weights": "{weights}", "aggregate": "mean"}}"#);
        assert_eq!(values(&reward(&json, &samples)), mean, "{weights}");
    }
    let high = [rated(scored(0, &[2.0, 8.0]), f64::MAX), rated(scored(1, &[6.0, 4.0]), -f64::MAX)];
    let json = r#"{"k": 2, "weights": "softmax", "temperature": 1e-9}"#;
    assert_eq!(values(&reward(json, &high)), [2.0, 8.0]);
}

#[test]
fn budgets_that_cannot_hold_draws_and_ratings_are_refused_before_anything_is_drawn() {
    for (context, why) in [
        (Context { samples_left: 3, ..context() }, "leaves 3"),
        (Context { rounds_left: 1, ..context() }, "2 more rounds"),
    ] {
        let refusal = policy(r#"{"k": 4}"#).next(&task(2), &context, &[]).unwrap_err();
        assert!(matches!(&refusal, Refusal::TooFewSamples(found) if found.contains(why)), "{refusal:?}");
    }
    let last = Context { rounds_left: 0, ..context() };
    let refusal = policy(r#"{"k": 1}"#).next(&task(2), &last, &[scored(0, &[1.0, 2.0])]).unwrap_err();
    assert!(matches!(refusal, Refusal::TooFewSamples(why) if why.contains("1 samples have no rating")));
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_by_its_key() {
    for (json, key) in [
        (r#"{"k": 0}"#, "k"),
        (r#"{"k_meta": 0}"#, "k_meta"),
        (r#"{"weights": "sigmoid", "k_meta": 2}"#, "k_meta"),
        (r#"{"temperature": 1.0}"#, "temperature"),
        (r#"{"weights": "softmax", "temperature": 0}"#, "temperature"),
        (r#"{"weights": "threshold"}"#, "threshold"),
        (r#"{"threshold": 0.5}"#, "threshold"),
        (r#"{"keep": 2}"#, "keep"),
    ] {
        assert_eq!(MetaVote::from_json(json).unwrap_err().key.as_deref(), Some(key), "{json}");
    }
}

fn any_samples() -> impl Strategy<Value = Vec<Sample>> {
    let one = (
        prop::option::weighted(0.8, prop::collection::vec(1.0_f64..=10.0, 2)),
        prop::option::weighted(0.9, -20.0_f64..20.0),
    );
    prop::collection::vec(one, 1..12).prop_map(|samples| {
        let sample = |(id, (scores, rating)): (u32, (Option<Vec<f64>>, Option<f64>))| {
            let sample = scores.map_or_else(|| failed(id), |scores| scored(id, &scores));
            rating.map_or_else(|| unrated(sample.clone()), |rating| rated(sample.clone(), rating.round()))
        };
        (0..).zip(samples).map(sample).collect()
    })
}

fn any_weights() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just(r#""weights": "top""#),
        Just(r#""weights": "softmax", "temperature": 2.0"#),
        Just(r#""weights": "sigmoid""#),
        Just(r#""weights": "threshold", "threshold": 0.0"#),
    ]
}

proptest! {
    #[test]
    fn the_order_in_which_samples_came_back_changes_no_bit(
        samples in any_samples(), weights in any_weights(), total in prop_oneof![Just("sum"), Just("mean")], seed: u64,
    ) {
        let json = format!(r#"{{"k": {}, {weights}, "aggregate": "{total}"}}"#, samples.len());
        let mut shuffled = samples.clone();
        Random::new(seed).shuffle(&mut shuffled);
        prop_assert_eq!(reward(&json, &samples), reward(&json, &shuffled));
    }

    #[test]
    fn only_rated_valid_samples_are_used_and_means_stay_on_the_scale(samples in any_samples(), weights in any_weights()) {
        let json = format!(r#"{{"k": {}, {weights}, "aggregate": "mean"}}"#, samples.len());
        let reward = reward(&json, &samples);
        for id in &reward.used {
            let sample = &samples[*id as usize];
            prop_assert!(matches!(sample.outcome, Outcome::Scored(_)));
            prop_assert!(matches!(sample.rating, Some(Rating::Rated(_))));
        }
        for score in &reward.scores {
            if let Score::Value(value) = score {
                prop_assert!((SCALE.min - 1e-9..=SCALE.max + 1e-9).contains(value));
            }
        }
    }

    #[test]
    fn keeping_all_is_plain_voting(scores in prop::collection::vec((1_u8..=10, 1_u8..=10), 1..9)) {
        let samples: Vec<Sample> = (0..).zip(&scores)
            .map(|(id, (a, b))| rated(scored(id, &[f64::from(*a), f64::from(*b)]), f64::from(id % 3)))
            .collect();
        let all = reward(&format!(r#"{{"k": {0}, "k_meta": {0}}}"#, samples.len()), &samples);
        let sums = [scores.iter().map(|s| f64::from(s.0)).sum::<f64>(), scores.iter().map(|s| f64::from(s.1)).sum()];
        prop_assert_eq!(values(&all), sums);
        prop_assert_eq!(text(&all, "weights"), "top");
    }
}

#[test]
fn a_k_of_one_without_a_valid_sample_asks_for_no_rating() {
    let (reward, samples) =
        run(&policy(r#"{"k": 1}"#), &task(2), &context(), |_, _| failed(0).outcome, no_meta).unwrap();
    assert_eq!((reward.used.len(), samples.len()), (0, 1));
}
