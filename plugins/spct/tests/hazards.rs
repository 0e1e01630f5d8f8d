//! Awkward model texts: each row of the hazards in the method's notes, with what the parser makes of it and why.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use rewarden_plugin::{Completion, FinishReason, ParseFailure, Parser, Plugin, Scale, Score};
use spct::Spct;

const TEN: Scale = Scale { min: 1.0, max: 10.0, integer: true };

fn parse_on(scale: Scale, shown: u32, text: &str) -> Result<Vec<Score>, ParseFailure> {
    let completion = Completion { text: text.to_owned(), finish: FinishReason::Stop, tokens: vec![] };
    Spct::from_json("{}").unwrap().parse(&completion, shown, scale).map(|judgement| judgement.scores)
}

fn parse(shown: u32, text: &str) -> Result<Vec<Score>, ParseFailure> {
    parse_on(TEN, shown, text)
}

#[track_caller]
fn reads(text: &str, scores: &[f64]) {
    let expected: Vec<_> = scores.iter().map(|score| Score::Value(*score)).collect();
    assert_eq!(parse(scores.len() as u32, text), Ok(expected), "{text}");
}

#[track_caller]
fn unparsable(shown: u32, text: &str) {
    let outcome = parse(shown, text);
    assert!(matches!(outcome, Err(ParseFailure::Unparsable(_))), "{text}: {outcome:?}");
}

#[track_caller]
fn out_of_scale(shown: u32, text: &str) {
    let outcome = parse(shown, text);
    assert!(matches!(outcome, Err(ParseFailure::OutOfScale(_))), "{text}: {outcome:?}");
}

#[track_caller]
fn not_finite(shown: u32, text: &str) {
    let outcome = parse(shown, text);
    assert!(matches!(outcome, Err(ParseFailure::NotFinite(_))), "{text}: {outcome:?}");
}

#[track_caller]
fn wrong_count(shown: u32, found: u32, text: &str) {
    match parse(shown, text) {
        Err(ParseFailure::WrongCount(count)) => assert_eq!((count.expected, count.found), (shown, found), "{text}"),
        outcome => panic!("{text}: {outcome:?}"),
    }
}

#[test]
fn a_plain_box_is_read() {
    reads(r"\boxed{8, 5}", &[8.0, 5.0]);
    reads(r"Scores: \boxed{7}", &[7.0]);
    reads(r"Scores: \boxed{ 8,5 ,  10,1 }.", &[8.0, 5.0, 10.0, 1.0]);
}

#[test]
fn n_a_is_an_abstention_on_that_response_and_moves_no_other_score() {
    let scores = parse(3, r"\boxed{8, N/A, 7}").unwrap();
    assert!(matches!(&scores[..], [Score::Value(8.0), Score::Abstain(why), Score::Value(7.0)] if why.contains("N/A")));
    wrong_count(2, 3, r"\boxed{8, N/A, 7}");
}

#[test]
fn a_bracket_after_the_box_is_no_score() {
    reads(r"\boxed{8, 5} (see [criteria 1])", &[8.0, 5.0]);
    reads(r"\boxed{8, 5} [1]", &[8.0, 5.0]);
    reads(r"\boxed{8, 5} [[3, 3]]", &[8.0, 5.0]);
}

#[test]
fn double_brackets_are_read_where_there_is_no_box() {
    reads("Scores: [[8, 1]]", &[8.0, 1.0]);
    reads("[[2, 4]] at first, but on reflection [[3, 4]]", &[3.0, 4.0]);
    unparsable(2, r"[[8, 1]] or \boxed{x, x}");
    unparsable(4, "[[1, 2], [3, 4]]");
    wrong_count(3, 2, "[[8, 1]]");
}

#[test]
fn single_brackets_are_never_scores() {
    unparsable(2, "Scores: [8, 5]");
}

#[test]
fn one_labelled_box_per_response_is_joined() {
    reads(r"Response 1: \boxed{8} Response 2: \boxed{7}", &[8.0, 7.0]);
    reads("**Response 2**\nScore: \\boxed{7}\n\n**Response 1**\nScore: \\boxed{8}", &[8.0, 7.0]);
    reads(r"\boxed{8}, \boxed{7} and \boxed{6}", &[8.0, 7.0, 6.0]);
    reads(r"\boxed{Response 1: 8} \boxed{Response 2: 7}", &[8.0, 7.0]);
}

#[test]
fn boxes_that_could_be_anything_are_not_joined() {
    wrong_count(2, 1, r"Accuracy: \boxed{8} Clarity: \boxed{7}");
    wrong_count(2, 1, r"Response 1: \boxed{8} and then \boxed{7}");
    wrong_count(2, 1, r"Response 1: \boxed{8} Response 2: \boxed{7} Response 2: \boxed{6}");
    wrong_count(2, 1, r"Response 1 beats Response 2: \boxed{8}. Response 2 loses to Response 1: \boxed{7}");
    wrong_count(3, 1, r"Response 1: \boxed{8} Response 2: \boxed{7}");
    unparsable(2, r"Response 1: \boxed{8} Response 1: \boxed{7}");
    unparsable(2, r"Response 1: \boxed{8} Response 3: \boxed{7}");
}

#[test]
fn a_full_box_goes_before_boxes_of_one() {
    reads(r"Response 1: \boxed{9} Response 2: \boxed{2} Scores: \boxed{8, 7}", &[8.0, 7.0]);
    wrong_count(2, 1, r"Scores: \boxed{8, 7}. The answer to the sum is \boxed{42}.");
}

#[test]
fn latex_and_markdown_dress_is_taken_off() {
    reads(r"\boxed{\text{8}, \text{7}}", &[8.0, 7.0]);
    reads(r"\boxed{\mathbf{9}, 5}", &[9.0, 5.0]);
    reads(r"$\boxed{\textbf{8},\,5}$", &[8.0, 5.0]);
    reads(r"\boxed{\text{8, 5}}", &[8.0, 5.0]);
    reads(r"\boxed{{8}, {5}}", &[8.0, 5.0]);
    reads(r"\boxed{**8**, `5`}", &[8.0, 5.0]);
    reads(r"\boxed{[8, 5]}", &[8.0, 5.0]);
    reads(r"\boxed{(8, 5)}", &[8.0, 5.0]);
    reads(r"\boxed{$8$, $5$}", &[8.0, 5.0]);
    reads(r"**Scores: \boxed{8, 8}**", &[8.0, 8.0]);
    reads(r"\\boxed{8, 5}", &[8.0, 5.0]);
    reads(r"\boxed\{8, 5\}", &[8.0, 5.0]);
    reads(r"\boxed {8, 5}", &[8.0, 5.0]);
}

#[test]
fn taking_dress_off_never_joins_numbers() {
    unparsable(2, r"\boxed{1{0}, 2}");
    unparsable(2, r"\boxed{\mathbf{1}0, 2}");
    unparsable(2, r"\boxed{\frac{8}{10}, 7}");
}

#[test]
fn scores_out_of_the_top_of_the_scale_are_read_and_other_fractions_are_not() {
    reads(r"\boxed{8/10, 7/10}", &[8.0, 7.0]);
    reads(r"\boxed{8 / 10, 7}", &[8.0, 7.0]);
    unparsable(2, r"\boxed{4/5, 3/5}");
    unparsable(1, r"\boxed{8/100}");
    wrong_count(2, 1, r"\boxed{8/10}");
    out_of_scale(1, r"\boxed{11/10}");
}

#[test]
fn other_separators_are_read() {
    reads(r"\boxed{8; 5}", &[8.0, 5.0]);
    reads("\\boxed{8\u{ff0c}5}", &[8.0, 5.0]);
    reads("\\boxed{8\u{ff1b}5}", &[8.0, 5.0]);
    unparsable(2, r"\boxed{8 5}");
    unparsable(2, r"\boxed{8 and 5}");
    unparsable(2, r"\boxed{8 | 5}");
}

#[test]
fn labels_in_the_box_are_read_and_obeyed() {
    reads(r"\boxed{Response 1: 8, Response 2: 5}", &[8.0, 5.0]);
    reads(r"\boxed{Response 2: 5, Response 1: 8}", &[8.0, 5.0]);
    reads(r"\boxed{R1 = 8; R2 = 5}", &[8.0, 5.0]);
    unparsable(2, r"\boxed{Response 1: 8, Response 1: 5}");
    unparsable(2, r"\boxed{Response 1: 8, 5}");
    unparsable(2, r"\boxed{Response 1: 8, Response 3: 5}");
}

#[test]
fn nothing_is_dropped_to_make_the_count_right() {
    unparsable(2, r"\boxed{8, good, 5}");
    unparsable(2, r"\boxed{8, 5,}");
    unparsable(2, r"\boxed{8,, 5}");
    unparsable(2, r"\boxed{, 8, 5}");
    unparsable(2, r"\boxed{8, five}");
    wrong_count(2, 3, r"\boxed{8, 5, 5}");
    wrong_count(3, 2, r"\boxed{8, 5}");
}

#[test]
fn words_for_numbers_that_are_none_are_refused() {
    not_finite(2, r"\boxed{nan, 8}");
    not_finite(2, r"\boxed{8, NaN}");
    not_finite(2, r"\boxed{inf, 8}");
    not_finite(2, r"\boxed{-Infinity, 8}");
    not_finite(2, r"\boxed{\infty, 8}");
}

#[test]
fn number_formats_of_programming_languages_are_refused() {
    unparsable(2, r"\boxed{1e3, inf}");
    unparsable(2, r"\boxed{1_0, 2}");
    unparsable(1, r"\boxed{0x8}");
    unparsable(1, r"\boxed{8f}");
    unparsable(1, r"\boxed{.8}");
    unparsable(1, r"\boxed{8.}");
    unparsable(1, r"\boxed{--8}");
}

#[test]
fn digits_of_other_scripts_are_refused() {
    unparsable(2, "\\boxed{\u{ff18}, \u{ff15}}");
    unparsable(2, "\\boxed{\u{0668}, \u{0665}}");
    unparsable(1, "\\boxed{\u{2467}}");
}

#[test]
fn values_off_the_scale_are_refused_and_never_clipped() {
    out_of_scale(2, r"\boxed{-3, 12}");
    out_of_scale(2, r"\boxed{5, 0}");
    out_of_scale(2, "\\boxed{\u{2212}3, 5}");
    out_of_scale(1, r"\boxed{10.5}");
    out_of_scale(1, &format!(r"\boxed{{{}}}", "9".repeat(400)));
    match parse(2, r"\boxed{5, 12}") {
        Err(ParseFailure::OutOfScale(why)) => {
            assert_eq!(why, "score 2 of 2 is 12, expected a whole number from 1 to 10")
        }
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn fractions_are_refused_on_a_whole_scale_and_read_on_others() {
    out_of_scale(2, r"\boxed{7.5, 8}");
    reads(r"\boxed{8.0, 5.0}", &[8.0, 5.0]);
    let unit = Scale { min: 0.0, max: 1.0, integer: false };
    assert_eq!(parse_on(unit, 2, r"\boxed{0.75, 1}"), Ok(vec![Score::Value(0.75), Score::Value(1.0)]));
    let signed = Scale { min: -5.0, max: 5.0, integer: true };
    assert_eq!(parse_on(signed, 2, "\\boxed{-3, +4}"), Ok(vec![Score::Value(-3.0), Score::Value(4.0)]));
}

#[test]
fn an_echo_of_the_prompt_is_no_score() {
    unparsable(2, r"Scores: \boxed{x, x}");
    unparsable(2, r"\boxed{}");
    unparsable(2, r"\boxed{x, x}, where x is from 1 to 10");
    reads(r"The format is \boxed{x, x}. Scores: \boxed{8, 5}", &[8.0, 5.0]);
    reads(r"Scores: \boxed{8, 5} (in the form \boxed{x, x})", &[8.0, 5.0]);
}

#[test]
fn a_lost_backslash_is_forgiven_where_no_box_has_one() {
    reads("Scores: boxed{8, 5}", &[8.0, 5.0]);
    reads(r"boxed{1, 1} was my first thought. \boxed{8, 5}", &[8.0, 5.0]);
    unparsable(2, "unboxed{8, 5}");
    unparsable(2, "boxed 8, 5");
}

#[test]
fn a_cut_box_is_refused_even_after_a_whole_one() {
    unparsable(2, r"Scores: \boxed{8, 5");
    unparsable(2, r"Scores: \boxed{8, ");
    unparsable(2, r"Scores: \boxed{");
    unparsable(2, r"Scores: \boxed{8, 5}. Or rather \boxed{7, ");
    reads(r"Scores: \boxed{8, 5 or rather \boxed{7, 5}", &[7.0, 5.0]);
}

#[test]
fn the_token_limit_is_named_when_it_cut_the_scores_off() {
    let completion = |text: &str| Completion { text: text.to_owned(), finish: FinishReason::Length, tokens: vec![] };
    let parser = Spct::from_json("{}").unwrap();
    for text in ["Specific Criteria: accuracy", r"Scores: \boxed{8, "] {
        match parser.parse(&completion(text), 2, TEN) {
            Err(ParseFailure::Unparsable(why)) => assert!(why.contains("token limit"), "{why}"),
            outcome => panic!("{text}: {outcome:?}"),
        }
    }
    // The scores are whole: what was cut is talk after them.
    let scores = parser.parse(&completion(r"Scores: \boxed{8, 5} I think that"), 2, TEN).unwrap().scores;
    assert_eq!(scores, [Score::Value(8.0), Score::Value(5.0)]);
    let restated = r"I have to write \boxed{10, 1} if the first is flawless. The first one says";
    let outcome = parser.parse(&completion(restated), 2, TEN);
    assert!(matches!(&outcome, Err(ParseFailure::Unparsable(why)) if why.contains("token limit cut")), "{outcome:?}");
    let scores = parser.parse(&completion(r"At first \boxed{3, 4}, and then \boxed{8, 5}."), 2, TEN).unwrap().scores;
    assert_eq!(scores, [Score::Value(8.0), Score::Value(5.0)]);
}

#[test]
fn the_last_of_several_boxes_holds() {
    reads(r"At first \boxed{3, 4}; in the end \boxed{8, 5}", &[8.0, 5.0]);
    out_of_scale(2, r"At first \boxed{3, 4}; in the end \boxed{11, 5}");
    wrong_count(2, 3, r"At first \boxed{3, 4}; in the end \boxed{8, 5, 5}");
    reads(r"\boxed{\boxed{8, 5}}", &[8.0, 5.0]);
    reads(r"Scores: \boxed{8, 5}. The better one is \boxed{\text{the first}}.", &[8.0, 5.0]);
}

#[test]
fn text_without_a_box_is_unparsable_and_quoted_from_its_end() {
    unparsable(2, "");
    unparsable(2, "Scores: 8, 5");
    match parse(1, "I would rather not say.") {
        Err(ParseFailure::Unparsable(why)) => assert!(why.contains("I would rather not say."), "{why}"),
        outcome => panic!("{outcome:?}"),
    }
}
