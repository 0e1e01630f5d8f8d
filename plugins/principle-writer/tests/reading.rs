//! What is read in a completion, and what fails.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use principle_writer::PrincipleWriter;
use proptest::prelude::*;
use rewarden_plugin::{
    Completion, Constraint, CountMismatch, FinishReason, Message, ParseFailure, Plugin, Principle, Principles, Query,
};

fn writer(config: &str) -> PrincipleWriter {
    PrincipleWriter::from_json(config).unwrap()
}

fn read_as(config: &str, text: &str, finish: FinishReason) -> Result<Vec<Principle>, ParseFailure> {
    writer(config).read(&Completion { text: text.to_owned(), finish, tokens: vec![] })
}

fn read(text: &str) -> Result<Vec<Principle>, ParseFailure> {
    read_as(r#"{"least": 2, "most": 4}"#, text, FinishReason::Stop)
}

fn principle(name: &str, weight: impl Into<Option<f64>>, text: &str) -> Principle {
    Principle { name: name.to_owned(), weight: weight.into(), text: text.to_owned() }
}

#[test]
fn one_list_in_every_dress_that_models_give_it() {
    let expected = [principle("Right sum", 60.0, "The sum is 4."), principle("Brevity", 40.0, "One line is enough.")];
    for text in [
        "1. Right sum (Weight: 60%): The sum is 4.\n2. Brevity (Weight: 40%): One line is enough.",
        "1) **Right sum** (60%): The sum is 4.\n2) **Brevity** (40%): One line is enough.",
        "**1. Right sum (Weight: 60%):** The sum is 4.\n\n**2. Brevity (Weight: 40%):** One line is enough.",
        "### 1. Right sum (Weight: 60)\nThe sum is 4.\n\n### 2. Brevity (Weight: 40)\nOne line is enough.",
        "Here they are:\n\n- Right sum [Weight: 60%] - The sum is 4.\n- Brevity [Weight: 40%] - One line is enough.",
        "Principles:\n* **Right sum**: The sum is 4. (Weight: 60%)\n* **Brevity**: One line is enough. (Weight: 40%)",
        "Right sum (Weight: 60%): The sum is 4.\nBrevity (Weight: 40%): One line is enough.",
        "1. Right sum (Weight: 60%): The sum\n   is 4.\n2. Brevity (Weight: 40%): One line\n   is enough.\n\nThat is all.",
        "\u{2022} Right sum (weight 60) \u{2014} The sum is 4.\n\u{2022} Brevity (weight 40) \u{2014} One line is enough.",
        r#"{"principles": [{"name": "Right sum", "weight": 60, "text": "The sum is 4."},
            {"name": "Brevity", "weight": "40%", "text": "One line is enough."}]}"#,
        "```json\n[{\"criterion\": \"Right sum\", \"weight\": 60, \"description\": \"The sum is 4.\"}, \
         {\"criterion\": \"Brevity\", \"weight\": 40, \"description\": \"One line is enough.\"}]\n```",
    ] {
        assert_eq!(read(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn a_principle_may_lack_a_weight_or_a_name_and_nothing_is_made_up() {
    let read = read("1. Truth: all of it.\n2. Tone\n3. It has to say in plain words what happened, why it happened, and what the reader has to do now.").unwrap();
    assert_eq!(read[0], principle("Truth", None, "all of it."));
    assert_eq!(read[1], principle("Tone", None, ""));
    assert_eq!((read[2].name.as_str(), read[2].weight), ("Principle 3", None));
}

#[test]
fn brackets_in_a_text_are_no_weight_and_bullets_below_a_number_are_its_text() {
    let read = read("1. Units: lengths (30 cm) are converted.\n   - inches to centimetres\n2. Sources (named): cited.")
        .unwrap();
    assert_eq!(read[0], principle("Units", None, "lengths (30 cm) are converted. - inches to centimetres"));
    assert_eq!(read[1], principle("Sources (named)", None, "cited."));
}

#[test]
fn a_longer_list_gives_its_first_principles_and_a_shorter_one_fails() {
    let list = |count: u32| (1..=count).map(|n| format!("{n}. P{n}: text {n}\n")).collect::<String>();
    assert_eq!(read(&list(9)).unwrap().len(), 4);
    assert_eq!(read(&list(1)), Err(ParseFailure::WrongCount(CountMismatch { expected: 2, found: 1 })));
    // A model that turns in circles names the same thing again.
    // What is said twice counts once; another aspect of the same name is one of its own.
    assert!(read("1. Truth: It is true.\n2. Truth: it is true\n3. truth: It is *true*!").is_err());
    let named: Vec<String> =
        read("1. Truth: a\n2. Truth: b\n3. truth: a").unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(named, ["Truth", "Truth (2)"]);
}

#[test]
fn what_the_token_limit_cut_is_not_a_principle() {
    let cut = "1. Truth (Weight: 50%): all of it.\n2. Tone (Weight: 25%): calm.\n3. Length (Weig";
    let read = |least| read_as(&format!(r#"{{"least": {least}, "most": 4}}"#), cut, FinishReason::Length);
    assert_eq!(read(2).unwrap().len(), 2);
    let Err(ParseFailure::Unparsable(message)) = read(3) else { panic!("{:?}", read(3)) };
    assert!(message.contains("expected at least 3 whole principles, found 2"), "{message}");
    let json = r#"{"principles": [{"name": "Truth", "text": "all of it."}, {"name": "To"#;
    let Err(ParseFailure::Unparsable(message)) = read_as("{}", json, FinishReason::Length) else { panic!() };
    assert!(message.contains("not whole") && message.contains("token limit"), "{message}");
}

#[test]
fn what_is_no_list_and_weights_that_cannot_be_are_failures() {
    for text in ["", "I cannot help with that.", "4", "{}", "[]", "{\"principles\": []}", "\\boxed{8, 2}"] {
        assert!(matches!(read(text), Err(ParseFailure::Unparsable(_))), "{text}: {:?}", read(text));
    }
    assert!(matches!(read("1. A (Weight: nan): x\n2. B: y"), Err(ParseFailure::NotFinite(_))));
    assert!(matches!(read("1. A (Weight: -5%): x\n2. B: y"), Err(ParseFailure::Unparsable(_))));
}

fn ask(config: &str) -> Option<Constraint> {
    let query = Query { messages: vec![Message::user("2+2?")], metadata: "{}".to_owned() };
    writer(config).ask(&query).unwrap().constraint
}

#[test]
fn the_forced_list_is_one_that_is_read() {
    assert_eq!(ask("{}"), None);
    let Some(Constraint::Regex(pattern)) = ask(r#"{"least": 2, "most": 3, "constrain": true}"#) else { panic!() };
    let regex = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
    let line = |number: u32| {
        format!(
            "{number}. {} (Weight: 30%): the sum is right",
            ["Accuracy", "Brevity", "Correctness"][number as usize - 1]
        )
    };
    let list = |count: u32| (1..=count).map(line).collect::<Vec<_>>().join("\n");
    for (count, fits) in [(1, false), (2, true), (3, true)] {
        assert_eq!(regex.is_match(&list(count)), fits, "{}", list(count));
    }
    assert_eq!(read(&list(3)).unwrap().len(), 3);
    for wrong in [
        "1. Accuracy (Weight: 30%): it is right\n2. Accuracy (Weight: 30%): it is right",
        "1. [name] (Weight: 30%): [what a good response does]\n2. Brevity (Weight: 30%): it is short",
        "1. A (Weight: 0%): the sum is right\n2. B",
        "1. Aa (Weight: 30%): \\boxed{1}\n2. Bb (Weight: 1%): ten signs.",
    ] {
        assert!(!regex.is_match(wrong), "{wrong}");
    }
}

#[test]
fn the_forced_json_is_a_schema_of_what_is_read() {
    let Some(Constraint::JsonSchema(schema)) = ask(r#"{"form": "json", "constrain": true, "least": 2, "most": 6}"#)
    else {
        panic!("expected a JSON schema")
    };
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let list = &schema["properties"]["principles"];
    assert_eq!((&list["minItems"], &list["maxItems"]), (&2.into(), &6.into()));
    assert_eq!(list["items"]["required"], serde_json::json!(["name", "weight", "text"]));
}

proptest! {
    #[test]
    fn whatever_a_model_writes_gives_what_the_host_takes_or_a_failure(
        text in "([0-9]{1,2}[.)] |- |[*]{2}|[(]Weight: |%|[)]|:|\\n|\\{|\\}|\\[|\\]|\"name\"|\"text\"|\"principles\"|[a-z]{1,6}|\\PC){0,60}",
        cut: bool,
    ) {
        let finish = if cut { FinishReason::Length } else { FinishReason::Stop };
        if let Ok(principles) = read_as(r#"{"least": 1, "most": 8}"#, &text, finish) {
            prop_assert!((1..=8).contains(&principles.len()));
            for principle in principles {
                prop_assert!(!principle.name.trim().is_empty());
                prop_assert!(!principle.name.contains('\n') && !principle.text.contains('\n'));
                prop_assert!(principle.weight.is_none_or(|weight| weight.is_finite() && weight >= 0.0));
            }
        }
    }
}
