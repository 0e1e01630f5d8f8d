//! Awkward ratings, with what the parser makes of them and why.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rating::Rating;
use rewarden_plugin::{Completion, FinishReason, ParseFailure, Parser, Plugin, Scale, Score};

const TEN: Scale = Scale { min: 1.0, max: 10.0, integer: true };

fn parse_with(
    config: &str,
    finish: FinishReason,
    shown: u32,
    scale: Scale,
    text: &str,
) -> Result<Vec<Score>, ParseFailure> {
    let completion = Completion { text: text.to_owned(), finish, tokens: vec![] };
    Rating::from_json(config).unwrap().parse(&completion, shown, scale).map(|judgement| judgement.scores)
}

fn parse(shown: u32, text: &str) -> Result<Vec<Score>, ParseFailure> {
    parse_with("{}", FinishReason::Stop, shown, TEN, text)
}

#[track_caller]
fn reads(text: &str, scores: &[f64]) {
    let expected: Vec<_> = scores.iter().map(|score| Score::Value(*score)).collect();
    assert_eq!(parse(scores.len() as u32, text), Ok(expected), "{text}");
}

#[track_caller]
fn unparsable(text: &str) {
    let outcome = parse(1, text);
    assert!(matches!(outcome, Err(ParseFailure::Unparsable(_))), "{text}: {outcome:?}");
}

#[track_caller]
fn out_of_scale(text: &str) {
    let outcome = parse(1, text);
    assert!(matches!(outcome, Err(ParseFailure::OutOfScale(_))), "{text}: {outcome:?}");
}

#[track_caller]
fn wrong_count(shown: u32, found: u32, text: &str) {
    match parse(shown, text) {
        Err(ParseFailure::WrongCount(count)) => assert_eq!((count.expected, count.found), (shown, found), "{text}"),
        outcome => panic!("{text}: {outcome:?}"),
    }
}

#[test]
fn usual_markers_are_read_in_any_dress() {
    reads("Feedback: terse but right. [RESULT] 4", &[4.0]);
    reads("Score: 7/10", &[7.0]);
    reads("**Score:** 7", &[7.0]);
    reads("**Score**: 7 out of 10.", &[7.0]);
    reads("Rating: [[5]]", &[5.0]);
    reads("overall rating:\n\n9", &[9.0]);
    reads(r"The rating is \boxed{7}.", &[7.0]);
    reads(r"$\boxed{7}$", &[7.0]);
}

#[test]
fn a_bare_number_is_a_rating_where_it_is_the_whole_text() {
    reads("7", &[7.0]);
    reads(" **7**.\n", &[7.0]);
    reads("7/10", &[7.0]);
    unparsable("It is a 7");
    unparsable("7 is what I give it");
    unparsable("");
    unparsable("good");
}

#[test]
fn bare_numbers_and_markers_are_options() {
    let with = |config, text| parse_with(config, FinishReason::Stop, 1, TEN, text);
    assert!(matches!(with(r#"{"bare": false}"#, "7"), Err(ParseFailure::Unparsable(_))));
    assert_eq!(with(r#"{"markers": ["grade"]}"#, "Final grade 7, Score: 2"), Ok(vec![Score::Value(7.0)]));
    assert!(matches!(with(r#"{"markers": ["grade"]}"#, "upgrade 7"), Err(ParseFailure::Unparsable(_))));
    assert!(Rating::from_json(r#"{"markers": [], "bare": false}"#).is_err());
    assert!(Rating::from_json(r#"{"markers": ["**"]}"#).is_err());
}

#[test]
fn the_last_marked_number_counts() {
    reads("Clarity score: 3\nAccuracy score: 9\nScore: 6", &[6.0]);
    reads("Score: 6. The score: words, no number", &[6.0]);
    out_of_scale("Score: 6, or rather Score: 60");
}

#[test]
fn numbers_off_the_scale_are_refused_and_never_clipped() {
    for text in ["Score: 0", "11", "Score: -3", "Score: 7.5", "Rating: [[100]]", &"9".repeat(400)] {
        out_of_scale(text);
    }
    match parse(1, "Score: 12") {
        Err(ParseFailure::OutOfScale(why)) => {
            assert_eq!(why, "the rating is 12, expected a whole number from 1 to 10")
        }
        outcome => panic!("{outcome:?}"),
    }
    let unit = Scale { min: 0.0, max: 1.0, integer: false };
    assert_eq!(parse_with("{}", FinishReason::Stop, 1, unit, "Score: 0.75"), Ok(vec![Score::Value(0.75)]));
}

#[test]
fn what_could_be_two_numbers_or_another_number_is_refused() {
    for text in ["Score: 7-8", "Score: 7 or 8", "Score: 7 to 8", "7-8", "Score: 70%", "Score: 1e1", "Score: 7,5", "7th"]
    {
        unparsable(text);
    }
    unparsable("Score: 4/5");
    unparsable("Score: \u{ff17}");
}

#[test]
fn not_a_number_and_no_rating_have_their_own_kinds() {
    for text in ["Score: nan", "Rating: inf", "NaN", r"\boxed{\infty}"] {
        assert!(matches!(parse(1, text), Err(ParseFailure::NotFinite(_))), "{text}");
    }
    assert!(matches!(&parse(1, "Score: N/A").unwrap()[..], [Score::Abstain(why)] if why.contains("n/a")));
}

#[test]
fn several_responses_need_one_number_each() {
    reads("Score: 7\nScore: 8", &[7.0, 8.0]);
    reads("7, 8", &[7.0, 8.0]);
    reads("9 3 5", &[9.0, 3.0, 5.0]);
    wrong_count(2, 1, "Score: 7");
    wrong_count(2, 3, "Score: 7, Score: 8, Score: 9");
    wrong_count(1, 2, "7 8");
}

#[test]
fn a_number_that_the_token_limit_may_have_cut_is_refused() {
    let cut = |text| parse_with("{}", FinishReason::Length, 1, TEN, text);
    assert!(matches!(cut("Score: 1"), Err(ParseFailure::Unparsable(why)) if why.contains("token limit")));
    assert!(matches!(cut("Score: "), Err(ParseFailure::Unparsable(why)) if why.contains("token limit")));
    // No whole number on the scale begins with a 7 and has more digits.
    assert_eq!(cut("7"), Ok(vec![Score::Value(7.0)]));
    assert_eq!(cut("Score: 1. It is"), Ok(vec![Score::Value(1.0)]));
}

#[test]
fn a_form_or_scale_that_is_only_said_again_before_the_text_is_cut_holds_no_rating() {
    let cut = |text| parse_with("{}", FinishReason::Length, 1, TEN, text);
    for text in [
        "The scale: Score: 10 is for a flawless answer, Score: 1 for a useless one. This one gets the first step right, then",
        "I shall write Rating: [[7]] or the like. The answer",
        "The form is\nScore: 10\nNow the answer: it",
    ] {
        assert!(matches!(cut(text), Err(ParseFailure::Unparsable(why)) if why.contains("was cut")), "{text}");
    }
    assert_eq!(cut("The first step is right. **Score: 7**"), Ok(vec![Score::Value(7.0)]));
    let both = |text| parse_with("{}", FinishReason::Length, 2, TEN, text);
    assert_eq!(both("Score: 7\nScore: 8\nThe first"), Ok(vec![Score::Value(7.0), Score::Value(8.0)]));
    assert!(both("By Score: 7 and Score: 8 I mean").is_err());
    let planted = "The answer itself claims \"Rating: [[10]]\". It is wrong. Rating: [[2]]";
    reads(planted, &[2.0]);
}

#[test]
fn numbers_that_are_joined_and_numbers_of_another_top_are_no_ratings() {
    for text in [
        "Score: 7\u{2014}8",
        "Score: 7 \u{2192} 8",
        "Rating: 6 -> 9",
        "Score: 7 through 8",
        "Score: 7 and 8",
        "Score: 7 until 8",
        "Score: 4 out of 5",
        "Score: 4/5",
        "Score: 4 of 5",
        "Rating: \u{2605}\u{2605}\u{2605}\u{2605}\u{2606}",
        "Score: 4 stars",
        "Score: 4 (on a scale of 1 to 5)",
        "\u{2605}\u{2605}\u{2605}\u{2605}\u{2606}",
        "4 out of 5",
        "Score: 4-out-of-5",
    ] {
        unparsable(text);
    }
    let five = Scale { min: 1.0, max: 5.0, integer: true };
    for text in [
        "Rating: \u{2605}\u{2605}\u{2605}\u{2605}\u{2606}",
        "Score: 4 stars",
        "Score: 4 on a scale of 1 to 5",
        "4 of 5",
    ] {
        assert_eq!(parse_with("{}", FinishReason::Stop, 1, five, text), Ok(vec![Score::Value(4.0)]), "{text}");
    }
}

#[test]
fn a_failure_says_what_was_looked_for_and_how_the_text_ends() {
    match parse(1, "I would rather not say.") {
        Err(ParseFailure::Unparsable(why)) => {
            assert!(why.contains("`[RESULT]`, `Score:`") && why.ends_with("`I would rather not say.`"), "{why}")
        }
        outcome => panic!("{outcome:?}"),
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let fixed = [
        "[RESULT]", "Score:", "Rating: ", "[[", "]]", "\\boxed{", "}", "7", "10", "0", "-", ".5", "/10", " ", "\n",
        " or ", "nan", "N/A", "%", "**", ",", "word",
    ];
    let piece = prop_oneof![4 => prop::sample::select(fixed.map(str::to_owned).to_vec()), 1 => ".{0,3}".boxed()];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_read_is_one_score_on_the_scale_per_response(
        text in pieces(), shown in 1_u32..4, min in -20_i32..20, size in 0_i32..100, integer: bool, cut: bool,
    ) {
        let scale = Scale { min: f64::from(min), max: f64::from(min + size), integer };
        let finish = if cut { FinishReason::Length } else { FinishReason::Stop };
        if let Ok(scores) = parse_with("{}", finish, shown, scale, &text) {
            prop_assert_eq!(scores.len(), shown as usize);
            for score in scores {
                if let Score::Value(value) = score {
                    prop_assert!(value.is_finite() && scale.contains(value), "{value} in {text:?}");
                }
            }
        }
    }

    #[test]
    fn arbitrary_text_is_never_a_panic(text in any::<String>(), shown in 1_u32..5) {
        let _ = parse(shown, &text);
    }

    #[test]
    fn a_rating_that_is_written_as_asked_is_read_back(before in "[a-z \n.]*", score in 1_u32..=10) {
        let read = parse(1, &format!("{before}\n[RESULT] {score}"));
        prop_assert_eq!(read, Ok(vec![Score::Value(f64::from(score))]));
    }
}
