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
    assert_eq!((ask.responses[0].as_str(), ask.reference.as_deref()), ("0.5 clips", Some("72")));
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
