//! The other ways of putting scores together, and what becomes of samples that do not count.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rewarden_plugin::{Context, Plugin, Policy, Random, Refusal, Reward, Sample, Score};
use vote::Vote;
use voting::fixtures::{
    all, context, draws, failed, failure, finish, no_meta, nothing_left, number, run, sample, scored, task, text,
    values,
};

fn vote(json: &str) -> Vote {
    Vote::from_json(json).unwrap()
}

fn reward(aggregate: &str, matrix: &[&[f64]]) -> Reward {
    let samples: Vec<Sample> = (0..).zip(matrix).map(|(id, scores)| scored(id, scores)).collect();
    let json = format!(r#"{{"k": {}, "aggregate": "{aggregate}"}}"#, samples.len());
    finish(&vote(&json), &task(matrix[0].len()), &nothing_left(), &samples)
}

#[test]
fn the_median_is_the_middle_score_or_the_mean_of_the_middle_two() {
    assert_eq!(values(&reward("median", &[&[1.0, 9.0], &[2.0, 1.0], &[10.0, 8.0]])), [2.0, 8.0]);
    assert_eq!(values(&reward("median", &[&[1.0, 9.0], &[2.0, 1.0], &[10.0, 8.0], &[5.0, 8.0]])), [3.5, 8.0]);
    assert_eq!(values(&reward("median", &[&[4.0, 6.0]])), [4.0, 6.0]);
}

#[test]
fn one_outlier_moves_the_sum_and_not_the_median() {
    let matrix: [&[f64]; 3] = [&[5.0, 6.0], &[5.0, 6.0], &[10.0, 1.0]];
    assert_eq!(values(&reward("sum", &matrix)), [20.0, 13.0]);
    assert_eq!(values(&reward("median", &matrix)), [5.0, 6.0]);
}

#[test]
fn majority_counts_how_often_a_response_was_on_top_and_ties_share() {
    let matrix: [&[f64]; 4] = [&[9.0, 1.0, 1.0], &[5.0, 6.0, 6.0], &[3.0, 3.0, 3.0], &[2.0, 8.0, 1.0]];
    let thirds = 1.0 / 3.0;
    let found = values(&reward("majority", &matrix));
    for (found, expected) in found.iter().zip([1.0 + thirds, 1.5 + thirds, 0.5 + thirds]) {
        assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
    }
}

#[test]
fn figure_3_of_the_paper_under_majority_and_borda() {
    let matrix: [&[f64]; 4] = [&[1.0, 5.0], &[5.0, 6.0], &[4.0, 8.0], &[7.0, 6.0]];
    for aggregate in ["majority", "borda"] {
        assert_eq!(values(&reward(aggregate, &matrix)), [1.0, 3.0], "{aggregate}");
    }
}

#[test]
fn borda_counts_the_responses_that_were_outscored_and_ties_count_half() {
    assert_eq!(values(&reward("borda", &[&[9.0, 5.0, 1.0]])), [2.0, 1.0, 0.0]);
    assert_eq!(values(&reward("borda", &[&[9.0, 9.0, 1.0]])), [1.5, 1.5, 0.0]);
    assert_eq!(values(&reward("borda", &[&[9.0, 5.0, 1.0], &[1.0, 5.0, 9.0]])), [2.0, 2.0, 2.0]);
}

#[test]
fn what_compares_responses_refuses_a_task_with_one() {
    for aggregate in ["majority", "borda"] {
        let policy = vote(&format!(r#"{{"aggregate": "{aggregate}"}}"#));
        let refusal = policy.next(&task(1), &context(), &[]).unwrap_err();
        assert!(matches!(refusal, Refusal::UnsuitableTask(why) if why.contains("take `sum`, `mean` or `median`")));
    }
    assert_eq!(values(&reward("median", &[&[4.0], &[6.0]])), [5.0]);
}

/// Runs a task of two responses in which the samples with these ids fail.
fn with_failures(json: &str, context: &Context, failures: &[u32]) -> Result<(Reward, Vec<Sample>), Refusal> {
    let judge = |id: u32, _: &_| if failures.contains(&id) { failure() } else { all(&[4.0, 6.0]) };
    run(&vote(json), &task(2), context, judge, no_meta)
}

#[test]
fn failed_samples_are_replaced_until_k_are_valid() {
    let (reward, samples) = with_failures(r#"{"k": 4, "failed": "redraw"}"#, &context(), &[1, 3, 4]).unwrap();
    assert_eq!(
        (samples.len(), values(&reward), reward.used.as_slice()),
        (7, vec![16.0, 24.0], [0, 2, 5, 6].as_slice())
    );
    assert_eq!((number(&reward, "k"), number(&reward, "valid"), number(&reward, "redrawn")), (4.0, 4.0, 3.0));
    assert_eq!(text(&reward, "failed_rule"), "redraw");
}

#[test]
fn a_replacement_shows_the_responses_as_the_sample_did_whose_place_it_takes() {
    let json = r#"{"k": 4, "failed": "redraw", "shuffle": "random"}"#;
    let judge = |id: u32, _: &_| if [1, 3, 4].contains(&id) { failure() } else { all(&[1.0, 2.0, 3.0, 4.0, 5.0]) };
    let (_, samples) = run(&vote(json), &task(5), &context(), judge, no_meta).unwrap();
    let order = |id: usize| &samples[id].order;
    // 4 and 5 replace 1 and 3; 4 fails too, and 6 replaces it.
    assert_eq!((order(4), order(5), order(6)), (order(1), order(3), order(1)));
    assert_ne!(order(1), order(3));
}

#[test]
fn replacements_end_at_their_limit_and_what_is_lacking_is_left_out() {
    let everything: Vec<u32> = (0..64).collect();
    for (json, drawn) in [
        (r#"{"k": 4, "failed": "redraw", "redraw_limit": 3}"#, 7),
        (r#"{"k": 4, "failed": "redraw", "redraw_limit": 9}"#, 13),
        (r#"{"k": 4, "failed": "redraw"}"#, 8),
    ] {
        let (reward, samples) = with_failures(json, &context(), &everything).unwrap();
        assert_eq!(samples.len(), drawn, "{json}");
        assert!(matches!(&reward.scores[0], Score::Abstain(why) if why.contains(&format!("{drawn} failed"))));
    }
}

#[test]
fn replacements_end_with_the_budget_of_samples_and_of_rounds() {
    let json = r#"{"k": 4, "failed": "redraw"}"#;
    let few = Context { samples_left: 5, ..context() };
    let (reward, samples) = with_failures(json, &few, &[0, 1]).unwrap();
    assert_eq!((samples.len(), number(&reward, "valid"), number(&reward, "redrawn")), (5, 3.0, 1.0));
    let one_round = Context { rounds_left: 1, ..context() };
    let (reward, samples) = with_failures(json, &one_round, &[0, 1]).unwrap();
    assert_eq!((samples.len(), number(&reward, "valid"), number(&reward, "redrawn")), (4, 2.0, 0.0));
}

#[test]
fn samples_that_somebody_else_drew_serve_as_replacements() {
    let samples = [failed(0), scored(1, &[1.0, 2.0]), scored(2, &[3.0, 4.0]), scored(3, &[9.0, 9.0])];
    let policy = vote(r#"{"k": 2, "failed": "redraw"}"#);
    let reward = finish(&policy, &task(2), &nothing_left(), &samples);
    assert_eq!((reward.used.as_slice(), number(&reward, "redrawn")), ([1, 2].as_slice(), 1.0));
}

#[test]
fn an_abstention_is_replaced_too() {
    let partial = sample(0, vec![1], rewarden_plugin::Outcome::Scored(vec![None, Some(Score::Value(9.0))]));
    let policy = vote(r#"{"k": 1, "failed": "redraw", "shuffle": "none"}"#);
    let draws = draws(&policy, &task(2), &context(), &[partial]);
    assert_eq!(draws.iter().map(|draw| draw.order.as_slice()).collect::<Vec<_>>(), [[0, 1]]);
}

#[test]
fn with_fail_a_task_that_loses_a_sample_fails_and_says_which() {
    let refusal = with_failures(r#"{"k": 4, "failed": "fail"}"#, &context(), &[2, 3]).unwrap_err();
    let Refusal::TooFewSamples(why) = refusal else { panic!("{refusal:?}") };
    assert!(why.contains("2 of 4 samples") && why.contains("sample 2 (no box)"), "{why}");
    let (reward, _) = with_failures(r#"{"k": 4, "failed": "fail"}"#, &context(), &[]).unwrap();
    assert_eq!((values(&reward), text(&reward, "failed_rule")), (vec![16.0, 24.0], "fail"));
}

#[test]
fn the_default_drops_and_redraws_nothing() {
    let (reward, samples) = with_failures(r#"{"k": 4}"#, &context(), &[0]).unwrap();
    assert_eq!((samples.len(), text(&reward, "failed_rule"), number(&reward, "redrawn")), (4, "drop", 0.0));
}

#[test]
fn a_limit_that_limits_nothing_is_refused() {
    for json in [
        r#"{"redraw_limit": 2}"#,
        r#"{"failed": "fail", "redraw_limit": 2}"#,
        r#"{"failed": "redraw", "redraw_limit": 0}"#,
    ] {
        assert_eq!(Vote::from_json(json).unwrap_err().key.as_deref(), Some("redraw_limit"), "{json}");
    }
}

fn any_matrix() -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(prop::collection::vec((1_u8..=10).prop_map(f64::from), 3), 1..12)
}

fn any_aggregate() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("sum"), Just("mean"), Just("median"), Just("majority"), Just("borda")]
}

fn rows(matrix: &[Vec<f64>]) -> Vec<&[f64]> {
    matrix.iter().map(Vec::as_slice).collect()
}

proptest! {
    #[test]
    fn the_order_of_the_samples_changes_no_bit(matrix in any_matrix(), aggregate in any_aggregate(), seed: u64) {
        let mut shuffled = matrix.clone();
        Random::new(seed).shuffle(&mut shuffled);
        prop_assert_eq!(reward(aggregate, &rows(&matrix)).scores, reward(aggregate, &rows(&shuffled)).scores);
    }

    #[test]
    fn responses_with_the_same_scores_get_the_same_reward(mut matrix in any_matrix(), aggregate in any_aggregate()) {
        for scores in &mut matrix {
            scores[2] = scores[0];
        }
        let reward = reward(aggregate, &rows(&matrix));
        prop_assert_eq!(&reward.scores[0], &reward.scores[2]);
    }

    #[test]
    fn majority_hands_out_one_vote_a_sample_and_borda_one_point_a_pair(matrix in any_matrix()) {
        let total = |aggregate| values(&reward(aggregate, &rows(&matrix))).iter().sum::<f64>();
        prop_assert!((total("majority") - matrix.len() as f64).abs() < 1e-9);
        prop_assert!((total("borda") - 3.0 * matrix.len() as f64).abs() < 1e-9);
    }

    #[test]
    fn a_response_that_is_best_in_every_sample_wins_under_every_rule(mut matrix in any_matrix(), aggregate in any_aggregate()) {
        for scores in &mut matrix {
            scores[1] = scores.iter().copied().fold(0.0, f64::max) + 1.0;
        }
        let found = values(&reward(aggregate, &rows(&matrix)));
        prop_assert!(found[1] > found[0] && found[1] > found[2], "{:?}", found);
    }

    #[test]
    fn redrawing_ends_with_k_valid_samples_or_at_its_limit(
        fails in prop::collection::vec(any::<bool>(), 64), k in 1_u32..9, limit in 1_u32..12,
    ) {
        let json = format!(r#"{{"k": {k}, "failed": "redraw", "redraw_limit": {limit}}}"#);
        let judge = |id: u32, _: &_| if fails[id as usize] { failure() } else { all(&[4.0, 6.0]) };
        let many_rounds = Context { rounds_left: 32, ..context() };
        let (reward, samples) = run(&vote(&json), &task(2), &many_rounds, judge, no_meta).unwrap();
        let redrawn = samples.len() as u32 - k;
        prop_assert_eq!(number(&reward, "redrawn"), f64::from(redrawn));
        prop_assert!(redrawn <= limit);
        prop_assert!(number(&reward, "valid") == f64::from(k) || redrawn == limit);
        prop_assert!(number(&reward, "valid") <= f64::from(k));
    }
}
