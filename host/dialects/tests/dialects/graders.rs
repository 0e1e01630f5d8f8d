//! OpenAI's reference of `fine_tuning/alpha/graders`.

use insta::assert_json_snapshot;
use rewarden_dialects::{DialectConfig, ProblemKind};
use serde_json::{Value, json};

use crate::server::{Server, said, steady};

const RUN: &str = "/v1/fine_tuning/alpha/graders/run";
const VALIDATE: &str = "/v1/fine_tuning/alpha/graders/validate";

fn body(sample: &str) -> Value {
    // The documented example, with the question that a pack needs in the item.
    json!({
        "grader": {
            "type": "score_model", "name": "Example score model grader", "model": "rewarden-math",
            "input": [{ "role": "user", "content": [{ "type": "input_text", "text":
                "Score how close the reference answer is to the model answer.\n\nReference: {{item.reference_answer}}\n\nModel: {{ sample.output_text }}" }] }],
            "sampling_params": { "temperature": 1, "top_p": 1, "seed": 42 },
        },
        "item": { "question": "Who was fuzzy?", "reference_answer": "fuzzy wuzzy was a bear" },
        "model_sample": sample,
    })
}

fn set_flags(reply: &Value) -> Vec<&str> {
    let errors = reply["metadata"]["errors"].as_object().unwrap();
    errors.iter().filter(|(_, value)| **value == json!(true)).map(|(name, _)| name.as_str()).collect()
}

#[test]
fn a_score_model_grader_is_run_by_the_pack_of_its_model() {
    let mut config = DialectConfig::default();
    config.models.insert("rewarden-math".to_owned(), "math".to_owned());
    let server = Server::with(config);
    assert_json_snapshot!("graders_run", steady(server.good(RUN, body("0.5 a bear"))));
    let ask = server.one();
    assert_eq!((said(&ask), ask.pack.as_deref()), (vec![("user", "Who was fuzzy?")], Some("math")));
    assert_eq!(ask.references.first().map(String::as_str), Some("fuzzy wuzzy was a bear"));
    assert_eq!((ask.sampling.seed, ask.sampling.temperature, ask.sampling.max_tokens), (Some(42), Some(1.0), None));
    let rubric = ask.metadata["rubric"].as_str().unwrap();
    assert!(rubric.contains("Reference: fuzzy wuzzy was a bear\n\nModel: 0.5 a bear"), "{rubric}");
}

#[test]
fn failures_are_flags_beside_the_floor() {
    let server = Server::new();
    for (sample, flag) in [
        ("abstain", "model_grader_parse_error"),
        ("refused", "model_grader_parse_error"),
        ("model-down", "model_grader_server_error"),
        ("timeout", "model_grader_server_error"),
    ] {
        let reply = server.good(RUN, body(sample));
        assert_eq!(set_flags(&reply), [flag], "{sample}");
        assert_eq!(reply["reward"], 0.0);
        assert!(reply["metadata"]["errors"]["model_grader_server_error_details"].is_string());
    }
    assert!(set_flags(&server.good(RUN, body("1"))).is_empty());
    server.problem(RUN, body("overloaded"), ProblemKind::Overloaded);
}

#[test]
fn a_reward_outside_the_declared_range_is_an_error_not_a_clamped_number() {
    let server = Server::new();
    let mut inside = body("0.5");
    inside["grader"]["range"] = json!([0, 1]);
    assert_eq!(server.good(RUN, inside)["reward"], 0.5);
    let mut outside = body("7");
    outside["grader"]["range"] = json!([0, 1]);
    let reply = server.good(RUN, outside);
    assert_eq!((set_flags(&reply), &reply["reward"]), (vec!["other_error"], &json!(0.0)));
}

#[test]
fn a_variable_that_the_item_does_not_have_is_flagged_and_values_are_not_filled_in_again() {
    let server = Server::new();
    let mut missing = body("1");
    missing["item"] = json!({ "question": "q" });
    assert_eq!(set_flags(&server.good(RUN, missing)), ["invalid_variable_error"]);
    assert!(server.asked().is_empty());
    server.good(RUN, body("1 {{item.reference_answer}}"));
    assert!(server.one().metadata["rubric"].as_str().unwrap().ends_with("1 {{item.reference_answer}}"));
}

#[test]
fn validate_gives_the_grader_back_or_says_what_is_wrong() {
    let server = Server::new();
    let grader = body("1")["grader"].clone();
    let reply = server.good(VALIDATE, json!({ "grader": grader }));
    assert_eq!((&reply["grader"]["name"], &reply["grader"]["sampling_params"]["seed"]), (&grader["name"], &json!(42)));
    for (pointer, value, expected) in [
        ("type", json!("python"), "/grader/type"),
        ("model", json!(4), "/grader/model"),
        ("input", json!([]), "/grader/input"),
        ("range", json!([1, 0]), "/grader/range"),
        ("input", json!([{ "role": "user", "content": [{ "type": "input_image" }] }]), "/grader/input/0/content/0"),
    ] {
        let mut wrong = grader.clone();
        wrong[pointer] = value;
        let reply = server.problem(VALIDATE, json!({ "grader": wrong }), ProblemKind::InvalidRequest);
        assert_eq!(reply.json["pointer"], expected, "{}", reply.json);
    }
    let mut bare = body("1");
    bare["item"] = json!({ "reference_answer": "r" });
    assert_eq!(server.problem(RUN, bare, ProblemKind::InvalidRequest).json["pointer"], "/item");
}
