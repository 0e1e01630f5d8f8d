//! `vllm/entrypoints/pooling/scoring/protocol.py`.

use insta::assert_json_snapshot;
use rewarden_dialects::ProblemKind;
use serde_json::{Value, json};

use crate::server::{Server, said, steady};

#[test]
fn one_text_against_many_is_one_task() {
    let server = Server::new();
    let reply = server.good("/score", json!({ "model": "m", "text_1": "q", "text_2": ["1", "3", "2"] }));
    assert_json_snapshot!("score_one_to_many", steady(reply));
    let ask = server.one();
    assert_eq!(
        (said(&ask), ask.responses.clone()),
        (vec![("user", "q")], vec!["1".to_owned(), "3".to_owned(), "2".to_owned()])
    );
}

#[test]
fn pairs_are_tasks_of_their_own_in_every_spelling() {
    for (first, second) in [("queries", "documents"), ("queries", "items"), ("data_1", "data_2"), ("text_1", "text_2")]
    {
        let server = Server::new();
        let reply = server.good("/v1/score", json!({ first: ["a", "b"], second: ["1", "2"] }));
        let scores: Vec<&Value> = reply["data"].as_array().unwrap().iter().map(|row| &row["score"]).collect();
        assert_eq!(scores, [&json!(1.0), &json!(2.0)]);
        assert_eq!(server.asked().len(), 2);
    }
}

#[test]
fn a_pair_without_a_score_fails_the_request_since_the_format_needs_every_number() {
    let server = Server::new();
    let reply = server.problem("/score", json!({ "text_1": "q", "text_2": ["1", "abstain"] }), ProblemKind::Unrewarded);
    assert_eq!(reply.json["pointer"], "/text_2/1");
    for (body, pointer) in [
        (json!({ "text_1": "q" }), ""),
        (json!({ "text_1": ["a", "b"], "text_2": ["1", "2", "3"] }), "/text_2"),
        (json!({ "text_1": "q", "text_2": [] }), "/text_2"),
        (json!({ "text_1": { "content": [] }, "text_2": "1" }), "/text_1"),
        (json!({ "text_1": "q", "text_2": "1", "use_activation": true }), "/use_activation"),
    ] {
        let reply = server.problem("/score", body, ProblemKind::InvalidRequest);
        assert_eq!(reply.json["pointer"], pointer, "{}", reply.json);
    }
}

#[test]
fn documents_come_best_first_ties_in_their_order() {
    let server = Server::new();
    let body = json!({ "model": "m", "query": "q", "documents": ["1", { "text": "3" }, "2", "3"] });
    assert_json_snapshot!("rerank", steady(server.good("/rerank", body.clone())));
    let mut top = body.clone();
    top["top_n"] = json!(1);
    assert_eq!(server.good("/v1/rerank", top)["results"].as_array().unwrap().len(), 1);
    let bare = server.good("/v2/rerank", body.clone());
    assert!(bare["results"][0].get("document").is_none());
    let mut without = body;
    without["return_documents"] = json!(false);
    assert!(server.good("/v1/rerank", without)["results"][0].get("document").is_none());
}

#[test]
fn a_document_without_a_score_is_left_out_and_named() {
    let server = Server::new();
    let reply = server.good("/rerank", json!({ "query": "q", "documents": ["abstain", "2"] }));
    let indices: Vec<&Value> = reply["results"].as_array().unwrap().iter().map(|row| &row["index"]).collect();
    assert_eq!(indices, [&json!(1)]);
    assert!(reply["rewarden"]["unscored"]["0"].as_str().unwrap().contains("no sample names it"));
    server.problem("/rerank", json!({ "query": "q", "documents": ["abstain", "abstain"] }), ProblemKind::Unrewarded);
    server.problem("/rerank", json!({ "query": "q", "documents": ["1", "model-down"] }), ProblemKind::Model);
    server.problem("/rerank", json!({ "query": "q", "documents": ["refused", "1"] }), ProblemKind::Unrewarded);
}

#[test]
fn what_is_no_text_is_refused() {
    let server = Server::new();
    let image = json!({ "query": "q", "documents": ["1", { "content": [{ "type": "image_url" }] }] });
    assert_eq!(server.problem("/rerank", image, ProblemKind::InvalidRequest).json["pointer"], "/documents/1");
    let empty = json!({ "query": "q", "documents": [] });
    assert_eq!(server.problem("/rerank", empty, ProblemKind::InvalidRequest).json["pointer"], "/documents");
}
