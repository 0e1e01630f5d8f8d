//! What the parser never does, whatever a model writes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use rewarden_plugin::{Completion, FinishReason, Judgement, ParseFailure, Parser, Plugin, Scale, Score};
use spct::Spct;

fn parse(text: &str, shown: u32, scale: Scale) -> Result<Judgement, ParseFailure> {
    let completion = Completion { text: text.to_owned(), finish: FinishReason::Stop, tokens: vec![] };
    Spct::from_json("{}").unwrap().parse(&completion, shown, scale)
}

fn any_scale() -> impl Strategy<Value = Scale> {
    (-20_i32..20, 1_i32..100, any::<bool>()).prop_map(|(min, size, integer)| Scale {
        min: f64::from(min),
        max: f64::from(min + size),
        integer,
    })
}

/// Text made of the pieces that the parser looks at, which plain random text would hardly ever hold.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\\boxed{".to_owned()),
        Just("boxed{".to_owned()),
        Just("}".to_owned()),
        Just("{".to_owned()),
        Just("[[".to_owned()),
        Just("]]".to_owned()),
        Just(", ".to_owned()),
        Just("\u{ff0c}".to_owned()),
        Just("; ".to_owned()),
        Just("/10".to_owned()),
        Just("Response ".to_owned()),
        Just(": ".to_owned()),
        Just("N/A".to_owned()),
        Just("nan".to_owned()),
        Just("\\text{".to_owned()),
        Just("\\mathbf".to_owned()),
        Just("\n".to_owned()),
        Just("Scores:".to_owned()),
        Just("**Analysis:** ".to_owned()),
        Just("Specific Criteria: 1. (".to_owned()),
        (-20_i32..120).prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        ".{0,3}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_read_is_one_score_on_the_scale_per_response(text in pieces(), shown in 1_u32..5, scale in any_scale()) {
        if let Ok(judgement) = parse(&text, shown, scale) {
            prop_assert_eq!(judgement.scores.len(), shown as usize);
            for score in judgement.scores {
                if let Score::Value(value) = score {
                    prop_assert!(value.is_finite() && scale.contains(value), "{value} in {text:?}");
                }
            }
        }
    }

    #[test]
    fn arbitrary_text_is_never_a_panic(text in any::<String>(), shown in 1_u32..5) {
        let _ = parse(&text, shown, Scale { min: 1.0, max: 10.0, integer: true });
    }

    #[test]
    fn scores_that_are_written_as_asked_are_read_back(
        before in "[^\\\\\\[b]*", scores in prop::collection::vec(1_u32..=10, 1..8), after in "[^\\\\\\[b]*",
    ) {
        let list = scores.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        let judgement = parse(
            &format!("{before}\nScores: \\boxed{{{list}}}\n{after}"),
            scores.len() as u32,
            Scale { min: 1.0, max: 10.0, integer: true },
        );
        let expected: Vec<_> = scores.into_iter().map(|score| Score::Value(f64::from(score))).collect();
        prop_assert_eq!(judgement.map(|judgement| judgement.scores), Ok(expected));
    }
}

/// The fastest of three runs on a megabyte made of `piece`.
fn time_of_a_megabyte(piece: &str) -> Duration {
    let text = piece.repeat((1 << 20) / piece.len());
    let run = |_| {
        let start = Instant::now();
        let _ = parse(&text, 2, Scale { min: 1.0, max: 10.0, integer: true });
        start.elapsed()
    };
    (0..3).map(run).min().unwrap()
}

#[test]
fn a_megabyte_of_anything_takes_linear_time() {
    // Quadratic time would be hours here; the limit has room for an unoptimised build on a loaded machine.
    for piece in [
        "a",
        " ",
        "\n",
        "\\",
        "[",
        "[[",
        "{",
        "}",
        "boxed",
        "\\boxed{",
        "\\boxed{}",
        "\\boxed{8}",
        "boxed ",
        "Response 1 ",
        "[[8, 1",
        "[[8, 1]] ",
        "8, ",
        "\\boxed{8, 5} ",
        "Analysis:\n",
        "Specific Criteria:\n1. (",
        "1. A (\n",
        "####",
        "\\text",
        "**",
        "\u{e9}",
    ] {
        let time = time_of_a_megabyte(piece);
        assert!(time < Duration::from_secs(5), "{piece:?} took {time:?}");
    }
}

#[test]
fn what_is_kept_for_people_is_bounded() {
    let item = format!("1. {} (Weight: 3): {}\n", "name ".repeat(500), "text ".repeat(1000));
    let analysis = "word ".repeat(200_000);
    let text = format!("Specific Criteria:\n{}Analysis: {analysis}\nScores: \\boxed{{8, 5}}", item.repeat(100));
    let judgement = parse(&text, 2, Scale { min: 1.0, max: 10.0, integer: true }).unwrap();
    let kept: usize = judgement.principles.iter().map(|principle| principle.name.len() + principle.text.len()).sum();
    assert!(kept <= 32 * 2010, "{kept}");
    assert!(judgement.critique.unwrap().len() <= 16_010);
}
