//! Lengths and their scores.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use length::Length;
use proptest::prelude::*;
use rewarden_plugin::{Message, Plugin, Score, Scorer, Task};

fn score(config: &str, responses: &[&str]) -> Vec<f64> {
    let task = Task {
        messages: vec![Message::user("?")],
        responses: responses.iter().map(|response| (*response).to_owned()).collect(),
        reference: None,
        metadata: "{}".to_owned(),
    };
    let scores = Length::from_json(config).unwrap().score(&task).unwrap();
    let value = |score: &Score| match score {
        Score::Value(value) => *value,
        Score::Abstain(why) => panic!("{why}"),
    };
    scores.iter().map(value).collect()
}

#[test]
fn inside_the_band_is_one_and_outside_falls_over_the_slack() {
    let config = r#"{"min": 3, "max": 4, "slack": 2}"#;
    let responses = ["", "a", "a b", "a b c", "a\nb  c d", "a b c d e", "a b c d e f", "a b c d e f g"];
    assert_eq!(score(config, &responses), [0.0, 0.0, 0.5, 1.0, 1.0, 0.5, 0.0, 0.0]);
}

#[test]
fn without_slack_the_edge_is_hard_and_either_end_may_be_open() {
    assert_eq!(score(r#"{"max": 2}"#, &["", "a b", "a b c"]), [1.0, 1.0, 0.0]);
    assert_eq!(score(r#"{"min": 2}"#, &["a", "a b", "a b c"]), [0.0, 1.0, 1.0]);
}

#[test]
fn characters_are_counted_and_not_bytes() {
    let config = r#"{"min": 4, "max": 4, "unit": "characters"}"#;
    assert_eq!(score(config, &["caf\u{e9}", "\u{4f60}\u{597d}\u{4f60}\u{597d}", "a b", "a b "]), [1.0, 1.0, 0.0, 1.0]);
}

#[test]
fn a_band_is_needed_and_has_to_be_one() {
    for json in
        ["{}", r#"{"min": 3, "max": 2}"#, r#"{"min": -1}"#, r#"{"max": 2, "unit": "tokens"}"#, r#"{"maximum": 2}"#]
    {
        assert!(Length::from_json(json).is_err(), "{json}");
    }
}

proptest! {
    #[test]
    fn every_score_lies_from_0_to_1_and_a_word_more_outside_never_scores_more(
        min in 0_u32..20, size in 0_u32..20, slack in 0_u32..20, words in 0_usize..80,
    ) {
        let max = min + size;
        let config = format!(r#"{{"min": {min}, "max": {max}, "slack": {slack}}}"#);
        let (text, longer) = ("w ".repeat(words), "w ".repeat(words + 1));
        let scores = score(&config, &[&text, &longer]);
        prop_assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
        if words >= max as usize {
            prop_assert!(scores[1] <= scores[0]);
        } else if words < min as usize {
            prop_assert!(scores[1] >= scores[0]);
        }
    }
}
