//! What the parser makes of tokens: an exact mean or probability, or a failure that says what is missing.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rewarden_plugin::{Alternative, Completion, FinishReason, ParseFailure, Parser, Plugin, Scale, Score, Token};
use token_prob::TokenProb;

const NINE: Scale = Scale { min: 0.0, max: 9.0, integer: false };
const UNIT: Scale = Scale { min: 0.0, max: 1.0, integer: false };
const VERDICT: &str = r#"{"mode": "verdict"}"#;
const MARKED: &str = r#"{"markers": ["Score:", "\\boxed{"]}"#;

fn token(text: &str, alternatives: &[(&str, f64)]) -> Token {
    let alternatives: Vec<_> =
        alternatives.iter().map(|(text, p)| Alternative { text: (*text).to_owned(), logprob: p.ln() }).collect();
    let own = alternatives.iter().find(|other| other.text == text).map_or(-3.0, |other| other.logprob);
    Token { text: text.to_owned(), logprob: own, alternatives }
}

/// A token that nothing is read from.
fn plain(text: &str) -> Token {
    token(text, &[(text, 0.9)])
}

fn parse(config: &str, shown: u32, scale: Scale, tokens: Vec<Token>) -> Result<Vec<Score>, ParseFailure> {
    let text = tokens.iter().map(|token| token.text.as_str()).collect();
    let completion = Completion { text, finish: FinishReason::Stop, tokens };
    TokenProb::from_json(config).unwrap().parse(&completion, shown, scale).map(|judgement| judgement.scores)
}

fn value(outcome: Result<Vec<Score>, ParseFailure>) -> f64 {
    match outcome.unwrap()[..] {
        [Score::Value(value)] => value,
        ref other => panic!("{other:?}"),
    }
}

#[track_caller]
fn unparsable(outcome: Result<Vec<Score>, ParseFailure>, says: &str) {
    match outcome {
        Err(ParseFailure::Unparsable(why)) => assert!(why.contains(says), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_expected_score_is_the_mean_over_the_score_tokens() {
    let odds = [("7", 0.5), ("8", 0.25), (" 8", 0.05), ("x", 0.2)];
    let mean = value(parse("{}", 1, NINE, vec![token("7", &odds)]));
    assert!((mean - (7.0 * 0.5 + 8.0 * 0.3) / 0.8).abs() < 1e-12, "{mean}");
    // Certainty is the score itself.
    assert_eq!(value(parse("{}", 1, NINE, vec![token("7", &[("7", 1.0)])])), 7.0);
    // What was written counts even where the server leaves it out of its list: e^-3 for the 2.
    let mean = value(parse("{}", 1, NINE, vec![token("2", &[("7", 0.9)])]));
    let own = (-3.0_f64).exp();
    assert!((mean - (7.0 * 0.9 + 2.0 * own) / (0.9 + own)).abs() < 1e-12, "{mean}");
}

#[test]
fn scores_off_the_scale_do_not_count() {
    let narrow = Scale { min: 1.0, max: 5.0, integer: false };
    let odds = [("5", 0.6), ("9", 0.2), ("0", 0.1), ("07", 0.05)];
    assert_eq!(value(parse("{}", 1, narrow, vec![token("5", &odds)])), 5.0);
    let outcome = parse("{}", 1, narrow, vec![token("9", &odds)]);
    assert!(matches!(outcome, Err(ParseFailure::OutOfScale(_))), "{outcome:?}");
}

#[test]
fn the_last_marker_says_where_the_score_stands() {
    let seven = || token(" 7", &[(" 7", 0.9), (" 6", 0.1)]);
    let tokens = vec![plain("Score"), plain(":"), plain(" 3"), plain("\nScore"), plain(":"), plain(" **"), seven()];
    assert!((value(parse(MARKED, 1, NINE, tokens)) - 6.9).abs() < 1e-12);
    unparsable(parse(MARKED, 1, NINE, vec![plain("It is "), seven()]), "found none of them");
    unparsable(parse("{}", 1, NINE, vec![plain("It"), seven()]), "expected a score, found `it 7`");
}

#[test]
fn several_responses_have_a_score_each() {
    let boxed = || {
        vec![
            plain("\\boxed"),
            plain("{"),
            token("8", &[("8", 0.8), ("9", 0.2)]),
            plain(","),
            plain(" "),
            plain("5"),
            plain("}"),
        ]
    };
    let scores = parse(MARKED, 2, NINE, boxed()).unwrap();
    assert!(
        matches!(scores[..], [Score::Value(first), Score::Value(5.0)] if (first - 8.2).abs() < 1e-12),
        "{scores:?}"
    );
    match parse(MARKED, 3, NINE, boxed()) {
        Err(ParseFailure::WrongCount(count)) => assert_eq!((count.expected, count.found), (3, 2)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_score_in_several_tokens_is_refused() {
    unparsable(parse("{}", 1, NINE, vec![plain("7"), plain(".5")]), "token of its own");
    unparsable(parse("{}", 1, NINE, vec![plain("7"), plain("-8")]), "a plain score");
    let wide = Scale { max: 100.0, ..NINE };
    unparsable(parse("{}", 1, wide, vec![plain("7")]), "ends below 10");
    let tokens = r#"{"numbers_are_tokens": true}"#;
    assert_eq!(value(parse(tokens, 1, wide, vec![token("75", &[("75", 0.5), ("85", 0.5)])])), 80.0);
    unparsable(parse(tokens, 1, wide, vec![plain("7"), plain("5")]), "token of its own");
}

#[test]
fn scales_that_a_mean_does_not_fit_are_refused() {
    unparsable(parse("{}", 1, Scale { integer: true, ..NINE }, vec![plain("7")]), "integer = false");
    unparsable(parse("{}", 1, Scale { min: -1.0, ..NINE }, vec![plain("7")]), "minus sign");
    unparsable(parse(VERDICT, 1, Scale { integer: true, ..UNIT }, vec![plain("Yes")]), "fractions");
}

#[test]
fn without_tokens_or_alternatives_it_says_so() {
    for config in ["{}", VERDICT] {
        unparsable(parse(config, 1, UNIT, vec![]), "asks for `top_logprobs`");
    }
    unparsable(parse("{}", 1, NINE, vec![token("7", &[])]), "expected alternatives");
    unparsable(parse(VERDICT, 1, UNIT, vec![token("Yes", &[])]), "expected alternatives");
}

#[test]
fn little_probability_on_scores_is_a_failure() {
    let odds = [("7", 0.2), ("The", 0.7)];
    unparsable(parse("{}", 1, NINE, vec![token("7", &odds)]), "found 0.200");
    assert_eq!(value(parse(r#"{"min_mass": 0.1}"#, 1, NINE, vec![token("7", &odds)])), 7.0);
    unparsable(parse(VERDICT, 1, UNIT, vec![token("Yes", &[("Yes", 0.2), ("Maybe", 0.7)])]), "found 0.200");
}

#[test]
fn a_verdict_is_the_probability_of_yes_among_yes_and_no() {
    let odds = [("Yes", 0.5), ("yes", 0.1), (" No", 0.2), ("Maybe", 0.2)];
    assert!((value(parse(VERDICT, 1, UNIT, vec![token("Yes", &odds)])) - 0.75).abs() < 1e-12);
    // A no that was written is a low probability of yes, not a failure.
    let no = [plain("**"), token("No", &[("No", 0.9), ("Yes", 0.1)]), plain("**")];
    assert!((value(parse(VERDICT, 1, UNIT, no.to_vec())) - 0.1).abs() < 1e-12);
    let wide = Scale { min: -1.0, max: 1.0, integer: false };
    assert!((value(parse(VERDICT, 1, wide, vec![token("Yes", &odds)])) - 0.5).abs() < 1e-12);
    assert_eq!(value(parse(VERDICT, 1, UNIT, vec![token("Yes", &[("Yes", 1.0)])])), 1.0);
}

#[test]
fn a_verdict_is_a_word_of_its_own_at_its_place() {
    unparsable(parse(VERDICT, 1, UNIT, vec![plain("I"), plain(" say"), plain(" Yes")]), "found `i say yes`");
    unparsable(parse(VERDICT, 1, UNIT, vec![plain("No"), plain("ne")]), "longer word");
    unparsable(parse(VERDICT, 1, UNIT, vec![plain("\n")]), "as a token");
    let marked = r#"{"mode": "verdict", "markers": ["Verdict:"], "yes": ["right"], "no": ["wrong"]}"#;
    let tokens = vec![plain("Right or wrong? Verdict:"), token(" Wrong", &[(" Wrong", 0.75), (" right", 0.25)])];
    assert_eq!(value(parse(marked, 1, UNIT, tokens)), 0.25);
    match parse(VERDICT, 2, UNIT, vec![plain("Yes")]) {
        Err(ParseFailure::WrongCount(count)) => assert_eq!((count.expected, count.found), (2, 1)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn probabilities_that_are_none_are_refused() {
    let with = |logprob| Token {
        text: "7".to_owned(),
        logprob: -0.1,
        alternatives: vec![Alternative { text: "7".to_owned(), logprob }],
    };
    for logprob in [f64::NAN, f64::INFINITY, 1.0] {
        let outcome = parse("{}", 1, NINE, vec![with(logprob)]);
        assert!(matches!(outcome, Err(ParseFailure::NotFinite(_))), "{outcome:?}");
    }
    unparsable(parse("{}", 1, NINE, vec![with(f64::NEG_INFINITY)]), "found 0.000");
    unparsable(parse("{}", 1, NINE, vec![token("7", &[("7", 0.9), ("8", 0.9)])]), "add up to at most 1");
}

#[test]
fn abstentions_and_words_have_their_kinds() {
    assert!(matches!(&parse("{}", 1, NINE, vec![plain("N/A")]).unwrap()[..], [Score::Abstain(_)]));
    assert!(matches!(parse("{}", 1, NINE, vec![plain("nan")]), Err(ParseFailure::NotFinite(_))));
    assert_eq!(value(parse("{}", 1, NINE, vec![plain("7"), plain("/"), plain("9")])), 7.0);
    unparsable(parse("{}", 1, NINE, vec![plain("7"), plain("/"), plain("10")]), "out of 9");
}

#[test]
fn options_are_checked_and_named() {
    for (json, key) in [
        (r#"{"min_mass": 0}"#, "min_mass"),
        (r#"{"min_mass": 1.1}"#, "min_mass"),
        (r#"{"markers": [" "]}"#, "markers"),
        (r#"{"yes": []}"#, "yes"),
        (r#"{"yes": ["oh yes"]}"#, "yes"),
        (r#"{"no": ["YES"]}"#, "no"),
        (r#"{"modes": "score"}"#, "modes"),
    ] {
        assert_eq!(TokenProb::from_json(json).unwrap_err().key.as_deref(), Some(key), "{json}");
    }
}

fn tokens() -> impl Strategy<Value = Vec<Token>> {
    let text = || {
        prop_oneof![
            6 => prop::sample::select(vec![
                "7", " 8", "0", "9", "10", "Yes", "No", " yes", "Score:", "\\boxed{", "\\boxed{10, 1}", ", ", "/9", "**", "\n", "", "N/A", ".5", "nan",
            ]).prop_map(str::to_owned),
            1 => ".{0,3}",
        ]
    };
    let logprob = || prop_oneof![8 => -6.0..0.0, 1 => any::<f64>()];
    let alternatives = prop::collection::vec((text(), logprob()), 0..4);
    let token = (text(), logprob(), alternatives).prop_map(|(text, logprob, alternatives)| Token {
        text,
        logprob,
        alternatives: alternatives.into_iter().map(|(text, logprob)| Alternative { text, logprob }).collect(),
    });
    prop::collection::vec(token, 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6000))]

    #[test]
    fn what_is_read_is_one_score_on_the_scale_per_response(
        tokens in tokens(), shown in 1_u32..4, config in prop::sample::select(vec!["{}", VERDICT, MARKED]),
        min in -2.0..9.0_f64, size in -0.5..9.0_f64, integer in prop::bool::weighted(0.1),
    ) {
        let scale = Scale { min, max: min + size, integer };
        if let Ok(scores) = parse(config, shown, scale, tokens) {
            prop_assert_eq!(scores.len(), shown as usize);
            for score in scores {
                if let Score::Value(value) = score {
                    prop_assert!(value.is_finite() && scale.contains(value), "{value} on {scale:?}");
                }
            }
        }
    }

    #[test]
    fn a_mean_lies_between_the_scores_that_it_is_of(odds in prop::collection::vec(0.01..1.0_f64, 10)) {
        let total: f64 = odds.iter().sum();
        let names: Vec<String> = (0..10).map(|score| score.to_string()).collect();
        let alternatives: Vec<_> = names.iter().map(String::as_str).zip(odds.iter().map(|p| p / total)).collect();
        let mean = value(parse("{}", 1, NINE, vec![token("3", &alternatives)]));
        let expected: f64 = odds.iter().zip(0..).map(|(p, score)| p / total * f64::from(score)).sum();
        prop_assert!((mean - expected).abs() < 1e-9);
    }
}
