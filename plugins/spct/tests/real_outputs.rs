//! The paper's printed judgements (figure 3, tables 16 to 18), in the forms that its outputs really have: the scores
//! are the paper's, the words are ours.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use rewarden_plugin::{Completion, FinishReason, Judgement, Parser, Plugin, Scale, Score};
use spct::Spct;

fn parse(text: &str) -> Judgement {
    let completion = Completion { text: text.to_owned(), finish: FinishReason::Stop, tokens: vec![] };
    let scale = Scale { min: 1.0, max: 10.0, integer: true };
    Spct::from_json("{}").unwrap().parse(&completion, 2, scale).unwrap()
}

fn scores(text: &str) -> [f64; 2] {
    match parse(text).scores[..] {
        [Score::Value(first), Score::Value(second)] => [first, second],
        ref other => panic!("{other:?}"),
    }
}

const PLAIN: &str = "\
Specific Criteria:
1. **Accuracy** (Weight: 40%): the facts given are right.
2. **Safety** (Weight: 35%): nothing dangerous is advised.
3. **Tone** (25%): suits the reader.

Analysis:
- Response 1: right about 3 of 4 facts, and terse.
- Response 2: right throughout. Overall Score: 8

Scores: \\boxed{8, 8}";

const STARRED: &str = "\
**Specific Criteria:**
1. Correctness (4): does the code run?
2. Clarity (Weight: 3): can it be followed?

**Analysis:**
Response 1
Correctness: 9
Overall Score: 9

Response 2
Correctness: 5
Overall Score: 5

**Scores: \\boxed{9, 5}**";

const HASHED: &str = "\
### Output
### Specific Criteria:
- Evidence: 35%
- Logic: Weight: 4
### Analysis:
Response 1 argues from evidence; Response 2 does not.
### Output: \\boxed{10, 7}";

#[test]
fn table_17_gives_8_8_then_9_5_then_10_7() {
    assert_eq!([PLAIN, STARRED, HASHED].map(scores), [[8.0, 8.0], [9.0, 5.0], [10.0, 7.0]]);
}

#[test]
fn figure_3_gives_its_four_samples() {
    let expected = [[1.0, 5.0], [5.0, 6.0], [4.0, 8.0], [7.0, 6.0]];
    let read = expected.map(|[first, second]| {
        scores(&format!(
            "Specific Criteria: 1. A; 2. B\nAnalysis: of 10 points, 3 are lost.\nScores: [[{first}, {second}]]"
        ))
    });
    assert_eq!(read, expected);
}

fn principles(text: &str) -> Vec<(String, Option<f64>, String)> {
    let principles = parse(text).principles.into_iter();
    principles.map(|principle| (principle.name, principle.weight, principle.text)).collect()
}

fn principle(name: &str, weight: f64, text: &str) -> (String, Option<f64>, String) {
    (name.to_owned(), Some(weight), text.to_owned())
}

#[test]
fn principles_are_read_in_every_form_of_weight() {
    assert_eq!(
        principles(PLAIN),
        [
            principle("Accuracy", 40.0, "the facts given are right."),
            principle("Safety", 35.0, "nothing dangerous is advised."),
            principle("Tone", 25.0, "suits the reader."),
        ]
    );
    assert_eq!(
        principles(STARRED),
        [principle("Correctness", 4.0, "does the code run?"), principle("Clarity", 3.0, "can it be followed?"),]
    );
    assert_eq!(principles(HASHED), [principle("Evidence", 35.0, "35%"), principle("Logic", 4.0, "Weight: 4")]);
}

#[test]
fn principles_on_one_line_are_read() {
    let text = "Specific Criteria: Accuracy (60%): right facts; Brevity (40%): no padding\nScores: \\boxed{8, 5}";
    assert_eq!(
        principles(text),
        [principle("Accuracy", 60.0, "right facts"), principle("Brevity", 40.0, "no padding"),]
    );
    let inline = "Specific Criteria: 1. Accuracy (Weight: 60%) 2. Brevity (Weight: 40%)\nScores: \\boxed{8, 5}";
    assert_eq!(principles(inline), [principle("Accuracy", 60.0, ""), principle("Brevity", 40.0, "")]);
}

#[test]
fn the_critique_is_the_analysis_without_headings_and_scores() {
    assert_eq!(
        parse(PLAIN).critique.as_deref(),
        Some("- Response 1: right about 3 of 4 facts, and terse.\n- Response 2: right throughout. Overall Score: 8")
    );
    assert!(parse(STARRED).critique.unwrap().ends_with("Overall Score: 5"));
    assert_eq!(parse(HASHED).critique.as_deref(), Some("Response 1 argues from evidence; Response 2 does not."));
}

#[test]
fn an_answer_without_headings_has_scores_and_nothing_else() {
    let judgement = parse("Both are fine. \\boxed{7, 7}");
    assert!(judgement.principles.is_empty());
    assert_eq!(judgement.critique, None);
}
