//! What the parser never does, whatever a model writes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use choice::Choice;
use proptest::prelude::*;
use rewarden_plugin::{Completion, FinishReason, Judgement, ParseFailure, Parser, Plugin, Scale, Score};

const CONFIGS: [&str; 4] = [
    r#"{"ties": ["[[C]]"], "comparisons": ["[[{comparison}]]"], "single": {}}"#,
    r#"{"label_patterns": ["Output ({a})"], "bare": "line", "verdicts": ["{label} is better", "prefer {label}"],
        "tie_verdicts": ["both are good"], "fillers": ["the", "is"], "unless_after": ["nor"], "unless_before": ["if"],
        "single": {}}"#,
    r#"{"label_patterns": ["{A}", "{1}"], "comparisons": ["{comparison}"], "take": "first", "case_sensitive": true}"#,
    r#"{"label_patterns": ["{A}"], "ties": ["tie"], "json_field": "choice"}"#,
];

fn parse(config: &str, text: &str, shown: u32, scale: Scale) -> Result<Judgement, ParseFailure> {
    let completion = Completion { text: text.to_owned(), finish: FinishReason::Stop, tokens: vec![] };
    Choice::from_json(config).unwrap().parse(&completion, shown, scale)
}

fn any_scale() -> impl Strategy<Value = Scale> {
    let whole = (-20_i32..20, 0_i32..100, any::<bool>()).prop_map(|(min, size, integer)| Scale {
        min: f64::from(min),
        max: f64::from(min + size),
        integer,
    });
    let any = (any::<f64>(), any::<f64>(), any::<bool>()).prop_map(|(one, other, integer)| Scale {
        min: one.min(other),
        max: one.max(other),
        integer,
    });
    prop_oneof![4 => whole, 1 => any]
}

/// Text made of the pieces that the parser looks at.
fn pieces() -> impl Strategy<Value = String> {
    let fixed = [
        "[[A]]",
        "[[B]]",
        "[[C]]",
        "[[",
        "]]",
        "A",
        "B",
        "1",
        "2",
        ">",
        ">>",
        "=",
        "[[A>B]]",
        "Output (a)",
        "Output (b)",
        "Output (",
        "(z)",
        " is better",
        " is the better",
        "prefer ",
        "nor ",
        " if ",
        "both are good",
        ".",
        ", ",
        ": ",
        "\n",
        "\n\n",
        "**",
        "\"choice\"",
        ": \"A\"",
        "{",
        "}",
        "\"",
        "tie",
        "Rating: ",
        "/10",
        "7",
        "the ",
        " ",
    ];
    let piece = prop_oneof![4 => prop::sample::select(fixed.map(str::to_owned).to_vec()), 1 => ".{0,3}".boxed()];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_read_is_one_score_on_the_scale_per_response(
        config in prop::sample::select(CONFIGS.to_vec()), text in pieces(), shown in 1_u32..5, scale in any_scale(),
    ) {
        if let Ok(judgement) = parse(config, &text, shown, scale) {
            prop_assert_eq!(judgement.scores.len(), shown as usize);
            for score in judgement.scores {
                if let Score::Value(value) = score {
                    prop_assert!(value.is_finite() && scale.contains(value), "{value} in {text:?} on {scale:?}");
                }
            }
        }
    }

    #[test]
    fn arbitrary_text_is_never_a_panic(
        config in prop::sample::select(CONFIGS.to_vec()), text in any::<String>(), shown in 1_u32..40,
    ) {
        let _ = parse(config, &text, shown, Scale { min: 1.0, max: 10.0, integer: true });
    }

    #[test]
    fn a_label_that_is_written_as_asked_is_read_back(
        before in "[^\\[]*", winner in 0_u32..4, after in "[^\\[]*",
    ) {
        let label = char::from(b'A' + winner as u8);
        let scale = Scale { min: 0.0, max: 1.0, integer: false };
        let judgement = parse("{}", &format!("{before}[[{label}]]{after}"), 4, scale).unwrap();
        for (place, score) in (0..).zip(judgement.scores) {
            prop_assert_eq!(score, Score::Value(if place == winner { 1.0 } else { 0.0 }));
        }
    }

    #[test]
    fn one_winner_has_the_top_or_all_are_equal_when_three_are_shown(text in pieces()) {
        let scale = Scale { min: 1.0, max: 10.0, integer: true };
        if let Ok(judgement) = parse(CONFIGS[0], &text, 3, scale) {
            let tops = judgement.scores.iter().filter(|score| **score == Score::Value(10.0)).count();
            let all_equal = judgement.scores.iter().all(|score| *score == judgement.scores[0]);
            prop_assert!(tops == 1 || (tops == 0 && all_equal), "{text:?}: {:?}", judgement.scores);
        }
    }
}

fn time(config: &str, piece: &str, shown: u32) -> Duration {
    let text = piece.repeat((1 << 18) / piece.len());
    let start = Instant::now();
    let _ = parse(config, &text, shown, Scale { min: 1.0, max: 10.0, integer: true });
    start.elapsed()
}

#[test]
fn a_long_text_of_anything_takes_linear_time() {
    // Quadratic time would be a minute or more here; the limit has room for an unoptimised build on a loaded machine.
    let pieces = [
        "a",
        " ",
        "* ",
        "\n",
        "[",
        "[[",
        "[[A]]",
        "[[A",
        "A",
        "A ",
        "1",
        "=",
        "A=",
        "A>B ",
        "[[A>B]]",
        "Output (",
        "Output (a)",
        "Output (a) is better",
        "Output (a) the ",
        "the ",
        ",",
        "is ",
        "both ",
        "both are ",
        "(",
        ")",
        "\"choice\"",
        "\"choice\":",
        "\"choice\":\"",
        "Rating:",
        "Rating: 7 ",
        "7",
        "7-",
        "\\boxed{",
        "*",
        "**",
        "\u{e9}",
    ];
    for piece in pieces {
        for (config, shown) in CONFIGS.iter().flat_map(|config| [(config, 1), (config, 2)]) {
            let time = time(config, piece, shown);
            assert!(time < Duration::from_secs(5), "{piece:?} took {time:?} with {config}");
        }
    }
}
