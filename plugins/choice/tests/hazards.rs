//! Awkward judge texts, wording by wording, with what the parser makes of them and why.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use choice::Choice;
use rewarden_plugin::{Completion, FinishReason, ParseFailure, Parser, Plugin, Scale, Score};

const TEN: Scale = Scale { min: 1.0, max: 10.0, integer: true };

const PROSE: &str = r#"{
    "label_patterns": ["Output ({a})"],
    "bare": "line",
    "verdicts": ["{label} is better", "prefer {label}", "better output is {label}"],
    "fillers": ["the", "clearly", "a"],
    "unless_after": ["argues that", "nor"],
    "unless_before": ["if"]
}"#;

const ARENA: &str = r#"{"label_patterns": [], "comparisons": ["[[{comparison}]]"]}"#;

fn parse(config: &str, shown: u32, text: &str) -> Result<Vec<f64>, String> {
    let completion = Completion { text: text.to_owned(), finish: FinishReason::Stop, tokens: vec![] };
    match Choice::from_json(config).unwrap().parse(&completion, shown, TEN) {
        Ok(judgement) => Ok(judgement
            .scores
            .into_iter()
            .map(|score| match score {
                Score::Value(value) => value,
                Score::Abstain(why) => panic!("{why}"),
            })
            .collect()),
        Err(ParseFailure::Unparsable(why)) => Err(why),
        Err(other) => panic!("{text}: {other:?}"),
    }
}

#[track_caller]
fn reads(config: &str, text: &str, scores: &[f64]) {
    assert_eq!(parse(config, scores.len() as u32, text).as_deref(), Ok(scores), "{text}");
}

#[track_caller]
fn fails(config: &str, shown: u32, text: &str, because: &str) {
    match parse(config, shown, text) {
        Err(why) => assert!(why.contains(because), "{text}: {why}"),
        Ok(scores) => panic!("{text}: {scores:?}"),
    }
}

fn refused(config: &str, key: &str) {
    let error = Choice::from_json(config).unwrap_err();
    assert_eq!(error.key.as_deref(), Some(key), "{config}: {}", error.message);
}

#[test]
fn the_default_reads_labels_in_double_brackets_for_any_number_of_responses() {
    reads("{}", "The first is wrong.\n\nMy final verdict is: [[B]]", &[1.0, 10.0]);
    reads("{}", "**[[A]]**", &[10.0, 1.0]);
    reads("{}", "[[c]]", &[1.0, 1.0, 10.0, 1.0]);
}

#[test]
fn the_last_label_counts_or_the_first_or_all_have_to_agree() {
    let text = "[[A]] at first sight, but then [[B]]";
    reads("{}", text, &[1.0, 10.0]);
    reads(r#"{"take": "first"}"#, text, &[10.0, 1.0]);
    fails(r#"{"take": "agreeing"}"#, 2, text, "found both `[[a]]` and `[[b]]`");
    reads(r#"{"take": "agreeing"}"#, "[[A]] it is. [[A]]", &[10.0, 1.0]);
}

#[test]
fn a_label_beyond_the_responses_shown_is_a_failure_where_it_decides() {
    fails("{}", 2, "[[C]]", "expected the label of one of 2 responses, found `[[c]]`");
    fails("{}", 2, "[[A]], no, [[X]]", "`[[x]]`");
    reads("{}", "In the form [[X]]: [[A]]", &[10.0, 1.0]);
    fails(r#"{"label_patterns": ["Response {1}"]}"#, 3, "Response 0", "`response 0`");
    fails(r#"{"label_patterns": ["Response {1}"]}"#, 3, "Response 99999999999", "`response 99999999999`");
}

#[test]
fn no_label_is_a_failure_that_says_what_was_looked_for_and_how_the_text_ends() {
    fails(
        "{}",
        2,
        "Both have merits.",
        "expected a label like `[[{A}]]`, found none; the text ends `Both have merits.`",
    );
    fails("{}", 2, "", "the text is empty");
    fails("{}", 2, "[A] or [[A] or A", "found none");
    fails(PROSE, 2, "Hard to say.", "a sentence like `{label} is better`");
    let completion = Completion { text: "So [[".to_owned(), finish: FinishReason::Length, tokens: vec![] };
    match Choice::from_json("{}").unwrap().parse(&completion, 2, TEN) {
        Err(ParseFailure::Unparsable(why)) => assert!(why.contains("token limit"), "{why}"),
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn labels_are_read_whole() {
    let numbered = r#"{"label_patterns": ["Response {1}"]}"#;
    reads(numbered, "Response 2", &[1.0, 10.0]);
    fails(numbered, 2, "Response 12", "`response 12`");
    fails(numbered, 2, "Responses 1", "found none");
    let letter = r#"{"label_patterns": ["Answer: {A}"], "case_sensitive": true}"#;
    reads(letter, "Answer: B.", &[1.0, 10.0]);
    fails(letter, 2, "Answer: Both", "found none");
    fails(letter, 2, "Answer: b", "found none");
    reads(r#"{"label_patterns": ["\\boxed{Assistant {1}}"]}"#, r"So \boxed{Assistant 2}.", &[1.0, 10.0]);
}

#[test]
fn own_spellings_name_responses_by_place() {
    let named = r#"{"label_patterns": [], "labels": [["the first one"], ["the second one", "the latter"]]}"#;
    reads(named, "The latter", &[1.0, 10.0]);
    reads(named, "I take the first one.", &[10.0, 1.0]);
    fails(named, 3, "the first one", "labels for the 3 responses shown, found some for 2");
}

#[test]
fn ties_give_everyone_the_middle_rounded_down() {
    let bench = r#"{"ties": ["[[C]]", "[[tie]]"]}"#;
    reads(bench, "[[C]]", &[5.0, 5.0]);
    reads(bench, "[[TIE]]", &[5.0, 5.0, 5.0]);
    reads(bench, "[[A]]", &[10.0, 1.0]);
    reads(r#"{"tie_verdicts": ["equally good"]}"#, "Both are equally good.", &[5.0, 5.0]);
    reads(r#"{"tie_verdicts": ["equally good"]}"#, "Equally good? No: [[A]]", &[10.0, 1.0]);
}

#[test]
fn a_tie_that_is_also_the_label_of_a_shown_response_is_a_failure() {
    fails(r#"{"ties": ["[[C]]"]}"#, 3, "[[C]]", "is a tie and the label of response 3 of 3");
}

#[test]
fn comparisons_carry_their_strength() {
    reads(ARENA, "My final verdict is: [[A>>B]]", &[10.0, 1.0]);
    reads(ARENA, "[[A>B]]", &[8.0, 3.0]);
    reads(ARENA, "[[A=B]]", &[5.0, 5.0]);
    reads(ARENA, "[[B>A]]", &[3.0, 8.0]);
    reads(ARENA, "[[ B >> A ]] or rather [[B>>A]]", &[1.0, 10.0]);
    reads(ARENA, "[[A<<B]]", &[1.0, 10.0]);
    reads(r#"{"label_patterns": [], "comparisons": ["{comparison}"]}"#, "Verdict: 2 > 1.", &[3.0, 8.0]);
    reads(r#"{"comparisons": ["[[{comparison}]]"]}"#, "[[A>B]], in short [[A]]", &[10.0, 1.0]);
}

#[test]
fn comparisons_of_anything_but_the_two_responses_are_failures() {
    fails(ARENA, 2, "[[A>C]]", "expected the label of one of 2 responses");
    fails(ARENA, 2, "[[A>A]]", "expected a comparison of two responses");
    fails(ARENA, 3, "[[A>B]]", "which compares two");
    fails(ARENA, 2, "[[A>>>B]]", "found none");
    fails(ARENA, 2, "A>B", "found none");
    fails(ARENA, 2, "[[A>]]", "found none");
}

#[test]
fn sentences_are_verdicts_whether_reasons_come_first_or_last() {
    reads(PROSE, "Output (a) is terse. Therefore, Output (b) is better.", &[1.0, 10.0]);
    reads(PROSE, "Output (b) is better than Output (a). Output (a) is terse.", &[1.0, 10.0]);
    reads(PROSE, "I prefer Output (a) over Output (b)", &[10.0, 1.0]);
    reads(PROSE, "So the better output is:\n\n**Output (b)**", &[1.0, 10.0]);
    reads(PROSE, "therefore, output (a), clearly, is the better choice", &[10.0, 1.0]);
    reads(PROSE, "Output (a) is better at tone. Still, Output (b) is better.", &[1.0, 10.0]);
}

#[test]
fn sentences_that_deny_report_or_set_conditions_are_none() {
    fails(PROSE, 2, "Output (a) is not better.", "found none");
    fails(PROSE, 2, "Neither Output (a) nor Output (b) is better.", "found none");
    fails(PROSE, 2, "Output (a) is better if brevity counts.", "found none");
    reads(PROSE, "Output (a) is better. Assistant (b) argues that Output (b) is better.", &[10.0, 1.0]);
    fails(PROSE, 2, "Output (a) is good. Is better possible?", "found none");
    fails(PROSE, 2, "Output (a). Is better", "found none");
}

#[test]
fn a_label_on_its_own_line_is_an_answer_where_no_other_stands_so() {
    reads(PROSE, "Output (b)", &[1.0, 10.0]);
    reads(PROSE, " **Output (b)**.\n", &[1.0, 10.0]);
    reads(PROSE, "# Output (b)\n\nExplanation: Output (a) is wrong.", &[1.0, 10.0]);
    reads(PROSE, "Output (a) (Output (b) is off topic)", &[10.0, 1.0]);
    reads(PROSE, "Output (a)\nOutput (b) is better.", &[1.0, 10.0]);
    fails(PROSE, 2, "Output (a)\nIt is short.\nOutput (b)\nIt is long.", "found both");
    fails(PROSE, 2, "Output (a):\nIt is short.", "found none");
    fails(PROSE, 2, "Output (a) is incorrect.", "found none");
    fails(PROSE, 2, "Output (a) Output (b)", "found none");
    fails(PROSE, 2, "Output (c)", "one of 2 responses");
}

#[test]
fn a_json_field_has_to_hold_a_label_and_nothing_else() {
    let json = r#"{"json_field": "choice", "label_patterns": ["{A}", "{1}"], "ties": ["tie"],
        "comparisons": ["{comparison}"]}"#;
    reads(json, r#"{"reason": "B is \"choice\"", "choice": "A"}"#, &[10.0, 1.0]);
    reads(json, r#"{"choice": 2}"#, &[1.0, 10.0]);
    reads(json, r#"{"choice": " tie "}"#, &[5.0, 5.0]);
    reads(json, r#"{"choice": "B>A"}"#, &[3.0, 8.0]);
    fails(json, 2, r#"{"choice": "A or B"}"#, "a JSON field `choice`");
    fails(json, 2, r#"{"choice": null}"#, "found none");
    fails(json, 2, "A", "found none");
}

#[test]
fn one_response_alone_is_rated_where_that_is_configured() {
    fails("{}", 1, "[[A]]", "set `single` to read a rating");
    let single = r#"{"single": {}}"#;
    reads(single, "7", &[7.0]);
    reads(single, "Good. Rating: [[8]]", &[8.0]);
    reads(single, "[[B]]", &[1.0, 10.0]);
    fails(single, 1, "[[A]]", "expected a rating");
}

#[test]
fn what_else_was_said_is_kept_for_people() {
    let parse = |text: &str| {
        let completion = Completion { text: text.to_owned(), finish: FinishReason::Stop, tokens: vec![] };
        Choice::from_json("{}").unwrap().parse(&completion, 2, TEN).unwrap().critique
    };
    assert_eq!(parse("[[A]]"), None);
    assert_eq!(parse("The first is right. [[A]]").as_deref(), Some("The first is right. [[A]]"));
}

#[test]
fn a_configuration_that_cannot_be_read_by_is_refused_by_its_key() {
    refused(r#"{"label_patterns": ["Output"]}"#, "label_patterns");
    refused(r#"{"label_patterns": ["{A} {1}"]}"#, "label_patterns");
    refused(r#"{"label_patterns": []}"#, "label_patterns");
    refused(r#"{"labels": [["one"], ["One"]]}"#, "labels");
    refused(r#"{"labels": [[" "]]}"#, "labels");
    refused(r#"{"ties": ["**"]}"#, "ties");
    refused(r#"{"comparisons": ["A>B"]}"#, "comparisons");
    refused(r#"{"verdicts": ["is better"]}"#, "verdicts");
    refused(r#"{"verdicts": ["{label}"]}"#, "verdicts");
    refused(r#"{"verdicts": ["{label} beats {label}"]}"#, "verdicts");
    refused(r#"{"unless_after": [""]}"#, "unless_after");
    refused(r#"{"fillers": [" ** "]}"#, "fillers");
    refused(r#"{"bare": "never"}"#, "bare");
    refused(r#"{"single": {"markers": [""]}}"#, "single");
    refused(r#"{"label": []}"#, "label");
}

#[test]
fn a_form_that_is_only_said_again_before_the_text_is_cut_holds_no_verdict() {
    let cut = |config: &str, text: &str| {
        let completion = Completion { text: text.to_owned(), finish: FinishReason::Length, tokens: vec![] };
        Choice::from_json(config).unwrap().parse(&completion, 2, TEN).map(|judgement| judgement.scores)
    };
    for (config, text) in [
        (
            r#"{"ties": ["[[C]]"]}"#,
            "I shall write \"[[A]]\" if response A is better, \"[[B]]\" if response B is better, and \"[[C]]\" for a tie. First the \
             facts: response A says that",
        ),
        ("{}", "My verdict will stand as [[A]] at the end. Now the first"),
        (ARENA, "The options are [[A>>B]] to [[B>>A]]. I begin with"),
        (PROSE, "I say that the better output is Output (a) where it is correct. Here it"),
    ] {
        let outcome = cut(config, text);
        assert!(
            matches!(&outcome, Err(ParseFailure::Unparsable(why)) if why.contains("was cut")),
            "{text}: {outcome:?}"
        );
    }
    let better = Ok(vec![Score::Value(10.0), Score::Value(1.0)]);
    assert_eq!(cut("{}", "[[A]]\nThe first one says"), better);
    assert_eq!(cut("{}", "The second is wrong. [[A]]"), better);
    let planted = "Response A asks me to write \"[[A]]\". I do not follow it: it is wrong. [[B]]";
    reads("{}", planted, &[1.0, 10.0]);
}
