use super::*;
use crate::{Finding, JudgeVotes, VotingOptions};

fn options() -> EvaluateOptions {
    let voting = VotingOptions { judges: vec!["judge".into()], strategies: "strategy".into() };
    EvaluateOptions { voting: Some(voting), ..EvaluateOptions::default() }
}

/// A task of one judge and strategy about an item whose response 0 is right. Each sample is an order and what it came
/// to: `+` names response 0, `-` response 1, `=` neither, `!` fails.
fn judged(judge: &str, strategy: &str, item: &str, samples: &str) -> TaskOutcome {
    let samples = samples.split_whitespace().map(|sample| {
        let order: &[u32] = if sample.starts_with('<') { &[1, 0] } else { &[0, 1] };
        match sample.trim_start_matches(['<', '>']) {
            "+" => self::sample(order, Ok(scores(&[2.0, 1.0]))),
            "-" => self::sample(order, Ok(scores(&[1.0, 2.0]))),
            "=" => self::sample(order, Ok(scores(&[1.0, 1.0]))),
            "!" => self::sample(order, Err("unparsable")),
            other => panic!("{other}"),
        }
    });
    TaskOutcome {
        item: item.into(),
        samples: samples.collect(),
        ..task(&format!("{item}/{judge}/{strategy}"), &[("judge", judge), ("strategy", strategy)], &[0], &[1.0, 0.0])
    }
}

fn rows(tasks: Vec<TaskOutcome>) -> Vec<JudgeVotes> {
    evaluate(options(), tasks).unwrap().voting.unwrap().rows
}

#[test]
fn each_figure_is_what_counting_by_hand_gives() {
    let [row] = <[_; 1]>::try_from(rows(vec![
        judged("a", "plain", "1", ">+ <+"), // both orders agree, and are right
        judged("a", "plain", "2", ">+ <-"), // they disagree
        judged("a", "plain", "3", ">- <-"), // they agree, and are wrong
        judged("a", "cot", "1", ">+ <="),   // a tie agrees with nothing and is no vote
        judged("a", "cot", "2", ">+ <+"),
        judged("a", "cot", "3", ">+ <!"), // nor is a failure
    ]))
    .unwrap();
    assert_eq!((row.judge.as_slice(), row.items, row.left_out), (&["a".to_owned()][..], 3, 0));

    let strategies: Vec<_> =
        row.strategies.iter().map(|s| (s.strategy.as_str(), s.accuracy.value, s.samples)).collect();
    // cot: 1 + 1/2, 1 + 1, 1 + 0 of two each; plain: 2, 1 and 0 of two each.
    assert_eq!(strategies, [("cot", 4.5 / 6.0, 6), ("plain", 0.5, 6)]);

    let both = row.both_orders.unwrap();
    assert_eq!((both.coverage.value, both.accuracy.unwrap().value), (3.0 / 6.0, 2.0 / 3.0));

    // Votes: item 1 has 3 of 3 right, item 2 has 3 of 4, item 3 has 1 of 3.
    assert_eq!(row.vote.unwrap().value, 7.0 / 10.0);
    assert_eq!(row.majority.map(|share| (share.value, share.tasks)), Some((2.0 / 3.0, 3)));
    assert!((row.gain.unwrap().value - (2.0 / 3.0 - 0.7)).abs() < 1e-12);
    assert_eq!(row.finding, Finding::Unclear, "{}", row.words);
}

#[test]
fn a_tied_majority_counts_its_share_and_items_without_votes_are_left_out_of_it() {
    let [row] = <[_; 1]>::try_from(rows(vec![judged("a", "s", "1", ">+ <-"), judged("a", "s", "2", ">! <=")])).unwrap();
    assert_eq!(row.majority.map(|share| (share.value, share.tasks)), Some((0.5, 1)));
    assert_eq!((row.items, row.vote.unwrap().value), (2, 0.5));
}

/// Forty items of five votes each, of which `right` are right in the first `of` items and the others' opposite.
fn five_votes(right: &str, other: &str, of: usize) -> Vec<TaskOutcome> {
    (0..40).map(|index| judged("a", "s", &index.to_string(), if index < of { right } else { other })).collect()
}

#[test]
fn below_one_half_the_majority_hurts_and_above_it_helps_in_words_with_the_figures() {
    // 2 of 5 votes right in 35 items, 3 of 5 in 5: 85 of 200 votes, and a majority in 5 of 40 items.
    let row = &rows(five_votes(">+ >+ >- >- >-", ">+ >+ >+ >- >-", 35))[0];
    assert_eq!((row.vote.unwrap().value, row.majority.unwrap().value), (0.425, 0.125));
    assert_eq!(row.finding, Finding::Hurts, "{}", row.words);
    assert!(
        row.words.starts_with("majority hurts: a single vote is right in 42.5 % [")
            && row.words.contains("below one half, and the majority in 12.5 % (-30.0 points ["),
        "{}",
        row.words
    );

    let row = &rows(five_votes(">- >- >+ >+ >+", ">- >- >- >+ >+", 35))[0];
    assert_eq!((row.vote.unwrap().value, row.majority.unwrap().value), (0.575, 0.875));
    assert_eq!(row.finding, Finding::Helps, "{}", row.words);
    assert!(row.words.contains("above one half, and the majority in 87.5 % (+30.0 points ["), "{}", row.words);
}

#[test]
fn an_interval_that_holds_one_half_or_a_gain_that_points_the_other_way_is_unclear() {
    // 3 of 5 in half of the items, 2 of 5 in the others.
    let row = &rows(five_votes(">+ >+ >+ >- >-", ">+ >+ >- >- >-", 20))[0];
    assert_eq!(row.finding, Finding::Unclear);
    assert!(row.words.contains("50.0 %") && row.words.contains("may be either side of one half"), "{}", row.words);

    // Most items have a weak majority for the right response, the others none at all for it: 78 of 200 votes.
    let row = &rows(five_votes(">+ >+ >+ >- >-", ">- >- >- >- >-", 26))[0];
    assert_eq!((row.vote.unwrap().value, row.majority.unwrap().value), (0.39, 0.65));
    assert!(row.vote.unwrap().high < 0.5, "{:?}", row.vote);
    assert_eq!(row.finding, Finding::Unclear);
    assert!(row.words.contains("below one half, yet the majority is no worse: in 65.0 %"), "{}", row.words);
}

#[test]
fn the_gains_interval_is_that_of_the_paired_difference() {
    // Per item, majority less share of right votes: -0.4 in 35 items, +0.2 in 5; mean -0.325.
    let row = &rows(five_votes(">+ >+ >- >- >-", ">+ >+ >+ >+ >-", 35))[0];
    let gain = row.gain.unwrap();
    let variance = (35.0 * (-0.4f64 + 0.325).powi(2) + 5.0 * (0.2f64 + 0.325).powi(2)) / (40.0 * 40.0);
    assert!((gain.low - (-0.325 - 1.959_963_984_540_054 * variance.sqrt())).abs() < 1e-12, "{gain:?}");
    assert!((gain.high - (-0.325 + 1.959_963_984_540_054 * variance.sqrt())).abs() < 1e-12, "{gain:?}");
}

#[test]
fn judges_are_kept_apart_and_ratings_of_one_response_take_no_part() {
    let rating = |index: u32| sample(&[index], Ok((0..2).map(|at| (at == index).then_some(7.0)).collect()));
    let rated = TaskOutcome { samples: vec![rating(0), rating(1)], ..judged("b", "rating", "1", "") };
    let rows = rows(vec![judged("b", "plain", "1", ">- <-"), rated, judged("a", "plain", "1", ">+ <+")]);
    let votes: Vec<_> = rows.iter().map(|row| (row.judge[0].as_str(), row.vote.unwrap().value, row.left_out)).collect();
    assert_eq!(votes, [("a", 1.0, 0), ("b", 0.0, 2)]);
    assert_eq!(rows[1].strategies.len(), 1, "a strategy without a whole sample has no accuracy");
}

#[test]
fn of_more_than_two_responses_and_without_votes_nothing_is_claimed() {
    let three =
        |judge: &str, samples| TaskOutcome { samples, ..task("t", &[("judge", judge)], &[0], &[1.0, 0.0, 0.0]) };
    let voted = sample(&[0, 1, 2], Ok(scores(&[3.0, 1.0, 1.0])));
    let rows = rows(vec![three("a", vec![voted]), three("b", vec![sample(&[0, 1, 2], Err("unparsable"))])]);
    assert_eq!((rows[0].finding, rows[0].majority.unwrap().value), (Finding::Unclear, 1.0));
    assert!(rows[0].words.contains("more than two responses"), "{}", rows[0].words);
    assert_eq!((rows[1].finding, rows[1].majority, rows[1].vote), (Finding::Unclear, None, None));
    assert!(rows[1].words.contains("no sample names a winner"), "{}", rows[1].words);
}

#[test]
fn tasks_about_one_item_have_to_agree_on_its_label() {
    let other = TaskOutcome { correct: vec![1], ..judged("a", "cot", "1", ">+") };
    let error = evaluate(options(), vec![judged("a", "plain", "1", ">+"), other]).unwrap_err().to_string();
    assert!(
        error.contains("task `1/a/cot`: is about item `1`") && error.contains("the same responses and label"),
        "{error}"
    );
    let none = VotingOptions { judges: Vec::new(), strategies: "strategy".into() };
    let error = evaluate(EvaluateOptions { voting: Some(none), ..EvaluateOptions::default() }, Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "fields that tell judges apart: expected at least 1, found 0");
}
