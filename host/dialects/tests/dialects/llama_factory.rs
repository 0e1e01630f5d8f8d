//! `llamafactory/train/ppo/ppo_utils.py`, `get_rewards_from_server`.

use insta::assert_json_snapshot;
use rewarden_dialects::{ChatFormatConfig, Dialect, DialectConfig, ProblemKind};
use serde_json::json;

use crate::server::{Server, said, steady};

fn server() -> Server {
    let mut config = DialectConfig::default();
    let format = ChatFormatConfig { builtin: Some("llama-3".to_owned()), ..ChatFormatConfig::default() };
    config.chat_formats.insert("policy".to_owned(), format);
    config.chat_format.insert(Dialect::LlamaFactory, "policy".to_owned());
    Server::with(config)
}

fn decoded(answer: &str) -> String {
    format!(
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n{answer}<|eot_id|>"
    )
}

#[test]
fn decoded_texts_are_scored_in_order() {
    let server = server();
    let reply =
        server.good("/v1/score/evaluation", json!({ "model": "model", "messages": [decoded("1"), decoded("-2.5")] }));
    assert_json_snapshot!("llama_factory", steady(reply));
    assert_eq!(said(&server.asked()[0]), [("user", "Hi")]);
}

#[test]
fn a_text_without_a_score_leaves_no_scores_to_read() {
    let server = server();
    let reply = server.problem(
        "/v1/score/evaluation",
        json!({ "model": "model", "messages": [decoded("1"), decoded("abstain")] }),
        ProblemKind::Unrewarded,
    );
    assert!(reply.json.get("scores").is_none());
    assert_eq!(reply.json["pointer"], "/messages/1");
    server.problem("/v1/score/evaluation", json!({ "model": "model", "messages": [] }), ProblemKind::InvalidRequest);
    let plain = Server::new().problem(
        "/v1/score/evaluation",
        json!({ "model": "model", "messages": ["1"] }),
        ProblemKind::Untemplatable,
    );
    assert!(plain.json["detail"].as_str().unwrap().contains("configure a chat format"));
}
