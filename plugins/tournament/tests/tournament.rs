//! What tournaments promise, over the policy's public surface.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use rewarden_plugin::{Context, Draw, Outcome, Plugin, Policy, Random, Refusal, Reward, Sample, Score};
use tournament::Tournament;
use voting::fixtures::{
    SCALE, context, draws, failure, finish, flag, no_meta, nothing_left, number, run, sample, scored, task, text,
    values,
};

fn policy(json: &str) -> Tournament {
    Tournament::from_json(json).unwrap()
}

fn plenty() -> Context {
    Context { samples_left: 4096, rounds_left: 16, ..context() }
}

/// What a judge says of the two responses of a draw: the first shown gets `first`, the second `second`.
fn verdict(n: usize, draw: &Draw, first: f64, second: f64) -> Outcome {
    let mut scores = vec![None; n];
    for (shown, score) in draw.order.iter().zip([first, second]) {
        scores[*shown as usize] = Some(Score::Value(score));
    }
    Outcome::Scored(scores)
}

/// A tournament whose judge knows how good each response is.
fn by_quality(json: &str, context: &Context, quality: &[f64]) -> (Reward, Vec<Sample>) {
    let n = quality.len();
    let judge =
        |_: u32, draw: &Draw| verdict(n, draw, quality[draw.order[0] as usize], quality[draw.order[1] as usize]);
    run(&policy(json), &task(n), context, judge, no_meta).unwrap()
}

/// The responses from best to worst.
fn ranking(reward: &Reward) -> Vec<usize> {
    let scores = values(reward);
    let mut ranking: Vec<usize> = (0..scores.len()).collect();
    ranking.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    ranking
}

const SCORINGS: [&str; 3] = ["bradley_terry", "elo", "win_rate"];

#[test]
fn a_round_robin_shows_every_pair_once_and_ranks_by_strength() {
    for scores in SCORINGS {
        let json = format!(r#"{{"scores": "{scores}"}}"#);
        let (reward, samples) = by_quality(&json, &plenty(), &[3.0, 9.0, 1.0, 7.0, 5.0]);
        let shown: BTreeSet<BTreeSet<u32>> =
            samples.iter().map(|sample| sample.order.iter().copied().collect()).collect();
        assert_eq!((samples.len(), shown.len()), (10, 10));
        assert_eq!(ranking(&reward), [1, 3, 4, 0, 2], "{scores}");
        assert_eq!((number(&reward, "pairs"), number(&reward, "verdicts")), (10.0, 10.0));
        assert_eq!(reward.used.len(), 10);
    }
}

#[test]
fn bradley_terry_strengths_are_the_closed_form_of_two_responses() {
    // 3 of 4 verdicts and half a tie each way: odds 3.25 to 1.25.
    let judge = |id: u32, draw: &Draw| {
        let zero_wins = id != 2;
        let zero_first = draw.order[0] == 0;
        let (first, second) = if zero_wins == zero_first { (9.0, 1.0) } else { (1.0, 9.0) };
        verdict(2, draw, first, second)
    };
    let policy = policy(r#"{"both_orders": true, "repeats": 2, "prior_ties": 0.5}"#);
    let (reward, _) = run(&policy, &task(2), &plenty(), judge, no_meta).unwrap();
    let half = (3.25_f64 / 1.25).ln() / 2.0;
    for (found, expected) in values(&reward).into_iter().zip([half, -half]) {
        assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
    }
    assert!(flag(&reward, "converged"));
}

#[test]
fn win_rates_count_ties_half_and_elo_starts_at_1500() {
    let (reward, _) = by_quality(r#"{"scores": "win_rate"}"#, &plenty(), &[9.0, 5.0, 5.0]);
    assert_eq!((values(&reward), number(&reward, "ties")), (vec![1.0, 0.25, 0.25], 1.0));
    let (reward, _) = by_quality(r#"{"scores": "elo", "elo_passes": 1}"#, &plenty(), &[9.0, 5.0, 5.0]);
    assert_eq!(values(&reward), [1516.0, 1492.0, 1492.0]);
}

#[test]
fn each_response_stands_first_in_half_of_its_pairs() {
    for n in 2..10 {
        for seed in 0..8 {
            let draws = draws(&policy("{}"), &task(n), &Context { seed, ..plenty() }, &[]);
            for response in 0..n as u32 {
                let first = draws.iter().filter(|draw| draw.order[0] == response).count();
                assert!((n / 2).abs_diff(first) <= 1 && first.abs_diff(n - 1 - first) <= 1, "{n} {draws:?}");
            }
        }
    }
}

#[test]
fn with_both_orders_a_judge_that_always_takes_the_first_decides_nothing() {
    let judge = |_: u32, draw: &Draw| verdict(4, draw, 9.0, 1.0);
    for schedule in [r#""scores": "win_rate""#, r#""schedule": "knockout""#] {
        let json = format!(r#"{{{schedule}, "both_orders": true, "agreeing_only": true}}"#);
        let (reward, _) = run(&policy(&json), &task(4), &plenty(), judge, no_meta).unwrap();
        assert!(reward.scores.iter().all(|score| matches!(score, Score::Abstain(_))), "{reward:?}");
        assert_eq!((number(&reward, "first_shown_wins"), number(&reward, "verdicts")), (1.0, 0.0));
        assert_eq!(number(&reward, "disagreeing"), number(&reward, "pairs"));
        assert!(reward.used.is_empty());
    }
    let json = r#"{"scores": "bradley_terry", "both_orders": true}"#;
    let (reward, samples) = run(&policy(json), &task(4), &plenty(), judge, no_meta).unwrap();
    assert_eq!((samples.len(), values(&reward)), (12, vec![0.0; 4]));
}

#[test]
fn agreeing_verdicts_count_once_and_a_tie_agrees_with_a_tie() {
    let quality = [9.0, 5.0, 5.0];
    let (reward, samples) =
        by_quality(r#"{"scores": "win_rate", "both_orders": true, "agreeing_only": true}"#, &plenty(), &quality);
    assert_eq!((values(&reward), samples.len()), (vec![1.0, 0.25, 0.25], 6));
    assert_eq!((number(&reward, "verdicts"), number(&reward, "ties"), number(&reward, "disagreeing")), (3.0, 1.0, 0.0));
}

#[test]
fn a_pair_with_a_failed_order_does_not_agree() {
    let policy = policy(r#"{"scores": "win_rate", "both_orders": true, "agreeing_only": true}"#);
    let judge = |_: u32, draw: &Draw| if draw.order[0] == 0 { failure() } else { verdict(2, draw, 9.0, 1.0) };
    let (reward, samples) = run(&policy, &task(2), &plenty(), judge, no_meta).unwrap();
    assert!(matches!(&reward.scores[0], Score::Abstain(why) if why.contains("verdict")));
    assert_eq!((samples.len(), number(&reward, "no_verdict"), number(&reward, "failed")), (2, 1.0, 1.0));
}

#[test]
fn a_knockout_takes_one_pair_less_than_there_are_responses_and_the_best_wins() {
    for n in 2..17_usize {
        for seed in 0..20 {
            let mut quality: Vec<f64> = (1..=n).map(|place| place as f64).collect();
            Random::new(seed).shuffle(&mut quality);
            let context = Context { seed, rounds_left: n.next_power_of_two().trailing_zeros(), ..plenty() };
            let (reward, samples) = by_quality(r#"{"schedule": "knockout"}"#, &context, &quality);
            assert_eq!(samples.len(), n - 1);
            assert_eq!(quality[ranking(&reward)[0]], n as f64);
            assert_eq!(values(&reward).into_iter().fold(0.0, f64::max), f64::from(context.rounds_left));
        }
    }
}

#[test]
fn the_loser_of_a_knockouts_final_comes_second_and_first_round_losers_last() {
    let (reward, _) = by_quality(r#"{"schedule": "knockout"}"#, &plenty(), &[1.0, 2.0, 3.0, 4.0]);
    let mut scores = values(&reward);
    assert_eq!(scores[3], 2.0);
    scores.sort_by(f64::total_cmp);
    assert_eq!(scores, [0.0, 0.0, 1.0, 2.0]);
}

#[test]
fn a_final_without_a_winner_stays_a_tie_and_other_ties_go_by_lot() {
    let (reward, _) = by_quality(r#"{"schedule": "knockout"}"#, &plenty(), &[5.0, 5.0]);
    assert_eq!((values(&reward), number(&reward, "by_lot")), (vec![0.5, 0.5], 0.0));
    let (reward, _) = by_quality(r#"{"schedule": "knockout"}"#, &plenty(), &[5.0; 4]);
    let mut scores = values(&reward);
    scores.sort_by(f64::total_cmp);
    assert_eq!((scores, number(&reward, "by_lot")), (vec![0.5, 0.5, 1.5, 1.5], 2.0));
}

#[test]
fn repeats_are_decided_by_most_of_them() {
    // The judge errs in one of three.
    let judge = |id: u32, draw: &Draw| {
        let winner = if id.is_multiple_of(3) { 1 } else { 0 };
        let (first, second) = if draw.order[0] == winner { (9.0, 1.0) } else { (1.0, 9.0) };
        verdict(2, draw, first, second)
    };
    let (reward, samples) =
        run(&policy(r#"{"schedule": "knockout", "repeats": 3}"#), &task(2), &plenty(), judge, no_meta).unwrap();
    assert_eq!((samples.len(), values(&reward)), (3, vec![1.0, 0.0]));
    let orders: BTreeSet<&[u32]> = samples.iter().map(|sample| sample.order.as_slice()).collect();
    assert_eq!(orders.len(), 2, "repeats alternate");
}

#[test]
fn a_budget_that_cannot_hold_the_tournament_is_refused_before_anything_is_drawn() {
    for (json, context, why) in [
        ("{}", Context { samples_left: 14, ..plenty() }, "15 more samples"),
        (r#"{"both_orders": true}"#, Context { samples_left: 29, ..plenty() }, "30 more samples"),
        (r#"{"schedule": "knockout"}"#, Context { samples_left: 4, ..plenty() }, "5 more samples"),
        (r#"{"schedule": "knockout"}"#, Context { rounds_left: 2, ..plenty() }, "3 more rounds"),
        ("{}", Context { rounds_left: 0, ..plenty() }, "1 more rounds"),
    ] {
        let refusal = policy(json).next(&task(6), &context, &[]).unwrap_err();
        assert!(matches!(&refusal, Refusal::TooFewSamples(found) if found.contains(why)), "{refusal:?}");
    }
    let refusal = policy("{}").next(&task(1), &plenty(), &[]).unwrap_err();
    assert!(matches!(refusal, Refusal::UnsuitableTask(why) if why.contains("at least 2 responses")));
}

#[test]
fn samples_that_show_all_responses_are_verdicts_on_each_pair() {
    let samples = [scored(0, &[9.0, 5.0, 1.0]), scored(1, &[8.0, 6.0, 2.0])];
    for json in [r#"{"scores": "win_rate"}"#, r#"{"scores": "elo"}"#, "{}", r#"{"schedule": "knockout"}"#] {
        let reward = finish(&policy(json), &task(3), &nothing_left(), &samples);
        assert_eq!(ranking(&reward)[0], 0, "{json}");
        assert_eq!((reward.used.as_slice(), number(&reward, "missing")), ([0, 1].as_slice(), 0.0));
    }
}

#[test]
fn where_nothing_may_be_drawn_pairs_that_are_not_there_are_counted_and_nothing_is_made_up() {
    let only = sample(0, vec![0, 1], Outcome::Scored(vec![Some(Score::Value(9.0)), Some(Score::Value(1.0)), None]));
    for json in ["{}", r#"{"scores": "win_rate"}"#, r#"{"scores": "elo"}"#] {
        let reward = finish(&policy(json), &task(3), &nothing_left(), std::slice::from_ref(&only));
        assert!(matches!(reward.scores[2], Score::Abstain(_)));
        assert_eq!((number(&reward, "missing"), number(&reward, "no_verdict")), (2.0, 2.0));
    }
}

#[test]
fn a_showing_in_the_other_order_stands_in_where_a_run_holds_no_better() {
    let asked = draws(&policy(r#"{"both_orders": true, "scores": "win_rate"}"#), &task(2), &plenty(), &[]);
    assert_eq!(asked.len(), 2);
    // A replay of a run that showed the one order twice.
    let samples = [scored(0, &[9.0, 1.0]), scored(1, &[9.0, 1.0])];
    let reward = finish(&policy(r#"{"both_orders": true, "scores": "win_rate"}"#), &task(2), &plenty(), &samples);
    assert_eq!(values(&reward), [1.0, 0.0]);
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_by_its_key() {
    for (json, key) in [
        (r#"{"schedule": "knockout", "scores": "elo"}"#, "scores"),
        (r#"{"agreeing_only": true}"#, "agreeing_only"),
        (r#"{"repeats": 0}"#, "repeats"),
        (r#"{"prior_ties": 0}"#, "prior_ties"),
        (r#"{"scores": "elo", "prior_ties": 1}"#, "prior_ties"),
        (r#"{"elo_step": 16}"#, "elo_step"),
        (r#"{"scores": "elo", "elo_step": 0}"#, "elo_step"),
        (r#"{"scores": "elo", "elo_passes": 0}"#, "elo_passes"),
        (r#"{"k": 4}"#, "k"),
    ] {
        assert_eq!(Tournament::from_json(json).unwrap_err().key.as_deref(), Some(key), "{json}");
    }
}

/// A judge without sense: any verdict, and failures.
fn any_judge(seed: u64, n: usize) -> impl FnMut(u32, &Draw) -> Outcome {
    let mut random = Random::new(seed);
    move |_, draw| match random.below(10) {
        0 => failure(),
        _ => verdict(n, draw, (1 + random.below(3)) as f64, (1 + random.below(3)) as f64),
    }
}

fn any_config() -> impl Strategy<Value = String> {
    let how = prop_oneof![
        Just(r#""scores": "bradley_terry""#),
        Just(r#""scores": "bradley_terry", "prior_ties": 0.01"#),
        Just(r#""scores": "elo""#),
        Just(r#""scores": "elo", "elo_step": 400, "elo_passes": 1000"#),
        Just(r#""scores": "win_rate""#),
        Just(r#""schedule": "knockout""#),
    ];
    let orders = prop_oneof![
        Just(""),
        Just(r#", "both_orders": true"#),
        Just(r#", "both_orders": true, "agreeing_only": true"#),
    ];
    (how, orders, 1_u32..4).prop_map(|(how, orders, repeats)| format!(r#"{{{how}{orders}, "repeats": {repeats}}}"#))
}

proptest! {
    #[test]
    fn any_judge_gives_finite_scores_within_the_budget(json in any_config(), n in 2_usize..9, seed: u64) {
        let context = Context { seed, ..plenty() };
        let (reward, samples) = run(&policy(&json), &task(n), &context, any_judge(seed, n), no_meta).unwrap();
        prop_assert!(samples.iter().all(|sample| sample.order.len() == 2));
        if json.contains("bradley_terry") {
            prop_assert!(flag(&reward, "converged"));
        }
    }

    #[test]
    fn the_order_in_which_samples_came_back_changes_no_bit(json in any_config(), n in 2_usize..7, seed: u64) {
        let context = Context { seed, ..plenty() };
        let (reward, mut samples) = run(&policy(&json), &task(n), &context, any_judge(seed, n), no_meta).unwrap();
        Random::new(seed).shuffle(&mut samples);
        let again = finish(&policy(&json), &task(n), &Context { seed, ..nothing_left() }, &samples);
        prop_assert_eq!(reward, again);
    }

    #[test]
    fn one_that_always_wins_comes_first_however_the_others_do(json in any_config(), n in 2_usize..9, seed: u64) {
        let mut others = any_judge(seed, n);
        let best = seed % n as u64;
        let judge = |id: u32, draw: &Draw| match draw.order.iter().position(|shown| u64::from(*shown) == best) {
            Some(0) => verdict(n, draw, 9.0, 1.0),
            Some(_) => verdict(n, draw, 1.0, 9.0),
            None => others(id, draw),
        };
        let (reward, _) = run(&policy(&json), &task(n), &Context { seed, ..plenty() }, judge, no_meta).unwrap();
        let Score::Value(top) = reward.scores[best as usize] else { panic!("{reward:?}") };
        for (response, score) in (0..).zip(&reward.scores) {
            prop_assert!(response == best || !matches!(score, Score::Value(value) if *value >= top), "{:?}", reward);
        }
    }

    #[test]
    fn equal_responses_get_equal_scores(scores in prop_oneof![Just(SCORINGS[0]), Just(SCORINGS[1]), Just(SCORINGS[2])],
        mut quality in prop::collection::vec((1_u8..6).prop_map(f64::from), 2..9), seed: u64) {
        quality[0] = quality[1];
        let json = format!(r#"{{"scores": "{scores}"}}"#);
        let found = values(&by_quality(&json, &Context { seed, ..plenty() }, &quality).0);
        for (one, score) in found.iter().enumerate() {
            for (other, rival) in found.iter().enumerate() {
                prop_assert_eq!(quality[one].partial_cmp(&quality[other]), score.partial_cmp(rival));
            }
        }
    }

    #[test]
    fn of_complete_round_robins_bradley_terry_ranks_as_wins_do(n in 2_usize..8, seed: u64) {
        let mut random = Random::new(seed);
        let judge = |_: u32, draw: &Draw| verdict(n, draw, (1 + random.below(2)) as f64, (1 + random.below(2)) as f64);
        let (strengths, samples) = run(&policy("{}"), &task(n), &plenty(), judge, no_meta).unwrap();
        let rates = values(&finish(&policy(r#"{"scores": "win_rate"}"#), &task(n), &nothing_left(), &samples));
        let strengths = values(&strengths);
        for one in 0..n {
            for other in 0..n {
                prop_assert_eq!(rates[one].partial_cmp(&rates[other]), strengths[one].partial_cmp(&strengths[other]));
            }
        }
    }
}

#[test]
fn bradley_terry_converges_on_tournaments_of_forty_and_on_a_strict_order() {
    let n = 40;
    let (reward, _) = run(&policy("{}"), &task(n), &plenty(), any_judge(7, n), no_meta).unwrap();
    assert!(flag(&reward, "converged"));
    let quality: Vec<f64> = (0..n).map(|place| place as f64).collect();
    let (reward, _) = by_quality(r#"{"prior_ties": 0.01}"#, &plenty(), &quality);
    assert!(flag(&reward, "converged"));
    assert_eq!(ranking(&reward), (0..n).rev().collect::<Vec<_>>());
    assert_eq!(text(&reward, "scores"), "bradley_terry");
}

#[test]
fn only_which_of_two_scores_is_higher_counts() {
    // Only which of two is higher counts: a judge that uses the middle of the scale says the same.
    let span = SCALE.max - SCALE.min;
    let narrow = by_quality("{}", &plenty(), &[5.0, 6.0, 7.0]).0;
    let wide = by_quality("{}", &plenty(), &[SCALE.min, SCALE.min + span / 2.0, SCALE.max]).0;
    assert_eq!(narrow.scores, wide.scores);
}
