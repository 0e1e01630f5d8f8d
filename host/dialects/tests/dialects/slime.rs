//! `slime/rollout/rm_hub/__init__.py`, `remote_rm`.

use insta::assert_json_snapshot;
use rewarden_dialects::{DialectConfig, Floors, ProblemKind, SlimeReply};
use serde_json::json;

use crate::server::{Server, said};

#[test]
fn the_whole_reply_is_the_number() {
    let server = Server::new();
    assert_eq!(
        server.good("/slime", json!({ "prompt": "2+2?", "response": "1.5 four<|im_end|>", "label": "4" })),
        json!(1.5)
    );
    let ask = server.one();
    assert_eq!(said(&ask), [("user", "2+2?")]);
    assert_eq!((ask.responses[0].as_str(), ask.references.first().map(String::as_str)), ("1.5 four", Some("4")));
}

#[test]
fn the_reply_is_an_object_where_configuration_or_url_says_so() {
    let body = json!({ "prompt": [{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "2+2?" }], "response": "1", "label": null });
    let by_config = Server::with(DialectConfig { slime_reply: SlimeReply::Fields, ..DialectConfig::default() });
    let reply = by_config.good("/slime", body.clone());
    assert_json_snapshot!("slime_fields", reply);
    assert_eq!(said(&by_config.one()), [("system", "Be brief."), ("user", "2+2?")]);
    assert_eq!(Server::new().good("/slime?reply=fields", body.clone()), reply);
    assert_eq!(by_config.good("/slime?reply=number", body), json!(1.0));
}

#[test]
fn a_failure_is_never_a_number_alone() {
    let body = |response: &str| json!({ "prompt": "p", "response": response, "label": null });
    let floors = Floors { slime: Some(-1.0), ..Floors::default() };
    let with_floor = Server::with(DialectConfig { floors, ..DialectConfig::default() });
    for server in [&Server::new(), &with_floor] {
        server.problem("/slime", body("abstain"), ProblemKind::Unrewarded);
        server.problem("/slime", body("model-down"), ProblemKind::Model);
        server.problem("/slime", body("overloaded"), ProblemKind::Overloaded);
    }
    let reply = with_floor.good("/slime?reply=fields", body("abstain"));
    assert_eq!((&reply["score"], &reply["failed"], &reply["failure"]), (&json!(-1.0), &json!(1), &json!("abstained")));
    // Trying again helps here, so no floor is paid out.
    with_floor.problem("/slime?reply=fields", body("overloaded"), ProblemKind::Overloaded);
    Server::new().problem("/slime?reply=fields", body("abstain"), ProblemKind::Unrewarded);
}

#[test]
fn the_samples_of_a_prompt_are_judged_together_and_given_back_in_order() {
    let server = Server::new();
    let sample = |prompt: &str, response: &str| json!({ "prompt": prompt, "response": response, "label": "l" });
    let samples = json!([sample("p", "1"), sample("q", "2"), sample("p", "3"), sample("p", "4")]);
    assert_eq!(server.good("/slime/group", samples.clone()), json!([1.0, 2.0, 3.0, 4.0]));
    let mut asked: Vec<Vec<String>> = server.asked().into_iter().map(|ask| ask.responses).collect();
    asked.sort();
    assert_eq!(asked, [vec!["1", "3", "4"], vec!["2"]]);
    assert_eq!(server.good("/slime/group", json!({ "samples": samples })), json!([1.0, 2.0, 3.0, 4.0]));
    assert_eq!(server.good("/slime/group", json!([])), json!([]));
    let reply =
        server.problem("/slime/group", json!([sample("p", "1"), sample("p", "abstain")]), ProblemKind::Unrewarded);
    assert_eq!(reply.json["pointer"], "/1");
    let reply = server.problem(
        "/slime/group",
        json!({ "samples": [{ "prompt": "p", "response": 4 }] }),
        ProblemKind::InvalidRequest,
    );
    assert_eq!(reply.json["pointer"], "/samples/0/response");
}
