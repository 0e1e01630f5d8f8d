//! What voting that stops early promises, over the policy's public surface.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use adaptive_vote::AdaptiveVote;
use proptest::prelude::*;
use rewarden_plugin::{Context, Draw, Outcome, Plugin, Policy, Random, Refusal, Reward, Sample, Score};
use vote::Vote;
use voting::fixtures::{
    SCALE, all, context, draws, failed, failure, finish, no_meta, nothing_left, number, run, scored, task, text, values,
};

fn policy(json: &str) -> AdaptiveVote {
    AdaptiveVote::from_json(json).unwrap()
}

/// Room for 64 rounds.
fn many_rounds() -> Context {
    Context { rounds_left: 64, ..context() }
}

/// The reward where sample number i has these scores, or fails.
fn judged(policy: &impl Policy, context: &Context, matrix: &[Option<Vec<f64>>]) -> (Reward, usize) {
    let responses = matrix.iter().flatten().next().map_or(2, Vec::len);
    let outcome = |id: u32, _: &Draw| matrix[id as usize].as_ref().map_or_else(failure, |scores| all(scores));
    let (reward, samples) = run(policy, &task(responses), context, outcome, no_meta).unwrap();
    (reward, samples.len())
}

/// All responses with the highest score; none where there is none.
fn winners(reward: &Reward) -> Vec<usize> {
    let best = reward.scores.iter().filter_map(value).reduce(f64::max);
    (0..)
        .zip(&reward.scores)
        .filter(|(_, score)| best.is_some() && value(score) == best)
        .map(|(place, _)| place)
        .collect()
}

fn value(score: &Score) -> Option<f64> {
    match score {
        Score::Value(value) => Some(*value),
        Score::Abstain(_) => None,
    }
}

#[test]
fn it_stops_as_soon_as_the_lead_exceeds_what_is_left() {
    // After 5 of 8 samples the lead is 30, and 3 samples can move it by 27; after 4 it is 24 against 36.
    let matrix = vec![Some(vec![9.0, 3.0]); 8];
    let (reward, drawn) = judged(&policy(r#"{"k": 8, "batch": 1}"#), &many_rounds(), &matrix);
    assert_eq!((drawn, text(&reward, "reason")), (5, "winner_settled"));
    assert_eq!((number(&reward, "drawn"), number(&reward, "saved")), (5.0, 3.0));
    assert_eq!(values(&reward), [9.0, 3.0]);
    assert_eq!(reward.used, [0, 1, 2, 3, 4]);
}

#[test]
fn a_lead_that_the_rest_could_just_make_up_for_is_not_settled() {
    // 18 ahead with 2 left on a span of 9: the rest could still make it a tie.
    let matrix = vec![Some(vec![10.0, 1.0]), Some(vec![10.0, 1.0]), Some(vec![1.0, 10.0]), Some(vec![1.0, 10.0])];
    let (reward, drawn) = judged(&policy(r#"{"k": 4, "batch": 1}"#), &many_rounds(), &matrix);
    assert_eq!((drawn, text(&reward, "reason"), values(&reward)), (4, "budget", vec![5.5, 5.5]));
}

#[test]
fn failed_samples_take_from_what_is_left_and_add_nothing_to_the_lead() {
    let mut matrix = vec![Some(vec![10.0, 1.0]), None, None, None];
    let (reward, drawn) = judged(&policy(r#"{"k": 4, "batch": 1}"#), &many_rounds(), &matrix);
    assert_eq!((drawn, number(&reward, "valid"), winners(&reward)), (4, 1.0, vec![0]));
    matrix.swap(0, 3);
    let (reward, drawn) = judged(&policy(r#"{"k": 4, "batch": 1}"#), &many_rounds(), &matrix);
    assert_eq!((drawn, winners(&reward)), (4, vec![0]), "nothing is settled while nothing is known");
}

#[test]
fn every_rival_has_to_be_beaten() {
    let matrix = vec![Some(vec![10.0, 1.0, 9.0]); 8];
    let (reward, drawn) = judged(&policy(r#"{"k": 8, "batch": 1}"#), &many_rounds(), &matrix);
    assert_eq!((drawn, text(&reward, "reason")), (8, "budget"));
}

#[test]
fn the_posterior_stops_at_4_to_0_6_to_1_and_8_to_2() {
    let beta = policy(r#"{"k": 16, "batch": 1, "stop": "beta"}"#);
    // The leader is one point ahead each time that it is, so the exact rule would go on to the end.
    for (losses, expected) in [(vec![], 4), (vec![1], 7), (vec![1, 3], 10)] {
        let matrix: Vec<_> =
            (0..16).map(|id| Some(if losses.contains(&id) { vec![5.0, 6.0] } else { vec![6.0, 5.0] })).collect();
        let (reward, drawn) = judged(&beta, &many_rounds(), &matrix);
        assert_eq!((drawn, text(&reward, "reason"), winners(&reward)), (expected, "confident", vec![0]));
        assert!(number(&reward, "confidence") >= 0.95);
    }
    let even: Vec<_> = (0..16).map(|id| Some(if id % 2 == 0 { vec![6.0, 5.0] } else { vec![5.0, 6.0] })).collect();
    let (reward, drawn) = judged(&beta, &many_rounds(), &even);
    assert_eq!((drawn, text(&reward, "reason"), winners(&reward)), (16, "budget", vec![0, 1]));
}

#[test]
fn a_higher_level_needs_more_samples() {
    let matrix = vec![Some(vec![6.0, 5.0]); 32];
    let drawn = |level: &str| {
        let json = format!(r#"{{"k": 32, "batch": 1, "stop": "beta", "level": {level}}}"#);
        judged(&policy(&json), &many_rounds(), &matrix).1
    };
    // 1 - 2^-(m + 1) reaches the level.
    assert_eq!([drawn("0.9"), drawn("0.95"), drawn("0.99"), drawn("0.999")], [3, 4, 6, 9]);
}

#[test]
fn its_draws_are_those_of_vote_batch_by_batch() {
    for shuffle in ["balanced", "random", "none"] {
        let vote = Vote::from_json(&format!(r#"{{"k": 12, "shuffle": "{shuffle}"}}"#)).unwrap();
        let all = draws(&vote, &task(3), &context(), &[]);
        let adaptive = policy(&format!(r#"{{"k": 12, "batch": 5, "shuffle": "{shuffle}"}}"#));
        let mut samples: Vec<Sample> = Vec::new();
        for batch in [0..5, 5..10, 10..12] {
            let found = draws(&adaptive, &task(3), &context(), &samples);
            assert_eq!(found, all[batch]);
            samples.extend((samples.len() as u32..).take(found.len()).map(|id| scored(id, &[5.0, 5.0, 5.0])));
        }
        // Half a batch, from a run that was stopped, is filled up.
        assert_eq!(draws(&adaptive, &task(3), &context(), &samples[..3]), all[3..5]);
    }
}

#[test]
fn with_few_rounds_the_batches_grow_so_that_it_ends_in_time() {
    for rounds_left in 1..8 {
        let matrix = vec![Some(vec![5.0, 5.0]); 16];
        let context = Context { rounds_left, ..context() };
        let (reward, drawn) = judged(&policy(r#"{"k": 16, "batch": 1}"#), &context, &matrix);
        assert_eq!((drawn, text(&reward, "reason")), (16, "budget"));
    }
}

#[test]
fn samples_that_are_all_there_give_what_drawing_them_would_have_given() {
    let policy = policy(r#"{"k": 8, "batch": 1}"#);
    let samples: Vec<Sample> = (0..8).map(|id| scored(id, &[9.0, 3.0])).collect();
    let at_once = finish(&policy, &task(2), &nothing_left(), &samples);
    assert_eq!((number(&at_once, "drawn"), number(&at_once, "surplus")), (5.0, 3.0));
    let one_by_one = finish(&policy, &task(2), &nothing_left(), &samples[..5]);
    assert_eq!((at_once.scores, at_once.used), (one_by_one.scores, one_by_one.used));
}

#[test]
fn one_response_has_no_rival_and_gets_all_samples() {
    let matrix: Vec<_> = (1..=8).map(|score| Some(vec![f64::from(score)])).collect();
    for stop in ["exact", "beta"] {
        let json = format!(r#"{{"k": 8, "stop": "{stop}"}}"#);
        assert_eq!(values(&judged(&policy(&json), &context(), &matrix).0), [4.5]);
    }
}

#[test]
fn without_a_valid_sample_every_response_abstains() {
    let reward = finish(&policy(r#"{"k": 2}"#), &task(2), &nothing_left(), &[failed(0), failed(1)]);
    assert!(reward.scores.iter().all(|score| matches!(score, Score::Abstain(why) if why.contains("2 failed"))));
}

#[test]
fn a_budget_below_k_is_refused_before_anything_is_drawn() {
    for (context, why) in [
        (Context { samples_left: 15, ..context() }, "leaves 15"),
        (Context { rounds_left: 0, ..context() }, "raise the budget of rounds"),
    ] {
        let refusal = policy("{}").next(&task(2), &context, &[]).unwrap_err();
        assert!(matches!(&refusal, Refusal::TooFewSamples(found) if found.contains(why)), "{refusal:?}");
    }
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_by_its_key() {
    for (json, key) in [
        (r#"{"k": 0}"#, "k"),
        (r#"{"batch": 0}"#, "batch"),
        (r#"{"level": 0.9}"#, "level"),
        (r#"{"stop": "beta", "level": 0.5}"#, "level"),
        (r#"{"stop": "beta", "level": 1}"#, "level"),
        (r#"{"window": 3}"#, "window"),
    ] {
        assert_eq!(AdaptiveVote::from_json(json).unwrap_err().key.as_deref(), Some(key), "{json}");
    }
}

/// Scores of `k` samples by a judge that favours one response more or less and sometimes fails.
fn matrix(random: &mut Random, k: usize, responses: usize) -> Vec<Option<Vec<f64>>> {
    let favoured = random.below(responses as u64) as usize;
    let favour = random.below(6);
    let one = |random: &mut Random| {
        let scores = (0..responses).map(|response| {
            let extra = if response == favoured { favour } else { 0 };
            (1 + random.below(10 - favour) + extra) as f64
        });
        scores.collect()
    };
    (0..k).map(|_| if random.below(8) == 0 { None } else { Some(one(random)) }).collect()
}

#[test]
fn over_twenty_thousand_tasks_the_exact_rule_finds_the_winner_of_vote_with_fewer_samples() {
    let mut random = Random::new(2026);
    let (mut drawn, mut offered) = (0, 0);
    for _ in 0..20_000 {
        let (k, responses) = (1 + random.below(32) as usize, 2 + random.below(4) as usize);
        let matrix = matrix(&mut random, k, responses);
        let context = Context { seed: random.next_u64(), ..many_rounds() };
        let plain = judged(&Vote::from_json(&format!(r#"{{"k": {k}}}"#)).unwrap(), &context, &matrix).0;
        let batch = 1 + random.below(4);
        let (reward, used) = judged(&policy(&format!(r#"{{"k": {k}, "batch": {batch}}}"#)), &context, &matrix);
        assert_eq!(winners(&reward), winners(&plain), "{matrix:?}");
        assert_eq!(number(&reward, "saved") as usize, k - used);
        (drawn, offered) = (drawn + used, offered + k);
    }
    assert!(drawn * 100 < offered * 95, "drew {drawn} of {offered}");
}

proptest! {
    #[test]
    fn fractional_scores_settle_only_on_the_winner_of_vote(
        scores in prop::collection::vec(prop::option::weighted(0.9, prop::collection::vec(1.0_f64..=10.0, 2)), 1..24),
    ) {
        let context = Context { scale: rewarden_plugin::Scale { integer: false, ..SCALE }, ..many_rounds() };
        let k = scores.len();
        let plain = judged(&Vote::from_json(&format!(r#"{{"k": {k}}}"#)).unwrap(), &context, &scores).0;
        let (reward, _) = judged(&policy(&format!(r#"{{"k": {k}, "batch": 1}}"#)), &context, &scores);
        prop_assert_eq!(winners(&reward), winners(&plain));
    }

    #[test]
    fn the_samples_that_were_not_drawn_could_not_have_changed_the_winner(seed: u64, k in 2_usize..12) {
        let mut random = Random::new(seed);
        let mut matrix = matrix(&mut random, k, 3);
        let policy = policy(&format!(r#"{{"k": {k}, "batch": 1}}"#));
        let (reward, used) = judged(&policy, &many_rounds(), &matrix);
        let winners_before = winners(&reward);
        for sample in &mut matrix[used..] {
            // The worst that can happen to the winner.
            *sample = Some((0..3).map(|response| if winners_before.contains(&response) { 1.0 } else { 10.0 }).collect());
        }
        let plain = judged(&Vote::from_json(&format!(r#"{{"k": {k}}}"#)).unwrap(), &many_rounds(), &matrix).0;
        prop_assert_eq!(winners_before, winners(&plain));
    }

    #[test]
    fn relabelling_the_responses_changes_neither_the_stop_nor_the_rewards(seed: u64, k in 1_usize..16, beta: bool) {
        let matrix = matrix(&mut Random::new(seed), k, 2);
        let swapped: Vec<_> = matrix.iter().cloned()
            .map(|scores: Option<Vec<f64>>| scores.map(|scores| scores.into_iter().rev().collect::<Vec<_>>()))
            .collect();
        let stop = if beta { "beta" } else { "exact" };
        let policy = policy(&format!(r#"{{"k": {k}, "batch": 1, "stop": "{stop}"}}"#));
        let (one, other) = (judged(&policy, &many_rounds(), &matrix), judged(&policy, &many_rounds(), &swapped));
        prop_assert_eq!(one.1, other.1);
        let mut scores = other.0.scores;
        scores.reverse();
        prop_assert_eq!(one.0.scores, scores);
    }

    #[test]
    fn an_outcome_off_the_tasks_shape_never_counts(extra in 3_usize..5) {
        let odd = Sample { outcome: Outcome::Scored(vec![Some(Score::Value(5.0)); extra]), ..scored(0, &[1.0, 1.0]) };
        let reward = finish(&policy(r#"{"k": 1}"#), &task(2), &nothing_left(), &[odd]);
        prop_assert!(reward.used.is_empty());
    }
}

#[test]
fn a_close_race_of_1024_samples_goes_to_the_end_and_stays_a_tie() {
    // A close race, sample by sample: the rule is applied 1024 times.
    let samples: Vec<Sample> = (0..1024)
        .map(|id| {
            scored(id, &if id % 2 == 0 { [6.0, 5.0, 4.0, 4.0, 4.0, 4.0] } else { [5.0, 6.0, 4.0, 4.0, 4.0, 4.0] })
        })
        .collect();
    let policy = policy(r#"{"k": 1024, "batch": 1, "stop": "beta"}"#);
    let reward = finish(&policy, &task(6), &nothing_left(), &samples);
    assert_eq!((number(&reward, "drawn"), winners(&reward)), (1024.0, vec![0, 1]));
}
