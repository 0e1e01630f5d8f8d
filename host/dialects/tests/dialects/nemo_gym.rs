//! `nemo_gym/base_resources_server.py` and `resources_servers/genrm_compare`.

use insta::assert_json_snapshot;
use rewarden_dialects::ProblemKind;
use serde_json::{Value, json};

use crate::server::{Server, said};

fn response(text: &str) -> Value {
    json!({
        "id": "resp_1", "object": "response", "model": "policy",
        "output": [
            { "type": "reasoning", "id": "rs_1", "summary": [{ "type": "summary_text", "text": "hm" }] },
            { "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
              "content": [{ "type": "output_text", "text": text, "annotations": [] }] },
        ],
    })
}

fn rollout(text: &str) -> Value {
    json!({
        "responses_create_params": { "input": [
            { "role": "developer", "content": "Be brief." },
            { "role": "user", "content": [{ "type": "input_text", "text": "Capital of France?" }] },
        ] },
        "response": response(text), "expected_answer": "Paris", "_ng_task_index": 3, "_ng_rollout_index": 1,
    })
}

fn sums(reply: &Value) -> f64 {
    reply["reward_components"].as_object().unwrap().values().map(|part| part.as_f64().unwrap()).sum()
}

#[test]
fn the_request_comes_back_with_a_reward_that_is_the_sum_of_its_components() {
    let server = Server::new();
    let reply = server.good("/verify", rollout("0.75 Paris"));
    assert_json_snapshot!("nemo_gym_verify", reply);
    assert_eq!(sums(&reply), reply["reward"].as_f64().unwrap());
    let ask = server.one();
    assert_eq!(said(&ask), [("system", "Be brief."), ("user", "Capital of France?")]);
    assert_eq!(
        (ask.responses[0].as_str(), ask.references.first().map(String::as_str), &ask.cohort),
        ("0.75 Paris", Some("Paris"), &None)
    );
}

#[test]
fn a_failed_judgement_is_a_200_that_gym_routes_to_its_failures() {
    let server = Server::new();
    for (answer, class) in [
        ("abstain", "judge_failed"),
        ("refused", "judge_failed"),
        ("model-down", "judge_failed"),
        ("timeout", "judge_failed"),
    ] {
        let reply = server.good("/verify", rollout(answer));
        assert_eq!(reply["_ng_failure_class"], class, "{reply}");
        assert_eq!((&reply["mask_sample"], &reply["reward"]), (&json!(true), &json!(0.0)));
        assert_eq!(reply["instance_config"], json!({ "mask_sample": true }));
        assert_eq!(sums(&reply), 0.0);
        assert!(reply["failure_reason"].is_string() && reply["response"]["id"] == "resp_1");
    }
    let late = server.good("/verify?cohort_size=4", rollout("timeout"));
    assert_eq!(late["_ng_failure_class"], "cohort_incomplete");
    server.problem("/verify", rollout("overloaded"), ProblemKind::Overloaded);
}

#[test]
fn what_an_earlier_verification_left_does_not_survive_a_later_one() {
    let server = Server::new();
    let failed = server.good("/verify", rollout("abstain"));
    let mut again = failed;
    again["response"] = response("1");
    let reply = server.good("/verify", again);
    assert!(reply.get("_ng_failure_class").is_none() && reply.get("failure_reason").is_none(), "{reply}");
    assert_eq!((&reply["reward"], &reply["mask_sample"]), (&json!(1.0), &json!(false)));
    assert_eq!(reply["instance_config"], json!({ "mask_sample": false }));
}

#[test]
fn a_rollout_that_its_agent_masked_stays_masked_and_keeps_its_configuration() {
    let server = Server::new();
    let mut masked = rollout("1");
    masked["instance_config"] = json!({ "mask_sample": true, "repository": "r" });
    let reply = server.good("/verify", masked);
    assert_eq!((&reply["reward"], &reply["mask_sample"]), (&json!(1.0), &json!(true)));
    assert_eq!(reply["instance_config"], json!({ "mask_sample": true, "repository": "r" }));
    let mut failed = rollout("abstain");
    failed["instance_config"] = json!({ "repository": "r" });
    assert_eq!(server.good("/verify", failed)["instance_config"], json!({ "repository": "r", "mask_sample": true }));
}

#[test]
fn messages_without_a_type_and_contents_of_one_text_are_answers_and_what_is_neither_is_refused() {
    let server = Server::new();
    let with = |output: Value| {
        let mut body = rollout("1");
        body["response"] = json!({ "output": output });
        body
    };
    let parts = json!([{ "type": "output_text", "text": "0.5 Paris" }]);
    for output in [
        json!([{ "role": "assistant", "content": parts }]),
        json!([{ "role": "assistant", "content": "0.5 Paris" }]),
        json!([{ "type": "message", "role": "assistant", "content": "0.5 Paris" }]),
        json!([{ "content": [{ "text": "0.5 Paris" }] }]),
        json!([
            { "type": "reasoning", "summary": [], "content": [{ "type": "reasoning_text", "text": "9" }] },
            { "type": "function_call", "name": "f", "arguments": "{}" },
            { "type": "function_call_output", "output": "9" },
            { "type": "web_search_call", "id": "w" },
            { "type": "message", "role": "assistant", "content": parts },
        ]),
    ] {
        let reply = server.good("/verify", with(output));
        assert_eq!(reply["reward"], json!(0.5), "{reply}");
    }
    for (output, pointer) in [
        (json!([{ "text": "0.5" }]), "/response/output/0"),
        (json!(["0.5"]), "/response/output/0"),
        (json!([{ "type": "novelty", "content": "0.5" }]), "/response/output/0"),
        (json!([{ "role": "assistant", "content": [{ "type": "output_image" }] }]), "/response/output/0/content/0"),
        (json!([{ "role": "assistant", "content": 5 }]), "/response/output/0/content"),
    ] {
        assert_eq!(server.problem("/verify", with(output), ProblemKind::InvalidRequest).json["pointer"], pointer);
    }
}

#[test]
fn ids_of_any_kind_come_back_as_they_were_written() {
    let server = Server::new();
    for id in [json!(7), json!(1.5), json!("t"), json!([1, "a"]), json!("x".repeat(5000)), json!(null), json!(false)] {
        let mut body = rollout("1");
        body["prompt_id"] = id.clone();
        body["_ng_task_index"] = id.clone();
        let reply = server.good("/verify?cohort_size=2", body);
        assert_eq!((&reply["prompt_id"], &reply["_ng_task_index"]), (&id, &id));
        assert!(server.asked().last().unwrap().cohort.as_ref().unwrap().key.len() <= 200);
    }
}

#[test]
fn the_reference_is_found_in_the_metadata_and_may_be_a_list() {
    let server = Server::new();
    let mut body = rollout("1");
    body["expected_answer"] = json!(null);
    body["verifier_metadata"] = json!({ "expected_answer": ["4", 4.5] });
    server.good("/verify", body.clone());
    assert_eq!(server.one().references, ["4", "4.5"]);
    body["verifier_metadata"]["expected_answer"] = json!([["4"]]);
    let reply = server.problem("/verify", body, ProblemKind::InvalidRequest);
    assert_eq!(reply.json["pointer"], "/verifier_metadata/expected_answer/0");
}

#[test]
fn the_rollouts_of_a_task_share_a_cohort_key_and_other_prompts_do_not() {
    let server = Server::new();
    server.good("/verify?cohort_size=4", rollout("1"));
    server.good("/verify?cohort_size=4", rollout("2"));
    let mut other = rollout("1");
    other["responses_create_params"]["input"] = json!("Capital of Spain?");
    server.good("/verify?cohort_size=4", other);
    let keys: Vec<String> = server.asked().into_iter().map(|ask| ask.cohort.unwrap().key).collect();
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2]);
    assert_eq!(server.asked()[0].cohort.as_ref().unwrap().size, 4);
}

#[test]
fn responses_are_compared_as_one_task() {
    let server = Server::new();
    let body = |answers: &[&str]| {
        json!({
            "conversation_history": [{ "role": "user", "content": "What is the capital of France?" }],
            "response_objs": answers.iter().map(|answer| response(answer)).collect::<Vec<_>>(),
            "principle": "The response should be concise and accurate.",
        })
    };
    assert_json_snapshot!("nemo_gym_compare", server.good("/compare", body(&["3.5", "4.2", "4.2"])));
    let ask = server.one();
    assert_eq!(ask.responses, ["3.5", "4.2", "4.2"]);
    assert_eq!(ask.metadata["principle"], "The response should be concise and accurate.");
    assert_eq!(server.good("/compare", body(&[]))["rewards"], json!([]));
    // No place for a missing reward: as Gym's own server, 503.
    let reply = server.problem("/compare", body(&["1", "abstain"]), ProblemKind::Unavailable);
    assert_eq!(reply.json["pointer"], "/response_objs/1");
}

#[test]
fn turns_that_cannot_be_judged_are_named() {
    let server = Server::new();
    let mut body = rollout("1");
    body["responses_create_params"]["input"] = json!([{ "type": "computer_call", "id": "c" }]);
    let reply = server.problem("/verify", body, ProblemKind::InvalidRequest);
    assert_eq!(reply.json["pointer"], "/responses_create_params/input/0/role");
    assert!(reply.json["detail"].as_str().unwrap().contains("computer_call"));
    let mut body = rollout("1");
    body["response"] = json!({});
    assert_eq!(server.problem("/verify", body, ProblemKind::InvalidRequest).json["pointer"], "/response/output");
}
