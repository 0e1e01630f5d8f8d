//! What the parser makes of awkward JSON: one score per response on the scale, or a failure.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use json_scores::JsonScores;
use proptest::prelude::*;
use rewarden_plugin::{Completion, FinishReason, ParseFailure, Parser, Plugin, Scale, Score};

const TEN: Scale = Scale { min: 1.0, max: 10.0, integer: true };
const FIELDS: &str = r#"{"path": ""}"#;
const NESTED: &str = r#"{"path": "result.ratings", "field": "score"}"#;

fn parse_with(
    config: &str,
    finish: FinishReason,
    shown: u32,
    scale: Scale,
    text: &str,
) -> Result<Vec<Score>, ParseFailure> {
    let completion = Completion { text: text.to_owned(), finish, tokens: vec![] };
    JsonScores::from_json(config).unwrap().parse(&completion, shown, scale).map(|judgement| judgement.scores)
}

fn parse(config: &str, shown: u32, text: &str) -> Result<Vec<Score>, ParseFailure> {
    parse_with(config, FinishReason::Stop, shown, TEN, text)
}

#[track_caller]
fn reads(config: &str, text: &str, scores: &[f64]) {
    let expected: Vec<_> = scores.iter().map(|score| Score::Value(*score)).collect();
    assert_eq!(parse(config, scores.len() as u32, text), Ok(expected), "{text}");
}

#[track_caller]
fn unparsable(config: &str, shown: u32, text: &str, says: &str) {
    match parse(config, shown, text) {
        Err(ParseFailure::Unparsable(why)) => assert!(why.contains(says), "{why}"),
        other => panic!("{text}: {other:?}"),
    }
}

#[track_caller]
fn wrong_count(config: &str, shown: u32, found: u32, text: &str) {
    match parse(config, shown, text) {
        Err(ParseFailure::WrongCount(count)) => assert_eq!((count.expected, count.found), (shown, found), "{text}"),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn arrays_and_fields_are_read_wherever_they_stand() {
    reads("{}", r#"{"scores": [8, 5]}"#, &[8.0, 5.0]);
    reads("{}", "So:\n```json\n{\"why\": \"a\", \"scores\": [8]}\n```\nThat is all [1].", &[8.0]);
    reads("{}", r#"{"scores": {"response_2": 5, "response_1": 8, "overall": 3}}"#, &[8.0, 5.0]);
    reads(FIELDS, r#"{"response_1": 7, "response_2": 10, "why": "x"}"#, &[7.0, 10.0]);
    reads(FIELDS, "[7, 10]", &[7.0, 10.0]);
    reads(r#"{"path": "", "key": "{A}"}"#, r#"{"A": 7, "B": 1.0e1}"#, &[7.0, 10.0]);
    reads(NESTED, r#"{"result": {"ratings": [{"score": 7, "why": ""}, {"score": 2}]}}"#, &[7.0, 2.0]);
}

#[test]
fn the_last_answer_counts_and_a_broken_later_one_fails() {
    reads("{}", r#"{"scores": [8, 5]} or rather {"scores": [7, 5]}"#, &[7.0, 5.0]);
    unparsable("{}", 2, r#"{"scores": [8, 5]} or rather {"scores": [7, 5"#, "a later one");
    unparsable("{}", 2, r#"{"scores": [8, 5]} or rather {"scores": (7, 5)}"#, "a later one");
    let cut = parse_with(FIELDS, FinishReason::Length, 2, TEN, "[8, 5] or rather [7,");
    assert!(matches!(cut, Err(ParseFailure::Unparsable(why)) if why.contains("token limit")));
}

#[test]
fn what_is_no_json_is_no_answer() {
    unparsable("{}", 2, "{'scores': [8, 5]}", "found none");
    unparsable(FIELDS, 2, "{'scores': [8, 5]}", "part of something that is no JSON");
    unparsable("{}", 2, r#"{"scores": [8, 5,]}"#, "found none");
    unparsable("{}", 2, r#"{"scores": [8, 5"#, "found none");
    unparsable("{}", 2, r"\boxed{10, 1}", "found none");
    unparsable("{}", 2, "", "the text is empty");
    unparsable("{}", 2, "[8, 5]", "found none");
}

#[test]
fn an_entry_is_a_number_or_null() {
    for (entry, kind) in [(r#""8""#, "a string"), ("true", "a boolean"), ("[8]", "an array"), ("{}", "an object")] {
        unparsable("{}", 2, &format!(r#"{{"scores": [{entry}, 5]}}"#), &format!("score 1 of 2 is {kind}"));
    }
    unparsable("{}", 1, r#"{"scores": 8}"#, "found a number");
    unparsable(NESTED, 1, r#"{"result": {"ratings": [7]}}"#, "a field `score`");
    assert!(matches!(&parse("{}", 2, r#"{"scores": [null, 5]}"#).unwrap()[..], [Score::Abstain(_), Score::Value(5.0)]));
}

#[test]
fn numbers_off_the_scale_are_refused_and_never_clipped() {
    for text in ["0", "11", "-3", "7.5", "1e300"] {
        let outcome = parse("{}", 2, &format!(r#"{{"scores": [{text}, 5]}}"#));
        assert!(matches!(outcome, Err(ParseFailure::OutOfScale(_))), "{text}: {outcome:?}");
    }
    let outcome = parse("{}", 2, r#"{"scores": [1e999, 5]}"#);
    assert!(matches!(outcome, Err(ParseFailure::NotFinite(_))), "{outcome:?}");
}

#[test]
fn there_is_one_score_for_each_response() {
    wrong_count("{}", 2, 1, r#"{"scores": [8]}"#);
    wrong_count("{}", 2, 3, r#"{"scores": [8, 5, 1]}"#);
    wrong_count("{}", 2, 0, r#"{"scores": []}"#);
    wrong_count("{}", 2, 0, r#"{"scores": {"a": 1, "b": 2}}"#);
    wrong_count(FIELDS, 2, 1, r#"{"response_1": 8}"#);
    wrong_count(FIELDS, 1, 2, r#"{"response_1": 8, "response_2": 5}"#);
    unparsable(FIELDS, 2, r#"{"response_1": 8, "response_3": 5}"#, "`response_2`, found 2 others");
    unparsable(FIELDS, 2, r#"{"response_1": 8, "response_01": 5}"#, "`response_2`");
    unparsable(FIELDS, 2, r#"{"response_1": 8, "response_1": 5}"#, "found none");
    wrong_count(r#"{"path": "", "key": "{A}"}"#, 27, 1, r#"{"A": 8}"#);
}

#[test]
fn options_are_checked_and_named() {
    for (json, key) in [
        (r#"{"path": "a..b"}"#, "path"),
        (r#"{"key": "response"}"#, "key"),
        (r#"{"key": "{1}{A}"}"#, "key"),
        (r#"{"field": ""}"#, "field"),
        (r#"{"paths": ""}"#, "paths"),
    ] {
        assert_eq!(JsonScores::from_json(json).unwrap_err().key.as_deref(), Some(key), "{json}");
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        "\"scores\": ",
        "\"response_1\": ",
        "\"response_2\": ",
        "\"result\": ",
        "\"ratings\": ",
        "\"score\": ",
        "8",
        "5",
        "-1",
        "1e9",
        "7.5",
        ", ",
        "null",
        "\"8\"",
        "{\"scores\": [8, 5]}",
        "[8, 5]",
        "{\"score\": 3}",
        "\n",
        "\\boxed{10, 1}",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_read_is_one_score_on_the_scale_per_response(
        text in pieces(), shown in 1_u32..4, config in prop::sample::select(vec!["{}", FIELDS, NESTED]), integer: bool, cut: bool,
        min in -9_i32..9, size in 0_i32..20,
    ) {
        let scale = Scale { min: f64::from(min), max: f64::from(min + size), integer };
        let finish = if cut { FinishReason::Length } else { FinishReason::Stop };
        if let Ok(scores) = parse_with(config, finish, shown, scale, &text) {
            prop_assert_eq!(scores.len(), shown as usize);
            for score in scores {
                if let Score::Value(value) = score {
                    prop_assert!(value.is_finite() && scale.contains(value), "{value} in {text}");
                }
            }
        }
    }

    #[test]
    fn arbitrary_text_is_never_a_panic(
        text in any::<String>(), shown in 1_u32..40, config in prop::sample::select(vec!["{}", FIELDS, NESTED]),
    ) {
        let _ = parse(config, shown, &text);
    }

    #[test]
    fn scores_that_are_written_as_asked_are_read_back(
        before in "[^\\[{]*", scores in prop::collection::vec(1_u32..=10, 1..8), after in "[^\\[{\"\\]},]*",
    ) {
        let list = scores.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        let expected: Vec<_> = scores.iter().map(|score| Score::Value(f64::from(*score))).collect();
        let read = parse("{}", scores.len() as u32, &format!("{before}{{\"scores\": [{list}]}}{after}"));
        prop_assert_eq!(read, Ok(expected));
    }
}
