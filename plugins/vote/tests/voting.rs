//! What voting promises, over the policy's public surface.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rewarden_plugin::{
    Context, Detail, DetailValue, Failure, FailureKind, Message, Outcome, Plugin, Policy, Random, Refusal, Reward,
    Sample, Scale, Score, Step, Task,
};
use vote::Vote;

const SCALE: Scale = Scale { min: 1.0, max: 10.0, integer: true };

fn task(responses: usize) -> Task {
    Task {
        messages: vec![Message::user("Which?")],
        responses: (0..responses).map(|number| format!("response {number}")).collect(),
        reference: None,
        metadata: "{}".to_owned(),
    }
}

fn context() -> Context {
    Context { seed: 5, samples_left: 64, rounds_left: 8, ..Context::of(SCALE) }
}

fn sample(id: u32, order: Vec<u32>, outcome: Outcome) -> Sample {
    Sample::of(id, order, outcome)
}

/// A sample with these scores in the task's own order.
fn scored(id: u32, scores: &[f64]) -> Sample {
    let scores: Vec<_> = scores.iter().map(|score| Some(Score::Value(*score))).collect();
    sample(id, (0..scores.len() as u32).collect(), Outcome::Scored(scores))
}

fn failed(id: u32) -> Sample {
    let failure = Failure { kind: FailureKind::Unparsable, message: "no box".to_owned() };
    sample(id, vec![0, 1], Outcome::Failed(failure))
}

fn vote(json: &str) -> Vote {
    Vote::from_json(json).unwrap()
}

fn finish(json: &str, responses: usize, samples: &[Sample]) -> Reward {
    match vote(json).next(&task(responses), &context(), samples).unwrap() {
        Step::Finish(reward) => reward,
        step => panic!("expected a reward, found {step:?}"),
    }
}

fn values(reward: &Reward) -> Vec<f64> {
    let values = reward.scores.iter().map(|score| match score {
        Score::Value(value) => *value,
        Score::Abstain(reason) => panic!("expected a score, found an abstention: {reason}"),
    });
    values.collect()
}

fn number(reward: &Reward, name: &str) -> f64 {
    match reward.details.iter().find(|detail| detail.name == name) {
        Some(Detail { value: DetailValue::Number(number), .. }) => *number,
        other => panic!("expected the number {name}, found {other:?}"),
    }
}

#[test]
fn figure_3_of_the_paper_sums_to_17_and_25() {
    let samples = [scored(0, &[1.0, 5.0]), scored(1, &[5.0, 6.0]), scored(2, &[4.0, 8.0]), scored(3, &[7.0, 6.0])];
    assert_eq!(values(&finish("{}", 2, &samples)), [17.0, 25.0]);
    assert_eq!(values(&finish(r#"{"aggregate": "mean"}"#, 2, &samples)), [4.25, 6.25]);
}

#[test]
fn table_17_of_the_paper_sums_to_20_and_27() {
    // Samples 2 and 3 were shown in reversed order; the host has put their scores back into the task's order.
    let samples = [
        scored(0, &[8.0, 8.0]),
        Sample { order: vec![1, 0], ..scored(1, &[5.0, 9.0]) },
        Sample { order: vec![1, 0], ..scored(2, &[7.0, 10.0]) },
    ];
    assert_eq!(values(&finish(r#"{"k": 3}"#, 2, &samples)), [20.0, 27.0]);
}

#[test]
fn failed_samples_are_left_out_and_counted() {
    let reward = finish("{}", 2, &[failed(0), scored(1, &[5.0, 6.0]), failed(2), scored(3, &[7.0, 6.0])]);
    assert_eq!(values(&reward), [12.0, 12.0]);
    assert_eq!(reward.used, [1, 3]);
    assert_eq!((number(&reward, "k"), number(&reward, "valid"), number(&reward, "incomplete")), (4.0, 2.0, 0.0));
}

#[test]
fn a_sample_that_abstains_on_one_response_counts_for_none() {
    let partial = sample(
        0,
        vec![0, 1],
        Outcome::Scored(vec![Some(Score::Value(9.0)), Some(Score::Abstain("the model wrote `N/A`".to_owned()))]),
    );
    let subset = sample(1, vec![0], Outcome::Scored(vec![Some(Score::Value(9.0)), None]));
    let reward = finish(r#"{"k": 3}"#, 2, &[partial, subset, scored(2, &[4.0, 5.0])]);
    assert_eq!(values(&reward), [4.0, 5.0]);
    assert_eq!((reward.used.as_slice(), number(&reward, "incomplete")), ([2].as_slice(), 2.0));
}

#[test]
fn without_a_valid_sample_every_response_abstains_with_the_reason() {
    let reward = finish(r#"{"k": 2}"#, 2, &[failed(0), failed(1)]);
    for score in &reward.scores {
        assert!(matches!(score, Score::Abstain(reason) if reason.contains("2 failed")), "{score:?}");
    }
    assert!(reward.used.is_empty());
}

#[test]
fn k_samples_are_drawn_in_one_round_at_the_context_temperature() {
    let Step::Draw(draws) = vote(r#"{"k": 6}"#).next(&task(3), &context(), &[]).unwrap() else {
        panic!("expected draws")
    };
    assert_eq!(draws.len(), 6);
    assert!(draws.iter().all(|draw| draw.temperature.is_none() && draw.order.len() == 3));
}

#[test]
fn greedy_judging_is_one_draw_in_the_task_order_at_temperature_0() {
    let greedy = Context { temperature: 0.0, ..context() };
    let Step::Draw(draws) = vote(r#"{"k": 1, "shuffle": "none"}"#).next(&task(3), &greedy, &[]).unwrap() else {
        panic!("expected draws")
    };
    assert_eq!(draws.iter().map(|draw| draw.order.as_slice()).collect::<Vec<_>>(), [[0, 1, 2]]);
    assert!(draws.iter().all(|draw| draw.temperature.is_none()), "the context's temperature, 0, holds");
}

#[test]
fn samples_that_are_there_already_count_and_only_the_missing_ones_are_drawn() {
    let policy = vote(r#"{"k": 4}"#);
    let Step::Draw(all) = policy.next(&task(2), &context(), &[]).unwrap() else { panic!("expected draws") };
    let there = [scored(0, &[1.0, 5.0])];
    let Step::Draw(rest) = policy.next(&task(2), &context(), &there).unwrap() else { panic!("expected draws") };
    assert_eq!(rest, all[1..]);
}

#[test]
fn of_more_than_k_samples_the_first_k_count() {
    let samples = [scored(0, &[1.0, 5.0]), scored(1, &[5.0, 6.0]), scored(2, &[10.0, 1.0])];
    let reward = finish(r#"{"k": 2}"#, 2, &samples);
    assert_eq!((values(&reward), reward.used), (vec![6.0, 11.0], vec![0, 1]));
}

#[test]
fn a_k_beyond_the_budget_is_refused_with_both_numbers() {
    let context = Context { samples_left: 3, ..context() };
    let refusal = vote(r#"{"k": 4}"#).next(&task(2), &context, &[]).unwrap_err();
    assert!(matches!(&refusal, Refusal::TooFewSamples(why) if why.contains("k = 4") && why.contains("leaves 3")));
    let context = Context { rounds_left: 0, ..self::context() };
    assert!(vote(r#"{"k": 4}"#).next(&task(2), &context, &[]).is_err());
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused() {
    for json in [r#"{"k": 0}"#, r#"{"k": 1025}"#] {
        assert_eq!(Vote::from_json(json).unwrap_err().key.as_deref(), Some("k"));
    }
    for json in [r#"{"aggregate": "max"}"#, r#"{"shuffle": "both"}"#, r#"{"kk": 1}"#, r#"{"k": 2.5}"#] {
        assert!(Vote::from_json(json).is_err(), "{json}");
    }
}

/// Any samples of a task with `n` responses, scores with fractions.
fn samples(n: usize) -> impl Strategy<Value = Vec<Sample>> {
    let one = prop::option::weighted(0.8, prop::collection::vec(1.0_f64..=10.0, n));
    prop::collection::vec(one, 1..12).prop_map(|samples| {
        (0..).zip(samples).map(|(id, scores)| scores.map_or_else(|| failed(id), |scores| scored(id, &scores))).collect()
    })
}

fn any_aggregate() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("sum"), Just("mean")]
}

proptest! {
    #[test]
    fn the_order_in_which_samples_came_back_changes_no_bit(
        samples in samples(3), aggregate in any_aggregate(), seed: u64,
    ) {
        let json = format!(r#"{{"k": {}, "aggregate": "{aggregate}"}}"#, samples.len());
        let mut shuffled = samples.clone();
        Random::new(seed).shuffle(&mut shuffled);
        prop_assert_eq!(finish(&json, 3, &samples).scores, finish(&json, 3, &shuffled).scores);
    }

    #[test]
    fn relabelling_the_responses_relabels_the_rewards(samples in samples(2), aggregate in any_aggregate()) {
        let json = format!(r#"{{"k": {}, "aggregate": "{aggregate}"}}"#, samples.len());
        let swapped: Vec<Sample> = samples.iter().cloned().map(|mut sample| {
            if let Outcome::Scored(scores) = &mut sample.outcome {
                scores.reverse();
            }
            sample
        }).collect();
        let mut rewards = finish(&json, 2, &swapped).scores;
        rewards.reverse();
        prop_assert_eq!(finish(&json, 2, &samples).scores, rewards);
    }

    #[test]
    fn rewards_stay_within_their_bounds(samples in samples(2), aggregate in any_aggregate()) {
        let json = format!(r#"{{"k": {}, "aggregate": "{aggregate}"}}"#, samples.len());
        let reward = finish(&json, 2, &samples);
        let valid = number(&reward, "valid");
        prop_assert_eq!(valid, reward.used.len() as f64);
        for score in &reward.scores {
            match score {
                Score::Abstain(_) => prop_assert_eq!(valid, 0.0),
                Score::Value(value) => {
                    let terms = if aggregate == "sum" { valid } else { 1.0 };
                    prop_assert!((terms - 1e-9..=10.0 * terms + 1e-9).contains(value));
                }
            }
        }
    }

    #[test]
    fn a_better_score_in_one_sample_never_lowers_the_reward(samples in samples(2), raise in 0.0_f64..5.0) {
        let json = format!(r#"{{"k": {}}}"#, samples.len());
        let raised: Vec<Sample> = samples.iter().cloned().enumerate().map(|(at, mut sample)| {
            if let (0, Outcome::Scored(scores)) = (at, &mut sample.outcome)
                && let Some(Some(Score::Value(value))) = scores.first_mut() {
                *value += raise;
            }
            sample
        }).collect();
        let (before, after) = (finish(&json, 2, &samples).scores, finish(&json, 2, &raised).scores);
        if let (Score::Value(before), Score::Value(after)) = (&before[0], &after[0]) {
            prop_assert!(*after >= before - 1e-9);
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_orders(n in 1_usize..6, k in 1_u32..20, seed: u64) {
        let policy = vote(&format!(r#"{{"k": {k}, "shuffle": "random"}}"#));
        let context = Context { seed, ..context() };
        let first = policy.next(&task(n), &context, &[]).unwrap();
        prop_assert_eq!(first, policy.next(&task(n), &context, &[]).unwrap());
    }
}
