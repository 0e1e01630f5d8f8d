//! verl's reward function (`verl/experimental/reward_loop/reward_manager/naive.py`), over HTTP.

use std::collections::BTreeSet;

use insta::assert_json_snapshot;
use rewarden_dialects::{DialectConfig, Floors, ProblemKind};
use serde_json::{Value, json};

use crate::server::{Server, said};

fn body(solution: &str) -> Value {
    // What verl's GSM8K data brings along.
    json!({
        "data_source": "openai/gsm8k", "solution_str": solution, "ground_truth": "72",
        "extra_info": { "split": "train", "index": 0, "question": "How many clips?", "num_turns": 2 },
    })
}

#[test]
fn a_sample_is_scored_with_what_verl_says_of_it() {
    let server = Server::new();
    assert_json_snapshot!("verl_scored", server.good("/verl/compute_score", body("0.5 clips<|im_end|>")));
    let ask = server.one();
    assert_eq!(said(&ask), [("user", "How many clips?")]);
    assert_eq!((ask.responses[0].as_str(), ask.references.first().map(String::as_str)), ("0.5 clips", Some("72")));
    assert_eq!(ask.metadata["data_source"], "openai/gsm8k");
    assert_eq!(ask.metadata["split"], "train");
}

#[test]
fn the_keys_are_the_same_whatever_happens_and_a_failure_is_flagged() {
    let floors = Floors { verl: -1.0, ..Floors::default() };
    let server = Server::with(DialectConfig { floors, ..DialectConfig::default() });
    let keys = |reply: &Value| -> BTreeSet<String> { reply.as_object().unwrap().keys().cloned().collect() };
    let scored = server.good("/verl/compute_score", body("0"));
    assert_eq!((&scored["score"], &scored["rewarden_failed"]), (&json!(0.0), &json!(0)));
    for (solution, failure) in
        [("abstain", "abstained"), ("refused", "policy_refused"), ("model-down", "model_error"), ("timeout", "timeout")]
    {
        let failed = server.good("/verl/compute_score", body(solution));
        assert_eq!(keys(&failed), keys(&scored));
        assert_eq!(
            (&failed["score"], &failed["rewarden_failed"], &failed["rewarden_failure"]),
            (&json!(-1.0), &json!(1), &json!(failure))
        );
    }
    assert_eq!(Server::new().good("/verl/compute_score", body("abstain"))["score"], 0.0);
}

#[test]
fn a_ground_truth_of_every_kind_is_read_or_refused_by_its_pointer() {
    let server = Server::new();
    let with = |field: &str, value: Value| {
        let mut body = body("1");
        body[field] = value;
        body
    };
    for (truth, texts) in [
        (json!(3), &["3"][..]),
        (json!(1e16), &["10000000000000000"]),
        (json!(["4", "four"]), &["4", "four"]),
        (json!({ "target": ["Paris"] }), &["Paris"]),
        (json!(null), &[]),
    ] {
        server.good("/verl/compute_score", with("ground_truth", truth));
        assert_eq!(server.asked().last().unwrap().references, texts);
    }
    for (field, value, pointer) in [
        ("ground_truth", json!({ "inputs": [] }), "/ground_truth"),
        ("ground_truth", json!(["4", ["5"]]), "/ground_truth/1"),
        ("solution_str", json!(null), "/solution_str"),
        ("solution_str", json!([{ "type": "image_url" }]), "/solution_str/0"),
        ("extra_info", json!({ "question": 4 }), "/extra_info/question"),
    ] {
        let reply = server.problem("/verl/compute_score", with(field, value), ProblemKind::InvalidRequest);
        assert_eq!(reply.json["pointer"], pointer);
    }
}

#[test]
fn what_python_writes_and_json_does_not_have_is_read() {
    let server = Server::new();
    let text = r#"{"solution_str": "1 \ud83d", "ground_truth": 123456789012345678901234567890,
        "extra_info": {"question": "q", "difficulty": NaN, "limit": -Infinity}}"#;
    assert_eq!(server.post_text("/verl/compute_score", text).status, 200);
    let ask = server.one();
    assert_eq!(
        (ask.responses[0].as_str(), ask.references),
        ("1 \u{fffd}", vec!["123456789012345678901234567890".to_owned()])
    );
    assert_eq!(ask.metadata["difficulty"], json!(null));
}

#[test]
fn a_solution_of_several_turns_is_judged_by_its_last() {
    let server = Server::new();
    let mut body = body("");
    body["solution_str"] = json!([
        { "role": "assistant", "content": null, "tool_calls": [{ "function": { "name": "f", "arguments": "{}" } }] },
        { "role": "tool", "name": "f", "content": "144" },
        { "role": "assistant", "content": [{ "type": "text", "text": "0.5 of it" }] },
    ]);
    assert_eq!(server.good("/verl/compute_score", body)["score"], 0.5);
    let ask = server.one();
    assert_eq!(ask.responses, ["0.5 of it"]);
    let turns = [("user", "How many clips?"), ("assistant", "[call of f: {}]"), ("user", "[result of f]\n144")];
    assert_eq!(said(&ask), turns);
}

#[test]
fn what_trying_again_or_mending_the_request_helps_is_a_problem() {
    let server = Server::new();
    let reply = server.problem("/verl/compute_score", body("overloaded"), ProblemKind::Overloaded);
    assert_eq!(reply.retry_after, Some(2));
    server.problem("/verl/compute_score", body("unknown-pack"), ProblemKind::NotFound);
}

#[test]
fn a_question_is_needed_unless_the_operator_says_otherwise() {
    let bare = json!({ "data_source": "d", "solution_str": "1", "ground_truth": "1", "extra_info": { "index": 3 } });
    let reply = Server::new().problem("/verl/compute_score", bare.clone(), ProblemKind::InvalidRequest);
    assert_eq!(reply.json["pointer"], "/extra_info");
    assert!(reply.json["detail"].as_str().unwrap().contains("question"));
    let server = Server::with(DialectConfig { verl_without_question: true, ..DialectConfig::default() });
    server.good("/verl/compute_score", bare);
    assert_eq!(said(&server.one()), [("user", "")]);
}
