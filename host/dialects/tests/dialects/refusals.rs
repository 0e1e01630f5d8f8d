//! What a consumer sees if its whole request is refused.

use rewarden_dialects::{DialectConfig, Problem, ProblemKind};
use serde_json::{Value, json};

use crate::server::{Server, chatml};

fn config() -> DialectConfig {
    let mut config = DialectConfig::default();
    config.chat_formats.insert("m".to_owned(), chatml());
    config
}

fn text(answer: &str) -> String {
    format!("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>\n")
}

#[test]
fn a_task_that_no_batch_can_hold_is_named_by_its_place_in_the_consumer_s_own_body() {
    let problem = Problem::at("/responses", "holds 300 responses; this server takes up to 256");
    let server = Server::refusing(config(), Some(1), problem.clone());
    for (route, body, pointer) in [
        ("/get_reward", json!({ "query": ["a1", "b2"], "prompts": ["a", "b"] }), "/query/1"),
        ("/classify", json!({ "model": "m", "input": [text("1"), text("2")] }), "/input/1"),
        ("/v1/score/evaluation", json!({ "model": "m", "messages": [text("1"), text("2")] }), "/messages/1"),
        ("/score", json!({ "text_1": ["a", "b"], "text_2": ["1", "2"] }), "/text_2/1"),
        (
            "/slime/group",
            json!([{ "prompt": "p", "response": "1" }, { "prompt": "p", "response": "2" }, { "prompt": "q", "response": "3" }]),
            "/2",
        ),
    ] {
        let reply = server.problem(route, body, ProblemKind::InvalidRequest);
        assert_eq!(
            (&reply.json["pointer"], &reply.json["detail"]),
            (&json!(pointer), &json!(problem.detail)),
            "{route}"
        );
        assert_eq!(reply.pack, None);
    }
}

#[test]
fn a_full_queue_is_a_429_with_advice_for_every_consumer() {
    let problem = Problem { retry_after: Some(7), ..Problem::new(ProblemKind::Overloaded, "the queue is full") };
    let server = Server::refusing(config(), None, problem);
    let rollout = json!({ "output": [{ "type": "message", "content": [{ "type": "output_text", "text": "1" }] }] });
    let grader =
        json!({ "type": "score_model", "name": "g", "model": "m", "input": [{ "role": "user", "content": "r" }] });
    let bodies: [(&str, Value); 9] = [
        ("/get_reward", json!({ "query": ["a1"], "prompts": ["a"] })),
        ("/slime", json!({ "prompt": "p", "response": "1" })),
        ("/slime/group?reply=fields", json!([{ "prompt": "p", "response": "1" }])),
        ("/verl/compute_score", json!({ "solution_str": "1", "extra_info": { "question": "q" } })),
        ("/classify", json!({ "model": "m", "input": text("1") })),
        ("/verify", json!({ "responses_create_params": { "input": "q" }, "response": rollout })),
        (
            "/compare",
            json!({ "conversation_history": [{ "role": "user", "content": "q" }], "response_objs": [rollout] }),
        ),
        (
            "/v1/fine_tuning/alpha/graders/run",
            json!({ "grader": grader, "item": { "question": "q" }, "model_sample": "1" }),
        ),
        ("/rerank", json!({ "query": "q", "documents": ["1"] })),
    ];
    for (route, body) in bodies {
        let reply = server.problem(route, body, ProblemKind::Overloaded);
        assert_eq!((reply.status, reply.retry_after), (429, Some(7)), "{route}");
    }
}
