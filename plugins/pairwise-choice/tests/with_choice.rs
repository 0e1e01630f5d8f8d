//! What the template asks for, the parser `choice` reads: with one configuration for both.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use choice::Choice;
use pairwise_choice::PairwiseChoice;
use proptest::prelude::*;
use regex::Regex;
use rewarden_plugin::{
    Completion, Constraint, FinishReason, Message, ParseFailure, Parser, Plugin, Request, Scale, Score, Task, Template,
};
use serde_json::{Value, json};

const TEN: Scale = Scale { min: 1.0, max: 10.0, integer: true };

/// A verdict as it is written, and its scores.
type Verdict = (&'static str, [f64; 2]);

/// Keys that both have, keys of the parser alone, the verdicts on two responses with their scores.
const FORMS: [(&str, &str, &[Verdict]); 5] = [
    (
        r#""label_patterns": ["[[{A}]]"], "ties": ["[[C]]"]"#,
        "",
        &[("[[A]]", [10.0, 1.0]), ("[[B]]", [1.0, 10.0]), ("[[C]]", [5.0, 5.0])],
    ),
    (
        r#""label_patterns": ["Output ({a})"]"#,
        r#", "bare": "line""#,
        &[("Output (a)", [10.0, 1.0]), ("Output (b)", [1.0, 10.0])],
    ),
    (
        r#""label_patterns": ["Response {1}"], "verdicts": ["{label} is better"], "tie_verdicts": ["both are equal"]"#,
        r#", "bare": "never""#,
        &[("Response 1 is better", [10.0, 1.0]), ("Response 2 is better", [1.0, 10.0]), ("both are equal", [5.0, 5.0])],
    ),
    (
        r#""label_patterns": ["[[{A}]]"], "comparisons": ["[[{comparison}]]"]"#,
        "",
        &[
            ("[[A>>B]]", [10.0, 1.0]),
            ("[[A>B]]", [8.0, 3.0]),
            ("[[A=B]]", [5.0, 5.0]),
            ("[[B>A]]", [3.0, 8.0]),
            ("[[B>>A]]", [1.0, 10.0]),
        ],
    ),
    (
        r#""label_patterns": ["{A}"], "ties": ["tie"], "json_field": "choice""#,
        "",
        &[("A", [10.0, 1.0]), ("B", [1.0, 10.0]), ("tie", [5.0, 5.0])],
    ),
];

fn pattern(shared: &str, reasoning: &str) -> Regex {
    let config = format!(r#"{{{shared}, "reasoning": "{reasoning}", "constrain": true, "constrain_chars": 60}}"#);
    let task = Task {
        messages: vec![Message::user("?")],
        responses: vec!["x".to_owned(), "y".to_owned()],
        reference: None,
        metadata: "{}".to_owned(),
    };
    let prompt = PairwiseChoice::from_json(&config).unwrap().render(&Request::of(task, TEN));
    match prompt.unwrap().constraint {
        Some(Constraint::Regex(pattern)) => Regex::new(&format!("^(?:{pattern})$")).unwrap(),
        other => panic!("expected a regex, found {other:?}"),
    }
}

fn parse(config: &str, text: &str) -> Result<Vec<Score>, ParseFailure> {
    let completion = Completion { text: text.to_owned(), finish: FinishReason::Stop, tokens: vec![] };
    Choice::from_json(config).unwrap().parse(&completion, 2, TEN).map(|judgement| judgement.scores)
}

/// A completion in the form that is asked for.
fn completion(json: bool, reasoning: &str, verdict: &str, reasons: &str) -> String {
    match (json, reasoning) {
        (false, "none") => verdict.to_owned(),
        (false, "first") => format!("Reasons: {reasons}\n{verdict}"),
        (false, _) => format!("{verdict}\nReasons: {reasons}"),
        (true, "none") => format!(r#"{{"choice": "{verdict}"}}"#),
        (true, "first") => format!(r#"{{"reasons": "{reasons}", "choice": "{verdict}"}}"#),
        (true, _) => format!(r#"{{"choice": "{verdict}", "reasons": "{reasons}"}}"#),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_verdict_in_the_form_that_is_forced_is_read_back(
        form in 0..FORMS.len(), reasoning in prop::sample::select(vec!["none", "first", "after"]),
        verdict in any::<prop::sample::Index>(), reasons in "[a-z][a-z ,.0-9A()]{0,50}",
    ) {
        let (shared, parser, verdicts) = FORMS[form];
        let (verdict, scores) = verdicts[verdict.index(verdicts.len())];
        let text = completion(shared.contains("json_field"), reasoning, verdict, &reasons);
        prop_assert!(pattern(shared, reasoning).is_match(&text), "{text}");
        let take = if reasoning == "after" { r#", "take": "first""# } else { "" };
        let read = parse(&format!("{{{shared}{parser}{take}}}"), &text).unwrap();
        prop_assert_eq!(read, scores.map(Score::Value).to_vec(), "{}", text);
    }
}

#[test]
fn what_is_no_verdict_is_outside_the_form() {
    let labels = pattern(FORMS[0].0, "first");
    for text in ["[[A]]", "Reasons: x\n[[D]]", "Reasons: x\n[[A]] indeed", "Reasons: x\ny\n[[A]]", "Reasons: \n[[A]]"] {
        assert!(!labels.is_match(text), "{text}");
    }
    assert!(!labels.is_match(&format!("Reasons: {}\n[[A]]", "x".repeat(61))));
    assert!(!pattern(FORMS[4].0, "first").is_match(r#"{"reasons": "a"b", "choice": "A"}"#));
}

#[test]
fn the_pack_llmbar_reads_what_it_asks_for() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../packs/llmbar/pack.toml");
    let pack: toml::Value = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    // As the host gives it: what is shared goes to both.
    let config = |part: &str| {
        let mut config = pack[part]["config"].as_table().unwrap().clone();
        config.extend(pack["shared"].as_table().unwrap().clone());
        serde_json::to_string(&config).unwrap()
    };
    let (template, parser) = (config("template"), config("parser"));
    let task = Task {
        messages: vec![Message::user("?")],
        responses: vec!["x".to_owned(), "y".to_owned()],
        reference: None,
        metadata: "{}".to_owned(),
    };
    let prompt = PairwiseChoice::from_json(&template).unwrap().render(&Request::of(task, TEN));
    let Some(Constraint::Regex(pattern)) = prompt.unwrap().constraint else { panic!("expected a regex") };
    let regex = Regex::new(&format!("^(?:{pattern})$")).unwrap();
    for (verdict, scores) in [("Output (a) is better", [10.0, 1.0]), ("Output (b) is better", [1.0, 10.0])] {
        let text = format!("Reasons: Output (a) is short, Output (b) is long.\n{verdict}");
        assert!(regex.is_match(&text), "{pattern}");
        assert_eq!(parse(&parser, &text), Ok(scores.map(Score::Value).to_vec()));
    }
}

#[test]
fn template_and_parser_have_the_same_options_of_verdicts_and_refuse_unknown_ones() {
    let schemas = [PairwiseChoice::config_schema(), Choice::config_schema()];
    let [template, parser] = schemas.map(|schema| serde_json::from_str::<Value>(&schema).unwrap());
    // The host tells an unknown key by this.
    assert_eq!((&template["additionalProperties"], &parser["additionalProperties"]), (&json!(false), &json!(false)));
    for key in ["label_patterns", "labels", "ties", "comparisons", "verdicts", "tie_verdicts", "json_field"] {
        let value = match key {
            "json_field" => json!("choice"),
            "labels" => json!([["one"], ["two"]]),
            "label_patterns" => json!(["<{A}>"]),
            "comparisons" => json!(["[[{comparison}]]"]),
            "verdicts" => json!(["{label} wins"]),
            _ => json!(["neither"]),
        };
        let config = json!({ key: value }).to_string();
        let property = &template["properties"][key];
        assert!(property["description"].is_string() && *property == parser["properties"][key], "{key}: {property}");
        assert!(PairwiseChoice::from_json(&config).is_ok(), "{config}");
        assert!(Choice::from_json(&config).is_ok(), "{config}");
    }
    let wrong = r#"{"label_pattern": ["[[{A}]]"]}"#;
    assert_eq!(PairwiseChoice::from_json(wrong).unwrap_err().key.as_deref(), Some("label_pattern"));
    assert_eq!(Choice::from_json(wrong).unwrap_err().key.as_deref(), Some("label_pattern"));
}
