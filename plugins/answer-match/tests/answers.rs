//! Which answers equal the reference.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use answer_match::AnswerMatch;
use proptest::prelude::*;
use rewarden_plugin::{Message, Plugin, Refusal, Score, Scorer, Task};

fn scores(config: &str, reference: Option<&str>, responses: &[&str]) -> Result<Vec<Score>, Refusal> {
    let task = Task {
        messages: vec![Message::user("?")],
        responses: responses.iter().map(|response| (*response).to_owned()).collect(),
        reference: reference.map(str::to_owned),
        metadata: "{}".to_owned(),
    };
    AnswerMatch::from_json(config).unwrap().score(&task)
}

fn matches(response: &str, reference: &str) -> bool {
    match scores("{}", Some(reference), &[response]).unwrap()[..] {
        [Score::Value(1.0)] => true,
        [Score::Value(0.0)] => false,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn the_last_box_is_the_answer() {
    assert!(matches(r"First \boxed{3}, no: \boxed{4}.", "4"));
    assert!(!matches(r"First \boxed{4}, no: \boxed{3}.", "4"));
    assert!(!matches(r"It is 4, so \boxed{5}", "4"));
    assert!(!matches(r"It is \boxed{4} or \boxed{4", "4"), "the last box was cut off");
    assert!(!matches(r"\boxed{}", "4"));
}

#[test]
fn without_a_box_the_last_number_or_the_whole_response_is() {
    assert!(matches("3 and 4 make 7.", "7"));
    assert!(!matches("7 is 3 and 4.", "7"));
    assert!(matches("Paris", "paris") && matches(" Paris. ", "Paris"));
    assert!(!matches("It is Paris", "Paris"));
    assert!(!matches("", "7") && !matches("seven", "7"));
    let boxes_only = r#"{"answer": "box"}"#;
    assert_eq!(scores(boxes_only, Some("7"), &["7", r"\boxed{7}"]), Ok(vec![Score::Value(0.0), Score::Value(1.0)]));
}

#[test]
fn the_reference_may_be_a_solution() {
    assert!(matches("so 42", "6 * 7 = 42\n#### 42"));
    assert!(matches("so 1,042", "long\n#### 1042"));
    assert!(matches(r"\boxed{\frac12}", r"Thus \boxed{0.5} is it, see 3."));
}

#[test]
fn equal_values_match_in_any_writing() {
    for (one, other) in [
        (r"\boxed{\frac{3}{4}}", "0.75"),
        (r"\boxed{75\%}", "3/4"),
        (r"\boxed{$1,234$}", "1234"),
        (r"\boxed{x = 3\frac{1}{2}}", "7/2"),
        (r"\boxed{-0.50}", r"-\frac{1}{2}"),
        (r"\boxed{\left(1, \frac{1}{2}\right)}", "(1, 0.5)"),
        (r"\boxed{90^\circ}", "90"),
        (r"\boxed{\text{(C)}}", "C"),
        (r"\boxed{\dfrac{\pi}{2}}", r"\frac{\pi}{2}"),
        // At first nothing was evaluated, and these were different; a percentage equals what was asked for in percent.
        (r"\boxed{1+1}", "2"),
        (r"\boxed{2^2}", "4"),
        (r"\boxed{50}", r"50\%"),
        (r"\boxed{\frac{1}{\sqrt{2}}}", r"\frac{\sqrt{2}}{2}"),
        (r"\boxed{(x+1)^2}", "x^2 + 2x + 1"),
        (r"\boxed{1.41421356}", r"\sqrt{2}"),
        (r"\boxed{x \in (2, \infty)}", "x > 2"),
        (r"\boxed{0.\overline{3}}", "1/3"),
        (r"\boxed{1} and \boxed{-2}", "-2, 1"),
        ("<think>5</think>The answer is 6.", "6"),
        ("x = 5", "5"),
    ] {
        assert!(matches(one, other), "{one} {other}");
    }
}

/// What other graders were complained about for, beyond the commonest writing of each.
#[test]
fn rarer_writings_of_an_answer_match() {
    for (response, reference) in [
        (r"\boxed{1\!234\!567}", "1234567"),
        ("That makes 9{,}500.", "9500"),
        (r"The total is \$1{,}500.", "1500"),
        ("It takes 5 x 10^3 J.", "5000"),
        (r"\boxed{5 X 10^{3}}", "5000"),
        ("It takes 5·10³ J.", "5000"),
        ("2×10⁻³", "0.002"),
        (r"\boxed{\lbrace 3, 1, 2 \rbrace}", r"\{1, 2, 3\}"),
        (r"\boxed{\left\{\begin{aligned} x&=1 \\ y&=2 \end{aligned}\right.}", r"\begin{cases} x=1 \\ y=2 \end{cases}"),
        (r"\boxed{\left\{\begin{array}{rcl} x & = & 1 \\ y & = & 2 \end{array}\right.}", "x=1, y=2"),
        (r"\boxed{24\frac{\text{km}}{\text{h}}}", "24"),
        (r"\boxed{24\,\mathrm{km\,h^{-1}}}", r"24\text{ km/h}"),
        (r"\boxed{\text{C: 42}}", "C"),
        ("**B**", "B"),
    ] {
        assert!(matches(response, reference), "{response} and {reference}");
    }
    for (response, reference) in [
        (r"\boxed{5\!6}", "5"),
        ("That makes 9{,}050.", "9500"),
        ("It takes 5 x 10^3 J.", "5"),
        ("It takes 5·10³ J.", "5"),
        ("2×10⁻³", "0.02"),
        (r"\boxed{\left\{\begin{aligned} x&=2 \\ y&=1 \end{aligned}\right.}", "x=1, y=2"),
        (r"\boxed{\begin{cases} 1 & x > 0 \\ 2 & x < 0 \end{cases}}", "1, 2"),
        (r"\boxed{25\frac{\text{km}}{\text{h}}}", "24"),
        (r"\boxed{\text{B: 42}}", "C"),
        ("**A** or **B**", "B"),
    ] {
        assert!(!matches(response, reference), "{response} and {reference}");
    }
}

#[test]
fn different_answers_do_not_match() {
    for (one, other) in [
        (r"\boxed{0.333}", "1/3"),
        (r"\boxed{3.14}", r"\pi"),
        (r"\boxed{(1, 2)}", "[1, 2]"),
        (r"\boxed{(1, 2)}", "(2, 1)"),
        (r"\boxed{1, 2}", "1"),
        (r"\boxed{7}", "seven"),
        (r"\boxed{9007199254740993}", "9007199254740992"),
        (r"\boxed{9007199254740993\pi}", r"9007199254740992\pi"),
        (r"\boxed{\frac{1}{2004!}}", r"\frac{1}{2006!}"),
        (r"\boxed{1/0}", "1"),
        (r"\boxed{x}", "y"),
        (r"\boxed{\sqrt{x^2}}", "x"),
        (r"\boxed{5 \text{ cm}}", r"5 \text{ m}"),
        (r"\boxed{x + z = 1}", "1"),
        (r"\boxed{5 \quad 6}", "56"),
        (r"\boxed{12:00}", "1:00"),
        (r"The area is $9\pi$.", "9"),
        (r"The side is $\sqrt{5}$.", "5"),
        (r"<think>\boxed{6}</think>", "6"),
        (r"<think>\boxed{6}", "6"),
        (r"\boxed{on}", "no"),
    ] {
        assert!(!matches(one, other), "{one} {other}");
    }
}

#[test]
fn every_option_changes_what_it_says() {
    for (option, one, other, by_default) in [
        (r#"{"answer": "box"}"#, "The answer is 7.", "7", true),
        (r#"{"answer": "last-box"}"#, r"\boxed{1} and \boxed{2}", "1, 2", true),
        (r#"{"answer": "tag"}"#, "so 7", "7", true),
        (r#"{"answer": "expression"}"#, "Paris", "Paris", true),
        (r#"{"answer": "whole"}"#, "so 7", "7", true),
        (r#"{"tolerance": 0.01}"#, r"\boxed{3.14}", r"\pi", false),
        (r#"{"units": "require"}"#, r"\boxed{5}", r"5 \text{ cm}", true),
        (r#"{"assignments": "whole"}"#, r"\boxed{x = 3}", "3", true),
        (r#"{"sets": "strict"}"#, r"\boxed{\{1, 2\}}", "1, 2", true),
        (r#"{"lists": "ordered"}"#, r"\boxed{2, 1}", "1, 2", true),
        (r#"{"percent": "fraction"}"#, r"\boxed{50}", r"50\%", true),
    ] {
        let score = |value: bool| Ok(vec![Score::Value(if value { 1.0 } else { 0.0 })]);
        assert_eq!(scores("{}", Some(other), &[one]), score(by_default), "{one} {other}");
        assert_eq!(scores(option, Some(other), &[one]), score(!by_default), "{option}: {one} {other}");
    }
    assert!(AnswerMatch::from_json(r#"{"tolerance": 0.5}"#).is_err());
    // The name that earlier packs have in their configuration.
    assert!(AnswerMatch::from_json(r#"{"answer": "box-or-number"}"#).is_ok());
}

#[test]
fn a_task_without_a_reference_is_refused() {
    for reference in [None, Some(""), Some("  "), Some(r"\boxed{}")] {
        assert!(
            matches!(scores("{}", reference, &["4"]), Err(Refusal::UnsuitableTask(why)) if why.contains("reference"))
        );
    }
    assert!(AnswerMatch::from_json(r#"{"answer": "last"}"#).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_text_is_never_a_panic(response in any::<String>(), reference in any::<String>()) {
        let _ = scores("{}", Some(&reference), &[&response]);
    }

    #[test]
    fn pieces_of_answers_are_never_a_panic_and_score_0_or_1(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "\\boxed{", "}", "{", "\\frac", "1", "2", "/", "%", "(", ")", ",", "[", "]", "\\text{", "-", ".", "####", " ", "x=", "\u{e9}",
        ]), 0..20),
        reference in prop::sample::select(vec!["1", "(1,2)", "1/2", "x", "\\frac12"]),
    ) {
        let scores = scores("{}", Some(reference), &[&pieces.concat()]).unwrap();
        prop_assert!(matches!(scores[..], [Score::Value(0.0 | 1.0)]), "{scores:?}");
    }

    #[test]
    fn a_whole_number_matches_itself_and_not_its_neighbour(number in -100_000_i64..100_000) {
        let reference = number.to_string();
        let boxed = format!("\\boxed{{{number}}}");
        let plain = format!("The answer is {number}.");
        prop_assert!(matches(&boxed, &reference) && matches(&plain, &reference));
        prop_assert!(!matches(&boxed, &(number + 1).to_string()) && !matches(&plain, &(number + 1).to_string()));
    }
}

#[test]
fn a_long_response_takes_linear_time() {
    for piece in [
        "1",
        "1,",
        "-",
        "\\boxed{",
        "\\boxed",
        "\\frac",
        "\\frac{1",
        "{",
        "(",
        "(1,",
        "\\text{",
        "1.",
        ".",
        "1 ",
        "1,234,",
        "9^",
        "9!",
        "(9!)",
        "\\sqrt{",
        "|",
        "x_{",
        "\\begin{pmatrix}",
        "\\left(",
        "$",
        "$1",
        "-1/",
        "x = ",
        "\\{",
        "<think>",
        "answer is ",
    ] {
        let text = piece.repeat((1 << 17) / piece.len());
        for text in [text.clone(), format!("\\boxed{{{text}}}")] {
            let start = std::time::Instant::now();
            let _ = matches(&text, "(1,2)");
            // Quadratic time would be a minute or more.
            assert!(start.elapsed() < std::time::Duration::from_secs(5), "{piece:?} took {:?}", start.elapsed());
        }
    }
}

#[test]
fn what_would_be_too_large_is_not_computed() {
    let start = std::time::Instant::now();
    for (one, other) in [
        ("10^{10^{9}}", "10^{10^{9} + 1}"),
        ("9^{9^{9^{9}}}", "9^{9^{9^{8}}}"),
        ("((100!)!)!", "((99!)!)!"),
        ("(x+y+z+w+u+v)^{1000}", "(x+y+z+w+u+v)^{1001}"),
        ("(x+y+z+w+u+v)^{24}(a+b+c+d)^{24}", "1"),
        ("2^{x^{2^{100000}}}", "2"),
        ("1e9999", "1e9998"),
        (r"\binom{1000000000}{500000000}", "1"),
        (r"\sqrt[1000000000]{2}", "1"),
    ] {
        assert!(!matches(&format!(r"\boxed{{{one}}}"), other), "{one} {other}");
        // What is not computed is still itself.
        assert!(matches(&format!(r"\boxed{{{one}}}"), one), "{one}");
    }
    let digits = "7".repeat(100_000);
    assert!(matches(&format!(r"\boxed{{{digits}}}"), &digits));
    assert!(!matches(&format!(r"\boxed{{{digits}}}"), &format!("{digits}7")));
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
}
