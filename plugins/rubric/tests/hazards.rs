//! What the parser makes of awkward answers: a weighted mean of all verdicts or a failure, and nothing between.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rewarden_plugin::{Completion, FinishReason, Judgement, ParseFailure, Parser, Plugin, Scale, Score};
use rubric::Rubric;

const UNIT: Scale = Scale { min: 0.0, max: 1.0, integer: false };
const TEN: Scale = Scale { min: 1.0, max: 10.0, integer: true };

const YES_NO: &str = r#"{"principles": [
    {"name": "Policy", "description": "Names the rule.", "category": "essential"},
    {"name": "Steps", "description": "Says what to do.", "category": "important"},
    {"name": "Warmth", "description": "Is kind.", "category": "optional"},
    {"name": "No promises", "description": "Promises nothing.", "category": "pitfall"}]}"#;
const POINTS: &str = r#"{"verdicts": "points", "principles": [
    {"name": "Tone", "description": "Is polite.", "weight": 2}, {"name": "Facts", "description": "Is true."}]}"#;

fn judge(config: &str, shown: u32, scale: Scale, finish: FinishReason, text: &str) -> Result<Judgement, ParseFailure> {
    let completion = Completion { text: text.to_owned(), finish, tokens: vec![] };
    Rubric::from_json(config).unwrap().parse(&completion, shown, scale)
}

fn points(shown: u32, text: &str) -> Result<Vec<Score>, ParseFailure> {
    judge(POINTS, shown, TEN, FinishReason::Stop, text).map(|judgement| judgement.scores)
}

fn yes_no(text: &str) -> Result<Vec<Score>, ParseFailure> {
    judge(YES_NO, 1, UNIT, FinishReason::Stop, text).map(|judgement| judgement.scores)
}

#[track_caller]
fn unparsable(outcome: Result<Vec<Score>, ParseFailure>, says: &str) {
    match outcome {
        Err(ParseFailure::Unparsable(why)) => assert!(why.contains(says), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn verdicts_weigh_what_their_category_says() {
    let text = r#"{"response_1": {"Policy": "yes", "Steps": "no", "Warmth": "yes", "No promises": "yes"}}"#;
    assert_eq!(yes_no(text), Ok(vec![Score::Value(22.0 / 29.0)]));
    let all = r#"{"response_1": {"Policy": true, "Steps": " Yes ", "Warmth": "YES", "No promises": true}}"#;
    assert_eq!(yes_no(all), Ok(vec![Score::Value(1.0)]));
    let none = r#"{"response_1": {"Policy": false, "Steps": "no", "Warmth": "No", "No promises": "no"}}"#;
    assert_eq!(yes_no(none), Ok(vec![Score::Value(0.0)]));
}

#[test]
fn points_have_a_weighted_mean_on_the_scale() {
    let text = r#"{"response_2": {"Facts": 1, "Tone": 4}, "response_1": {"Tone": 10, "Facts": 9.0}}"#;
    // (2 * 10 + 9) / 3 and (2 * 4 + 1) / 3.
    assert_eq!(points(2, text), Ok(vec![Score::Value(10.0), Score::Value(3.0)]));
    let exact = judge(
        POINTS,
        1,
        Scale { integer: false, ..TEN },
        FinishReason::Stop,
        r#"{"response_1": {"Tone": 7.1, "Facts": 7.1}}"#,
    );
    assert_eq!(exact.unwrap().scores, vec![Score::Value(7.1)]);
}

#[test]
fn a_missing_verdict_is_a_failure_and_never_a_no() {
    unparsable(
        yes_no(r#"{"response_1": {"Policy": "yes", "Steps": "yes", "Warmth": "yes"}}"#),
        "`No promises` in `response_1`, found 0",
    );
    unparsable(points(1, r#"{"response_1": {"Tone": 3}}"#), "one verdict on `Facts`");
    unparsable(points(1, r#"{"response_1": {"Tone": 3, "Facts": null}}"#), "found null");
    unparsable(points(1, r#"{"response_1": {}}"#), "one verdict on `Tone`");
}

#[test]
fn a_verdict_that_is_unknown_or_there_twice_is_a_failure() {
    unparsable(points(1, r#"{"response_1": {"Tone": 3, "Facts": 4, "Style": 9}}"#), "found `Style`");
    unparsable(points(1, r#"{"response_1": {"Tone": 3, "tone": 4, "Facts": 4}}"#), "found 2");
    unparsable(points(1, r#"{"response_1": {"Tone": 3, "Tone": 4, "Facts": 4}}"#), "found none");
    unparsable(points(1, r#"{"response_1": [3, 4]}"#), "found an array");
    unparsable(points(1, r#"{"response_1": {"Tone": "3", "Facts": 4}}"#), "found a string");
    unparsable(
        yes_no(r#"{"response_1": {"Policy": "partly", "Steps": "no", "Warmth": "no", "No promises": "no"}}"#),
        "partly",
    );
    unparsable(
        yes_no(r#"{"response_1": {"Policy": 1, "Steps": "no", "Warmth": "no", "No promises": "no"}}"#),
        "a number",
    );
}

#[test]
fn points_off_the_scale_are_refused_and_never_clipped() {
    for text in ["0", "11", "7.5", "-3", "1e2"] {
        let outcome = points(1, &format!(r#"{{"response_1": {{"Tone": {text}, "Facts": 4}}}}"#));
        assert!(matches!(outcome, Err(ParseFailure::OutOfScale(_))), "{text}: {outcome:?}");
    }
    let outcome = points(1, r#"{"response_1": {"Tone": 1e999, "Facts": 4}}"#);
    assert!(matches!(outcome, Err(ParseFailure::NotFinite(_))), "{outcome:?}");
}

#[test]
fn each_response_has_verdicts_of_its_own() {
    let count = |shown, text| match points(shown, text) {
        Err(ParseFailure::WrongCount(count)) => (count.expected, count.found),
        other => panic!("{other:?}"),
    };
    let one = r#"{"response_1": {"Tone": 3, "Facts": 4}}"#;
    assert_eq!(count(2, one), (2, 1));
    let two = r#"{"response_1": {"Tone": 3, "Facts": 4}, "response_2": {"Tone": 3, "Facts": 4}}"#;
    assert_eq!(count(1, two), (1, 2));
    let odd = r#"{"response_0": {"Tone": 3, "Facts": 4}, "response_1": {"Tone": 3, "Facts": 4}}"#;
    unparsable(points(2, odd), "`response_2`, found none");
}

#[test]
fn the_last_whole_answer_counts_and_a_broken_later_one_fails() {
    let draft = r#"{"response_1": {"Tone": 3, "Facts": 3}} no: {"response_1": {"Tone": 6, "Facts": 6}} (see [1])"#;
    assert_eq!(points(1, draft), Ok(vec![Score::Value(6.0)]));
    unparsable(points(1, r#"{"response_1": {"Tone": 3, "Facts": 3}} no: {"response_1": {"Tone": 6"#), "a later one");
    unparsable(points(1, r"\boxed{10, 1}"), "found none");
    unparsable(points(1, ""), "the text is empty");
    let cut = judge(POINTS, 1, TEN, FinishReason::Length, r#"{"response_1": {"Tone": 6"#);
    unparsable(cut.map(|judgement| judgement.scores), "token limit");
}

#[test]
fn principles_and_analysis_are_kept_for_people() {
    let text = r#"{"analysis": "The tone is fair.", "response_1": {"Tone": 6, "Facts": 6}}"#;
    let judgement = judge(POINTS, 1, TEN, FinishReason::Stop, text).unwrap();
    assert_eq!(judgement.critique.as_deref(), Some("The tone is fair."));
    let principles: Vec<_> = judgement.principles.iter().map(|kept| (kept.name.as_str(), kept.weight)).collect();
    assert_eq!(principles, [("Tone", Some(2.0)), ("Facts", Some(1.0))]);
}

fn pieces() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "\"response_1\": ",
        "\"response_2\": ",
        "\"Tone\": ",
        "\"Facts\": ",
        "\"Policy\": ",
        "3",
        "11",
        "\"yes\"",
        "null",
        ", ",
        "\"analysis\": \"x\"",
        "{\"Tone\": 3, \"Facts\": 7}",
        "{\"Tone\": 3, \"Facts\": 70}",
        "\\boxed{10, 1}",
        "[",
        "]",
        "{\"response_1\": {\"Tone\": 3, \"Facts\": 7}}",
        "\n",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn what_is_read_is_one_score_on_the_scale_per_response(
        text in pieces(), shown in 1_u32..4, config in prop::sample::select(vec![POINTS, YES_NO]), integer: bool,
        min in -9_i32..9, size in 0_i32..12, cut: bool,
    ) {
        let scale = Scale { min: f64::from(min), max: f64::from(min + size), integer };
        let finish = if cut { FinishReason::Length } else { FinishReason::Stop };
        if let Ok(judgement) = judge(config, shown, scale, finish, &text) {
            prop_assert_eq!(judgement.scores.len(), shown as usize);
            for score in judgement.scores {
                prop_assert!(matches!(score, Score::Value(value) if value.is_finite() && scale.contains(value)), "{text}");
            }
        }
    }

    #[test]
    fn arbitrary_text_is_never_a_panic(text in any::<String>(), shown in 1_u32..5) {
        let _ = points(shown, &text);
    }

    #[test]
    fn verdicts_that_are_written_as_asked_are_read_back(
        verdicts in prop::collection::vec((1_u32..=10, 1_u32..=10), 1..6), analysis in any::<String>(),
    ) {
        let analysis = serde_json::Value::from(analysis);
        let responses: Vec<_> = (1..).zip(&verdicts)
            .map(|(number, (tone, facts))| format!(r#""response_{number}": {{"Tone": {tone}, "Facts": {facts}}}"#)).collect();
        let text = format!(r#"{{"analysis": {analysis}, {}}}"#, responses.join(", "));
        let expected: Vec<_> = verdicts.iter()
            // The nearest whole number to a third: no halves.
            .map(|(tone, facts)| Score::Value(f64::from((2 * tone + facts + 1) / 3))).collect();
        prop_assert_eq!(points(verdicts.len() as u32, &text), Ok(expected));
    }
}
